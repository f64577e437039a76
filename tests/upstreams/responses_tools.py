"""Tools of a Responses request, the choice among them, and the formats of text."""

from collections.abc import Mapping
from typing import Any

from tests.upstreams.chat_messages import TOOL_NAME
from tests.upstreams.checks import (
    At,
    Check,
    Refusal,
    anything,
    array,
    boolean,
    fields,
    mapping,
    nullable,
    one_of,
    string,
    tagged,
)
from tests.upstreams.json_schemas import SchemaFault, check_schema

type JSON = Any

FUNCTION = fields(
    {"type": anything, "name": TOOL_NAME},
    {"description": string(), "parameters": mapping, "strict": nullable(boolean)},
)
GRAMMAR: Mapping[str, Check] = {
    "text": fields({"type": anything}),
    "grammar": fields(
        {"type": anything, "syntax": one_of("lark", "regex"), "definition": string(empty=False)}
    ),
}
CUSTOM = fields(
    {"type": anything, "name": TOOL_NAME}, {"description": string(), "format": tagged(GRAMMAR)}
)


def _function(value: JSON, at: At) -> None:
    FUNCTION(value, at)
    try:
        check_schema(value.get("parameters") or {}, strict=value.get("strict") is True)
    except SchemaFault as fault:
        message = f"Invalid schema for function '{value['name']}': {fault}"
        param, code = str(at.key("parameters")), "invalid_function_parameters"
        raise Refusal(message, param=param, code=code) from fault


INNER: Mapping[str, Check] = {"function": _function, "custom": CUSTOM}
TOOLS: Mapping[str, Check] = {
    **INNER,
    "namespace": fields(
        {
            "type": anything,
            "name": TOOL_NAME,
            "description": string(),
            "tools": array(tagged(INNER), shortest=1),
        }
    ),
    "web_search": fields({"type": anything}, {"filters": anything, "user_location": anything}),
}
NAMED: Mapping[str, Check] = {
    kind: fields({"type": anything, "name": string()}) for kind in ("function", "custom")
}
ALLOWED = fields(
    {
        "type": anything,
        "mode": one_of("auto", "required"),
        "tools": array(tagged(NAMED), shortest=1),
    }
)
FORMATS: Mapping[str, Check] = {
    "text": fields({"type": anything}),
    "json_object": fields({"type": anything}),
    "json_schema": fields(
        {"type": anything, "name": TOOL_NAME, "schema": mapping},
        {"description": string(), "strict": nullable(boolean)},
    ),
}


def check_response_tools(value: JSON, at: At) -> None:
    """Refuse tools of another form."""
    array(tagged(TOOLS))(value, at)


def check_response_choice(value: JSON, at: At) -> None:
    """Refuse a choice of another form."""
    if isinstance(value, str):
        one_of("none", "auto", "required")(value, at)
    else:
        tagged({**NAMED, "allowed_tools": ALLOWED})(value, at)


def check_format(value: JSON, at: At) -> None:
    """Refuse a format of another form, or a schema that cannot be enforced."""
    tagged(FORMATS)(value, at)
    if value["type"] != "json_schema":
        return
    try:
        check_schema(value["schema"], strict=value.get("strict") is True)
    except SchemaFault as fault:
        message = f"Invalid schema for response_format '{value['name']}': {fault}"
        raise Refusal(message, param=str(at.key("schema")), code="invalid_json_schema") from fault
