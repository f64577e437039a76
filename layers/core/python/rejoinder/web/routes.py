"""The route table, read by the router and by the deployment, and one endpoint per row."""

from dataclasses import dataclass
from typing import Literal

from rejoinder import __version__
from rejoinder.errors import InvalidRequest
from rejoinder.idempotency import IdempotencyKey
from rejoinder.schema.ids import is_response_id
from rejoinder.schema.items import INCLUDE_SEALED, JSON
from rejoinder.telling import Telling
from rejoinder.web.calls import ENDING_SECONDS, Answer, Call, Endpoint, told_by_headers
from rejoinder.web.conversations import (
    create_conversation,
    create_items,
    delete_conversation,
    delete_item,
    list_items,
    retrieve_conversation,
    retrieve_item,
    update_conversation,
)
from rejoinder.web.messages import EventStream, Json, Text
from rejoinder.web.models import list_models, retrieve_model
from rejoinder.web.presence import unless_gone
from rejoinder.web.prometheus import MEDIA_TYPE, gauge, text_of
from rejoinder.web.query import boolean, included, integer, page_of


async def create_response(call: Call) -> Answer:
    """POST /v1/responses (contract §1)."""
    from rejoinder.schema.reader import read_request  # who never creates shall not load it

    body = await call.body()
    request = read_request(body, unsupported_tools=call.settings.unsupported_tools)
    given = call.http.headers.get("idempotency-key")
    key = IdempotencyKey.of(given, body) if given else None
    unused = [] if key is None or request.store else ["Idempotency-Key"]
    headers = told_by_headers(call, [*request.ignored_parameters, *unused], request.ignored_tools)
    if request.stream:
        telling = await call.gateway.stream(call.tenant, request, key, ends_at=call.ends_at)
        return _event_stream(call, telling, headers)
    making = call.gateway.create(call.tenant, request, key, ends_at=call.ends_at)
    made = await (making if request.store else unless_gone(call.http.receive, making))
    by = {"X-Upstream-Model": made.route_name} if made.route_name else {}
    return Json(made.response, headers=headers | by)


async def count_input_tokens(call: Call) -> Answer:
    """POST /v1/responses/input_tokens (contract §7)."""
    dropping = call.settings.unsupported_tools
    from rejoinder.schema.reader import COUNTED, read_request

    request = read_request(await call.body(), unsupported_tools=dropping, fields=COUNTED)
    headers = told_by_headers(call, request.ignored_parameters, request.ignored_tools)
    count = await call.gateway.count(call.tenant, request)
    headers["X-Token-Count"] = "exact" if count.is_exact else "estimate"
    told = {"object": "response.input_tokens", "input_tokens": count.tokens}
    return Json(told, headers=headers)


async def compact_conversation(call: Call) -> Answer:
    """POST /v1/responses/compact (contract §7)."""
    dropping = call.settings.unsupported_tools
    from rejoinder.schema.reader import COMPACTED, read_request

    request = read_request(await call.body(), unsupported_tools=dropping, fields=COMPACTED)
    headers = told_by_headers(call, request.ignored_parameters, request.ignored_tools)
    made = call.gateway.compact(call.tenant, request)
    return Json(await unless_gone(call.http.receive, made), headers=headers)


async def describe_endpoint(_call: Call) -> Answer:
    """GET /v1/responses (contract §7): what is here; never a list of responses."""
    return Json(
        {
            "object": "endpoint",
            "endpoint": "/v1/responses",
            "version": __version__,
            "methods": ["GET", "POST"],
            "capabilities": {
                "streaming": True,
                "store": True,
                "rejoin": True,
                "background": True,
                "conversations": True,
                "compact": True,
                "tools": ["function", "custom", "namespace"],
            },
            "input_types": [
                "message",
                "function_call",
                "function_call_output",
                "custom_tool_call",
                "custom_tool_call_output",
                "reasoning",
                "item_reference",
                "compaction",
                "compaction_trigger",
            ],
            "models_url": "/v1/models",
            "openapi_url": "/v1/openapi.json",
        }
    )


async def retrieve_response(call: Call) -> Answer:
    """GET /v1/responses/{response_id}, as JSON or as a stream to rejoin (contract §5.1, §5.2)."""
    response_id = _response_id(call)
    query = call.http.query_params
    after = integer(query, "starting_after", at_least=0)
    pad = boolean(query, "include_obfuscation")
    if not boolean(query, "stream"):
        if after is not None:
            raise InvalidRequest(
                "'starting_after' may be sent only together with stream=true.",
                code="invalid_value",
                param="starting_after",
            )
        return Json(
            await call.gateway.retrieve(
                call.tenant, response_id, shows_sealed=INCLUDE_SEALED in included(query)
            )
        )
    frames = await call.gateway.follow(
        call.tenant,
        response_id,
        after=-1 if after is None else after,
        with_padding=pad is not False,
    )
    return _event_stream(call, Telling(frames), {})


async def delete_response(call: Call) -> Answer:
    """DELETE /v1/responses/{response_id} (contract §5.3)."""
    response_id = _response_id(call)
    await call.gateway.delete(call.tenant, response_id)
    return Json({"id": response_id, "object": "response", "deleted": True})


async def cancel_response(call: Call) -> Answer:
    """POST /v1/responses/{response_id}/cancel (contract §5.4); a body is not looked at."""
    return Json(await call.gateway.cancel(call.tenant, _response_id(call)))


async def list_input_items(call: Call) -> Answer:
    """GET /v1/responses/{response_id}/input_items (contract §5.5)."""
    response_id = _response_id(call)
    page = page_of(call.http.query_params)
    items: list[JSON] = [*await call.gateway.input_items(call.tenant, response_id)]
    return Json(page.of(items))


async def list_deliveries(call: Call) -> Answer:
    """GET /v1/webhook_deliveries: what became of the latest attempts, newest first."""
    limit = integer(call.http.query_params, "limit", at_least=1, at_most=100)
    found = await call.gateway.deliveries(call.tenant, limit=limit or 20)
    data = [
        {
            "object": "webhook_delivery",
            "webhook": each.webhook,
            "event": each.event,
            "attempt": each.attempt,
            "at": each.at,
            "outcome": each.outcome,
        }
        for each in found
    ]
    return Json({"object": "list", "data": data})


async def metrics(call: Call) -> Answer:
    """GET /metrics: the queue, and what this process counts, in Prometheus' text form."""
    depth = await call.gateway.background.jobs.depth()
    age_seconds = round(depth.oldest_age_seconds, 3)
    now = (
        gauge("rejoinder_queue_waiting", "Jobs that wait for a worker.", depth.waiting),
        gauge("rejoinder_queue_running", "Jobs that workers have in hand.", depth.running),
        gauge("rejoinder_queue_oldest_age_seconds", "How long the oldest waits.", age_seconds),
        gauge(
            "rejoinder_responses_in_progress",
            "Responses that this process makes now.",
            call.gateway.runs.number,
        ),
    )
    return Text(text_of([*now, *call.measured()]), media_type=MEDIA_TYPE)


async def health(call: Call) -> Answer:
    """GET /health: the process is there, and so much waits for its workers."""
    depth = await call.gateway.background.jobs.depth()
    return Json({"status": "ok", "version": __version__, "queue": depth})


async def openapi(_call: Call) -> Answer:
    """GET /v1/openapi.json: this API, for machines."""
    from rejoinder.web.openapi import document  # only who asks shall wait for its import

    return Json(document())


@dataclass(frozen=True, slots=True)
class Row:
    """A route. `may_stream`: the answer may be a stream of events, or waits for a model.

    Such routes belong to the function that may run for long, and streams whatever it answers.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    endpoint: Endpoint
    may_stream: bool = False
    is_public: bool = False


_RESPONSE = "/responses/{response_id}"
_CONVERSATION = "/conversations/{conversation_id}"
_ITEM = f"{_CONVERSATION}/items/{{item_id:path}}"
_API = (
    Row("POST", "/responses", create_response, may_stream=True),
    Row("GET", "/responses", describe_endpoint),
    Row("POST", "/responses/input_tokens", count_input_tokens, may_stream=True),
    Row("POST", "/responses/compact", compact_conversation, may_stream=True),
    Row("GET", _RESPONSE, retrieve_response, may_stream=True),
    Row("DELETE", _RESPONSE, delete_response),
    Row("POST", f"{_RESPONSE}/cancel", cancel_response),
    Row("GET", f"{_RESPONSE}/input_items", list_input_items),
    Row("POST", "/conversations", create_conversation),
    Row("GET", _CONVERSATION, retrieve_conversation),
    Row("POST", _CONVERSATION, update_conversation),
    Row("DELETE", _CONVERSATION, delete_conversation),
    Row("POST", f"{_CONVERSATION}/items", create_items),
    Row("GET", f"{_CONVERSATION}/items", list_items),
    Row("GET", _ITEM, retrieve_item),
    Row("DELETE", _ITEM, delete_item),
    Row("GET", "/webhook_deliveries", list_deliveries),
    Row("GET", "/models", list_models),
    Row("GET", "/chat/models", list_models),
    Row("GET", "/models/{model:path}", retrieve_model),
    Row("GET", "/openapi.json", openapi, is_public=True),
)
PREFIXES = ("/v1", "/v1/openai")
ROUTES = (
    Row("GET", "/health", health, is_public=True),
    Row("GET", "/metrics", metrics, is_public=True),
    *(
        Row(row.method, prefix + row.path, row.endpoint, row.may_stream, row.is_public)
        for prefix in PREFIXES
        for row in _API
    ),
)


def _event_stream(call: Call, telling: Telling, headers: dict[str, str]) -> EventStream:
    return EventStream(
        telling,
        headers=headers,
        heartbeat_seconds=call.settings.heartbeat_seconds,
        patience_seconds=call.settings.patience_seconds,
        ends_at=call.ends_at + ENDING_SECONDS / 2,
    )


def _response_id(call: Call) -> str:
    response_id = call.http.path_params["response_id"]
    if not is_response_id(response_id):
        raise InvalidRequest(
            f"{response_id[:60]!r} is not a response id; those look like 'resp_…'.",
            code="invalid_response_id",
            param="response_id",
        )
    return str(response_id)
