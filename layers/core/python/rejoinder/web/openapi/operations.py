"""What can be done: one operation for each route."""

from rejoinder.errors import (
    GatewayError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    UpgradeRefused,
)
from rejoinder.schema.items import JSON
from rejoinder.web.openapi.request import RESPONSE_ID
from rejoinder.web.openapi.shapes import listing, ref, text, whole, word, yes_or_no
from rejoinder.web.query import MAX_LIMIT

MAX_NUMBER = 10**18 - 1  # numbers of a query have at most 18 digits

_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "An id of the client's own, for its logs; one of another form is replaced.",
    "schema": text(pattern="^[A-Za-z0-9._:-]{1,128}$"),
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Who sends it again within a day gets the first response again, also while it "
    "is being made.",
    "schema": text(maxLength=255),
}
_ID = {"name": "response_id", "in": "path", "required": True, "schema": RESPONSE_ID}
_MODEL = {
    "name": "model",
    "in": "path",
    "required": True,
    "description": "It may hold slashes, colons and dots.",
    "schema": text(pattern="^.+$"),
    "examples": {"plain": {"value": "demo"}, "with its provider": {"value": "demo/demo"}},
}
_INCLUDE = (
    "include",
    listing(text(), "What to add: `reasoning.encrypted_content`. Others are passed over."),
)


def _operation(
    name: str,
    tag: str,
    summary: str,
    answer: JSON,
    *parameters: JSON,
    errors: tuple[type[GatewayError], ...] = (),
    **more: JSON,
) -> JSON:
    failing: tuple[type[GatewayError], ...] = (*errors, GatewayError)
    failures = {
        str(each.status): {"$ref": f"#/components/responses/{each.__name__}"} for each in failing
    }
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "parameters": [*parameters, _REQUEST_ID],
        "responses": {"200": answer, **failures},
        **more,
    }


def _json(schema: str, description: str) -> JSON:
    return _answer(description, {"application/json": {"schema": ref(schema)}})


def _answer(description: str, content: JSON, **headers: str) -> JSON:
    named = {"X-Request-ID": "RequestId"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return {
        "description": description,
        "headers": {
            name: {"$ref": f"#/components/headers/{value}"} for name, value in named.items()
        },
        "content": content,
    }


def _query(**schemas: JSON) -> tuple[JSON, ...]:
    return tuple(_asked(name, schema) for name, schema in schemas.items())


def _asked(name: str, schema: JSON) -> JSON:
    shape = {key: value for key, value in schema.items() if key != "description"}
    asked = {"name": name, "in": "query", "schema": shape}
    if "description" in schema:
        asked["description"] = schema["description"]
    return asked


_TELLING = {
    "application/json": {"schema": ref("Response")},
    "text/event-stream": {
        "schema": ref("StreamEvent"),
        "examples": {
            "end": {
                "summary": "The last two frames",
                "value": "event: response.completed\ndata: {…}\n\ndata: [DONE]\n\n",
            }
        },
    },
}
_FRAMES = (
    "Each frame is an `event:` line with the type, a `data:` line with the event, and a blank "
    "line; `data: [DONE]` comes last. Lines that begin with `:` keep the connection alive."
)

OPERATIONS: dict[tuple[str, str], JSON] = {
    ("GET", "/health"): _operation(
        "getHealth",
        "Service",
        "Whether the process is there",
        _json("Health", "It is."),
    ),
    ("GET", "/metrics"): _operation(
        "getMetrics",
        "Service",
        "The queue of background work, in Prometheus' text form",
        _answer("Gauges.", {"text/plain": {"schema": text()}}),
    ),
    ("POST", "/responses"): _operation(
        "createResponse",
        "Responses",
        "Create a response",
        _answer(
            f"The response when it has ended; with `stream`, its events as they come. {_FRAMES}",
            _TELLING,
            X_Ignored_Parameters="IgnoredParameters",
            X_Ignored_Tools="IgnoredTools",
            X_Upstream_Model="UpstreamModel",
        ),
        _IDEMPOTENCY_KEY,
        errors=(
            InvalidRequest,
            Unauthorized,
            PermissionDenied,
            NotFound,
            TooLarge,
            UnsupportedMediaType,
            RateLimited,
            Unavailable,
        ),
        requestBody={
            "required": True,
            "content": {"application/json": {"schema": ref("CreateResponse")}},
        },
    ),
    ("GET", "/responses"): _operation(
        "describeEndpoint",
        "Service",
        "What this endpoint can do",
        _json("Endpoint", "Never a list of responses."),
        errors=(Unauthorized, UpgradeRefused),
    ),
    ("GET", "/responses/{response_id}"): _operation(
        "retrieveResponse",
        "Responses",
        "Retrieve a response, or rejoin its stream",
        _answer(
            "The response as it stands; with `stream`, its events from the first or after "
            f"`starting_after`, numbered as they were, then those to come. {_FRAMES}",
            _TELLING,
        ),
        _ID,
        *_query(
            stream=yes_or_no("Tell its events.", default=False),
            starting_after=whole(
                "The number of the last event known. Only with `stream`.",
                minimum=0,
                maximum=MAX_NUMBER,
            ),
            include_obfuscation=yes_or_no("Leave the padding of deltas in.", default=True),
        ),
        _asked(*_INCLUDE),
        errors=(InvalidRequest, Unauthorized, NotFound),
    ),
    ("DELETE", "/responses/{response_id}"): _operation(
        "deleteResponse",
        "Responses",
        "Delete a response, and stop it if it runs",
        _json("DeletedResponse", "Nobody can read or continue it any more."),
        _ID,
        errors=(InvalidRequest, Unauthorized, NotFound),
    ),
    ("POST", "/responses/{response_id}/cancel"): _operation(
        "cancelResponse",
        "Responses",
        "Cancel a background response",
        _json("Response", "The response as it has ended; one that had ended before is unchanged."),
        _ID,
        errors=(InvalidRequest, Unauthorized, NotFound),
    ),
    ("GET", "/responses/{response_id}/input_items"): _operation(
        "listInputItems",
        "Responses",
        "List the items that a request brought",
        _json("ItemList", "A page of them."),
        _ID,
        *_query(
            limit=whole(minimum=1, maximum=MAX_LIMIT, default=20),
            order=word(["asc", "desc"], default="desc"),
            after=text("The id of an item: the page begins behind it."),
            before=text("The id of an item: the page ends before it."),
        ),
        _asked(*_INCLUDE),
        errors=(InvalidRequest, Unauthorized, NotFound),
    ),
    ("GET", "/webhook_deliveries"): _operation(
        "listWebhookDeliveries",
        "Webhooks",
        "What became of the latest deliveries",
        _json("DeliveryList", "The newest first."),
        *_query(limit=whole(minimum=1, maximum=MAX_LIMIT, default=20)),
        errors=(InvalidRequest, Unauthorized),
    ),
    ("GET", "/models"): _operation(
        "listModels",
        "Models",
        "List the models",
        _json("ModelList", "Every name that is known to work."),
        errors=(Unauthorized,),
    ),
    ("GET", "/chat/models"): _operation(
        "listChatModels",
        "Models",
        "List the models, by another path",
        _json("ModelList", "Every name that is known to work."),
        errors=(Unauthorized,),
    ),
    ("GET", "/models/{model}"): _operation(
        "retrieveModel",
        "Models",
        "Retrieve a model",
        _json("Model", "The model."),
        _MODEL,
        errors=(Unauthorized, NotFound),
    ),
    ("GET", "/openapi.json"): _operation(
        "getDocument",
        "Service",
        "This document",
        _answer("It.", {"application/json": {"schema": {"type": "object"}}}),
    ),
}
