"""The event catalogue of contract §4.2 as JSON Schemas, and the types of the OpenAI SDK.

Where ours is a superset of the SDK's types, SDK models keep the extra keys: `output_text`,
`obfuscation`, `error` nested in `error` events, `namespace`, and `type` and `param` of a
response's error. Nothing of ours contradicts them; only `strict` validation would notice that
whole `created_at` and `completed_at` are integers, which the SDK calls floats.
"""

from collections.abc import Mapping
from typing import Any, get_args

import openai.types.responses as sdk
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter

type JSON = Any

INT: JSON = {"type": "integer", "minimum": 0}
NUMBER: JSON = {"type": "number"}
TEXT: JSON = {"type": "string"}
BOOL: JSON = {"type": "boolean"}
TEXT_OR_NULL: JSON = {"type": ["string", "null"]}
INT_OR_NULL: JSON = {"type": ["integer", "null"]}
OBJECT: JSON = {"type": "object"}
LIST: JSON = {"type": "array"}
ITEM_STATUS: JSON = {"enum": ["in_progress", "completed", "incomplete"]}


def only(required: Mapping[str, JSON], optional: Mapping[str, JSON] | None = None) -> JSON:
    """An object with these keys and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def typed(kind: str, optional: Mapping[str, JSON] | None = None, /, **required: JSON) -> JSON:
    """An object with a type, these keys and no others."""
    return only({"type": {"const": kind}, **required}, optional)


OUTPUT_TEXT = typed("output_text", annotations={"maxItems": 0}, logprobs=LIST, text=TEXT)
REFUSAL = typed("refusal", refusal=TEXT)
SUMMARY_TEXT = typed("summary_text", text=TEXT)
REASONING_TEXT = typed("reasoning_text", text=TEXT)
ID: JSON = {"type": "string", "pattern": "^[A-Za-z0-9_]{1,64}$"}
CALL: dict[str, JSON] = {
    "id": ID,
    "status": ITEM_STATUS,
    "call_id": {"type": "string", "minLength": 1, "maxLength": 64},
    "name": TEXT,
}
NAMESPACE = {"namespace": TEXT}
ITEM: JSON = {
    "oneOf": [
        typed(
            "message",
            id=ID,
            status=ITEM_STATUS,
            role={"const": "assistant"},
            content={"type": "array", "items": {"oneOf": [OUTPUT_TEXT, REFUSAL]}},
        ),
        typed("function_call", NAMESPACE, **CALL, arguments=TEXT),
        typed("custom_tool_call", NAMESPACE, **CALL, input=TEXT),
        typed(
            "reasoning",
            {
                "content": {"type": "array", "items": REASONING_TEXT},
                "encrypted_content": {"type": "string", "minLength": 1},
            },
            id=ID,
            summary={"type": "array", "items": SUMMARY_TEXT},
        ),
    ]
}
USAGE = only(
    {
        "input_tokens": INT,
        "input_tokens_details": only({"cached_tokens": INT, "cache_write_tokens": INT}),
        "output_tokens": INT,
        "output_tokens_details": only({"reasoning_tokens": INT}),
        "total_tokens": INT,
    }
)
ERROR = {"type": TEXT, "code": TEXT, "message": TEXT, "param": TEXT_OR_NULL}
REASON: JSON = {"enum": ["max_output_tokens", "content_filter"]}
NULL: JSON = {"type": "null"}


def response(status: str, **fields: JSON) -> JSON:
    """All 35 keys of contract §3.1; what is not said otherwise is null or empty."""
    common = {
        "id": ID,
        "object": {"const": "response"},
        "created_at": INT,
        "status": {"const": status},
        "background": BOOL,
        "completed_at": NULL,
        "conversation": {"type": ["object", "null"]},
        "error": NULL,
        "frequency_penalty": NUMBER,
        "incomplete_details": NULL,
        "instructions": TEXT_OR_NULL,
        "max_output_tokens": INT_OR_NULL,
        "max_tool_calls": INT_OR_NULL,
        "model": TEXT,
        "output": {"type": "array", "items": ITEM},
        "output_text": TEXT,
        "parallel_tool_calls": BOOL,
        "presence_penalty": NUMBER,
        "previous_response_id": TEXT_OR_NULL,
        "prompt_cache_key": TEXT_OR_NULL,
        "prompt_cache_retention": TEXT_OR_NULL,
        "reasoning": only({"effort": TEXT_OR_NULL, "summary": TEXT_OR_NULL}),
        "safety_identifier": TEXT_OR_NULL,
        "service_tier": TEXT,
        "store": BOOL,
        "temperature": NUMBER,
        "text": only({"format": OBJECT, "verbosity": {"enum": ["low", "medium", "high"]}}),
        "tool_choice": {"type": ["string", "object"]},
        "tools": LIST,
        "top_logprobs": INT,
        "top_p": NUMBER,
        "truncation": {"enum": ["auto", "disabled"]},
        "usage": NULL,
        "user": TEXT_OR_NULL,
        "metadata": OBJECT,
    }
    return only(common | fields)


BEGUN = response("in_progress", output={"maxItems": 0}, output_text={"const": ""})
OF_ITEM: dict[str, JSON] = {"item_id": ID, "output_index": INT}
OF_PART = OF_ITEM | {"content_index": INT}
OF_SUMMARY = OF_ITEM | {"summary_index": INT}
PART: JSON = {"oneOf": [OUTPUT_TEXT, REFUSAL, REASONING_TEXT]}
PAD = {"obfuscation": {"type": "string", "pattern": "^[A-Za-z0-9]{0,15}$"}}

FIELDS: dict[str, JSON] = {
    "response.created": {"response": BEGUN},
    "response.in_progress": {"response": BEGUN},
    "response.completed": {
        "response": response("completed", completed_at=INT, usage=USAGE),
    },
    "response.incomplete": {
        "response": response("incomplete", incomplete_details=only({"reason": REASON}), usage=USAGE)
    },
    "response.failed": {"response": response("failed", error=only(ERROR))},
    "error": ERROR | {"error": only(ERROR)},
    "response.output_item.added": {"output_index": INT, "item": ITEM},
    "response.output_item.done": {"output_index": INT, "item": ITEM},
    "response.content_part.added": OF_PART | {"part": PART},
    "response.content_part.done": OF_PART | {"part": PART},
    "response.output_text.delta": OF_PART | {"delta": TEXT, "logprobs": LIST},
    "response.output_text.done": OF_PART | {"text": TEXT, "logprobs": LIST},
    "response.refusal.delta": OF_PART | {"delta": TEXT},
    "response.refusal.done": OF_PART | {"refusal": TEXT},
    "response.function_call_arguments.delta": OF_ITEM | {"delta": TEXT},
    "response.function_call_arguments.done": OF_ITEM | {"arguments": TEXT, "name": TEXT},
    "response.custom_tool_call_input.delta": OF_ITEM | {"delta": TEXT},
    "response.custom_tool_call_input.done": OF_ITEM | {"input": TEXT},
    "response.reasoning_summary_part.added": OF_SUMMARY | {"part": SUMMARY_TEXT},
    "response.reasoning_summary_part.done": OF_SUMMARY | {"part": SUMMARY_TEXT},
    "response.reasoning_summary_text.delta": OF_SUMMARY | {"delta": TEXT},
    "response.reasoning_summary_text.done": OF_SUMMARY | {"text": TEXT},
    "response.reasoning_text.delta": OF_PART | {"delta": TEXT},
    "response.reasoning_text.done": OF_PART | {"text": TEXT},
}


def _schema(kind: str, fields: JSON) -> Draft202012Validator:
    common = {"type": {"const": kind}, "sequence_number": INT}
    schema = only(
        common | fields | ({"type": {"const": kind}}), PAD if kind.endswith(".delta") else None
    )
    return Draft202012Validator(schema)


def _sdk_types() -> dict[str, TypeAdapter[BaseModel]]:
    """By the type of event; pydantic would else try all of them in turn."""
    members: tuple[type[BaseModel], ...] = get_args(get_args(sdk.ResponseStreamEvent)[0])
    return {
        get_args(member.model_fields["type"].annotation)[0]: TypeAdapter(member)
        for member in members
    }


_SCHEMAS = {kind: _schema(kind, fields) for kind, fields in FIELDS.items()}
_SDK_TYPES = _sdk_types()


def check_event(event: JSON) -> None:
    """The event is one of the catalogue, with its fields and no others, and the SDK's type."""
    _SCHEMAS[event["type"]].validate(event)
    _SDK_TYPES[event["type"]].validate_python(event)
