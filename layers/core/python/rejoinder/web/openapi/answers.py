"""What the API answers: responses, events, lists and errors, read off the types that we send."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from pydantic import TypeAdapter

from rejoinder import errors
from rejoinder.errors import GatewayError
from rejoinder.schema import events
from rejoinder.schema.conversation import Conversation
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.items import (
    JSON,
    Item,
    OutputItem,
    OutputText,
    ReasoningText,
    Refusal,
    SummaryText,
)
from rejoinder.schema.response import CompactedResponse, Response
from rejoinder.schema.tools import Tool, ToolChoice
from rejoinder.web.openapi.request import RESPONSE_ID
from rejoinder.web.openapi.shapes import either, listing, or_null, ref, table, text, whole, word

_REF = "#/components/schemas/{}"
_EVENTS = [
    kind
    for kind in vars(events).values()
    if isinstance(kind, type)
    and issubclass(kind, StreamEvent)
    and kind.__struct_config__.tag != kind.__name__  # the bases have no tag of their own
]
_PARTS: tuple[type, ...] = (OutputText, Refusal, ReasoningText)
_UNIONS: dict[str, Any] = {
    "Item": Item,
    "OutputItem": OutputItem,
    "Tool": Tool,
    "ToolChoice": ToolChoice,
}

# What msgspec is told to be any JSON: struct → field → what it really is.
_JSON_FIELDS: Mapping[str, Mapping[str, JSON]] = {
    "Response": {
        "id": RESPONSE_ID,
        "conversation": or_null(table({"id": text()}, required=["id"])),
        "output": listing(ref("OutputItem")),
        "tools": listing(ref("Tool")),
        "tool_choice": ref("ToolChoice"),
    },
    "CompactedResponse": {"id": RESPONSE_ID, "output": listing(ref("OutputItem"))},
    "OutputItemAdded": {"item": ref("OutputItem")},
    "OutputItemDone": {"item": ref("OutputItem")},
    "ContentPartAdded": {"part": ref("OutputPart")},
    "ContentPartDone": {"part": ref("OutputPart")},
    "SummaryPartAdded": {"part": ref("SummaryText")},
    "SummaryPartDone": {"part": ref("SummaryText")},
    "ErrorEvent": {"error": ref("ErrorObject")},
}
# Where the code's own words speak to its readers, not to the API's.
_DESCRIPTIONS = {
    "Response": "A response as it stands. Every key is always there.",
    "ErrorEvent": "Tells a failure, nested and flat; `response.failed` follows.",
    "ReasoningEcho": "The reasoning options in force.",
    "TextEcho": "The text options in force; a JSON schema is always in the flat form.",
    "ResponseError": "Why the response failed.",
    "Reasoning": "A model's thinking. It has no status.",
    "Compaction": "Stands for what was said before it; to be sent back as it came.",
}
_ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, GatewayError)
]


def _answers() -> dict[str, JSON]:
    told = _structs() | _typed_dicts()
    for name, description in _DESCRIPTIONS.items():
        told[name] = {**told[name], "description": description}
    return {name: _plain(schema) for name, schema in told.items()} | _written()


def _structs() -> dict[str, JSON]:
    kinds: list[type[Struct]] = [Response, CompactedResponse, Conversation, *_EVENTS]
    _, schemas = msgspec.json.schema_components(kinds, ref_template=_REF.format("{name}"))
    for struct in _all_structs(kinds):
        schema = schemas[struct.__name__]
        schema["properties"] |= _JSON_FIELDS.get(struct.__name__, {})
        absent = {f.encode_name for f in msgspec.structs.fields(struct) if f.default is UNSET}
        schema["required"] = [name for name in schema["properties"] if name not in absent]
        for each in schema["properties"].values():
            each.pop("default", None)
    return schemas


def _all_structs(kinds: list[type[Struct]]) -> Iterator[type[Struct]]:
    """Those given, and those that the response is made of."""
    yield from kinds
    for each in msgspec.inspect.multi_type_info([Response]):
        yield from _within(each)


def _within(info: Any) -> Iterator[type[Struct]]:  # noqa: ANN401, a tree of many classes
    for field in getattr(info, "fields", ()):
        for inner in (field.type, *getattr(field.type, "types", ())):
            if isinstance(inner, msgspec.inspect.StructType):
                yield inner.cls
                yield from _within(inner)


def _typed_dicts() -> dict[str, JSON]:
    adapters: dict[str, Any] = {**_UNIONS} | {
        each.__name__: each for each in (*_PARTS, SummaryText)
    }
    shown, inner = TypeAdapter.json_schemas(
        [(name, "serialization", TypeAdapter(each)) for name, each in adapters.items()],
        ref_template=_REF.format("{model}"),
    )
    schemas: dict[str, JSON] = {name: schema for (name, _), schema in shown.items()}
    own: dict[str, JSON] = inner.get("$defs", {})
    return {name: schema for name, schema in schemas.items() if name not in own} | own


def _plain(schema: JSON) -> JSON:
    """Without pydantic's titles, and with one word for a number."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("anyOf") == [{"type": "integer"}, {"type": "number"}]:
        return {"type": "number"}
    return {
        name: _plain(each)
        for name, each in schema.items()
        if name != "title" or not isinstance(each, str)
    }


def _written() -> dict[str, JSON]:
    tags = {each.__struct_config__.tag: _REF.format(each.__name__) for each in _EVENTS}
    card = table(
        {
            "id": text(),
            "object": {"const": "model"},
            "created": whole(),
            "owned_by": text("The provider that serves it."),
        },
        required=["id", "object", "created", "owned_by"],
    )
    return {
        "StreamEvent": {
            "oneOf": [{"$ref": target} for target in tags.values()],
            "discriminator": {"propertyName": "type", "mapping": tags},
        },
        "OutputPart": either(*(ref(each.__name__) for each in _PARTS)),
        "Model": card,
        "ModelList": _list("Model"),
        "ItemList": _list("Item", first_id=or_null(text()), last_id=or_null(text())),
        "DeletedResponse": table(
            {"id": RESPONSE_ID, "object": {"const": "response"}, "deleted": {"const": True}},
            required=["id", "object", "deleted"],
        ),
        "DeletedConversation": table(
            {
                "id": text(),
                "object": {"const": "conversation.deleted"},
                "deleted": {"const": True},
            },
            required=["id", "object", "deleted"],
        ),
        "Endpoint": _ENDPOINT,
        "InputTokens": table(
            {"object": {"const": "response.input_tokens"}, "input_tokens": whole(minimum=0)},
            required=["object", "input_tokens"],
        ),
        "Health": table(
            {"status": {"const": "ok"}, "version": text(), "queue": ref("QueueDepth")},
            required=["status", "queue"],
        ),
        "QueueDepth": table(
            {
                "waiting": {"type": "integer", "minimum": 0},
                "running": {"type": "integer", "minimum": 0},
                "oldest_age_seconds": {"type": "number", "minimum": 0},
            },
            required=["waiting", "running", "oldest_age_seconds"],
        ),
        "Delivery": table(
            {
                "object": {"const": "webhook_delivery"},
                "webhook": text(),
                "event": {"type": "object"},
                "attempt": {"type": "integer", "minimum": 1},
                "at": {"type": "integer"},
                "outcome": text("A status such as `200`, or what went wrong."),
            },
            required=["object", "webhook", "event", "attempt", "at", "outcome"],
        ),
        "DeliveryList": _list("Delivery"),
        "ErrorObject": _ERROR_OBJECT,
        "Error": table({"error": ref("ErrorObject")}, required=["error"]),
    }


def _list(element: str, **ends: JSON) -> JSON:
    keys: dict[str, JSON] = {"object": {"const": "list"}, "data": listing(ref(element)), **ends}
    if ends:
        keys["has_more"] = {"type": "boolean"}
    return table(keys, required=keys)


def _error_answer(kind: type[GatewayError]) -> JSON:
    example = kind("What is wrong, and what to send instead.").body()
    headers = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
    names = {405: "Allow", 426: "Upgrade", 429: "Retry-After"}
    if name := names.get(kind.status):
        headers[name] = {"schema": text()}
    return {
        "description": (kind.__doc__ or "").partition("\n")[0],
        "headers": headers,
        "content": {"application/json": {"schema": ref("Error"), "example": {"error": example}}},
    }


_ENDPOINT = table(
    {
        "object": {"const": "endpoint"},
        "endpoint": text(),
        "version": text(),
        "methods": listing(text()),
        "capabilities": {"type": "object"},
        "input_types": listing(text()),
        "models_url": text(),
        "openapi_url": text(),
    },
    required=["object", "endpoint", "version", "methods", "capabilities", "input_types"],
)
_ERROR_OBJECT = table(
    {
        "message": text("For people: what is wrong, and what to change."),
        "type": word(dict.fromkeys(kind.type for kind in _ERRORS)),
        "param": or_null(text("The parameter to blame, as a path: `tools[0].name`.")),
        "code": or_null(text("For programs.")),
    },
    required=["message", "type", "param", "code"],
)

ANSWERS = _answers()
ERRORS: dict[str, JSON] = {each.__name__: _error_answer(each) for each in _ERRORS}
HEADERS: dict[str, JSON] = {
    "RequestId": {
        "description": "The id of this request, for logs and for complaints.",
        "required": True,
        "schema": text(pattern="^[A-Za-z0-9._:-]{1,128}$"),
    },
    "IgnoredParameters": {
        "description": "Parameters that were passed over, if any, by their paths, such as "
        "`text.fromat`; also entries of `include`, and `Idempotency-Key` where nothing is stored. "
        "As many as have room in 1000 characters; one key in many tools is named once.",
        "schema": text(),
    },
    "IgnoredTools": {"description": "Types of tools that were left out, if any.", "schema": text()},
    "TokenCount": {
        "description": "Whether the model's own service counted, or we made an estimate.",
        "schema": word(["exact", "estimate"]),
    },
    "UpstreamModel": {"description": "Who answers: `provider/model`.", "schema": text()},
}
