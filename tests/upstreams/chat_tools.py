"""Tools, the choice among them, and response formats."""

import json
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

MOST_TOOLS = 128


def _function(description_length: int | None) -> Check:
    known = fields(
        {"name": TOOL_NAME},
        {
            "description": string(longest=description_length),
            "parameters": mapping,
            "strict": nullable(boolean),
        },
    )

    def check(value: JSON, at: At) -> None:
        known(value, at)
        if value.get("parameters") is None:
            return
        try:
            check_schema(value["parameters"], strict=value.get("strict") is True)
        except SchemaFault as fault:
            raise Refusal(
                f"Invalid schema for function '{value['name']}': {fault}",
                param=str(at.key("parameters")),
                code="invalid_function_parameters",
            ) from fault

    return check


GRAMMAR = fields({"syntax": one_of("lark", "regex"), "definition": string(empty=False)})
CUSTOM = fields(
    {"name": TOOL_NAME},
    {
        "description": string(),
        "format": tagged(
            {
                "text": fields({"type": anything}),
                "grammar": fields({"type": anything, "grammar": GRAMMAR}),
            }
        ),
    },
)


def check_tools(value: JSON, at: At, *, description_length: int | None) -> None:
    """Refuse tools that OpenAI refuses; two of one name are refused as DeepSeek does."""
    variants = {
        "function": fields({"type": anything, "function": _function(description_length)}),
        "custom": fields({"type": anything, "custom": CUSTOM}),
    }
    array(tagged(variants), shortest=1, longest=MOST_TOOLS)(value, at)
    names = [tool_name(tool) for tool in value]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Refusal(
            f"Tool names must be unique: '{twice}' occurs more than once.",
            param=str(at),
            code="invalid_value",
        )


def tool_name(tool: JSON) -> str:
    """The name of a tool, or of what a tool choice names."""
    name: str = tool[tool["type"]]["name"]
    return name


NAMED: Mapping[str, Check] = {
    "function": fields({"type": anything, "function": fields({"name": string()})}),
    "custom": fields({"type": anything, "custom": fields({"name": string()})}),
}
ALLOWED = fields({"mode": one_of("auto", "required"), "tools": array(tagged(NAMED), shortest=1)})
CHOICES: Mapping[str, Check] = {
    **NAMED,
    "allowed_tools": fields({"type": anything, "allowed_tools": ALLOWED}),
}


def check_tool_choice(value: JSON, at: At) -> None:
    """Refuse a choice of another form."""
    if isinstance(value, str):
        one_of("none", "auto", "required")(value, at)
    else:
        tagged(CHOICES)(value, at)


def check_choice_among(tools: list[JSON], choice: JSON) -> None:
    """Refuse a choice of a tool that is not there."""
    names = {(tool["type"], tool_name(tool)) for tool in tools}
    for wanted in chosen(choice):
        if (wanted["type"], tool_name(wanted)) not in names:
            raise Refusal(
                f"Invalid value for 'tool_choice': no {wanted['type']} named "
                f"'{tool_name(wanted)}' was specified in the 'tools' parameter.",
                param="tool_choice",
            )


def chosen(choice: JSON) -> list[JSON]:
    """The tools that a choice names, if it names any."""
    if not isinstance(choice, dict):
        return []
    allowed: list[JSON] = choice.get("allowed_tools", {}).get("tools", [choice])
    return allowed


JSON_SCHEMA = fields(
    {"name": TOOL_NAME},
    {"description": string(), "schema": mapping, "strict": nullable(boolean)},
)
FORMATS: Mapping[str, Check] = {
    "text": fields({"type": anything}),
    "json_object": fields({"type": anything}),
    "json_schema": fields({"type": anything, "json_schema": JSON_SCHEMA}),
}


def check_response_format(value: JSON, at: At) -> None:
    """Refuse a format of another form, or a schema that cannot be enforced."""
    tagged(FORMATS)(value, at)
    if value["type"] != "json_schema" or "schema" not in value["json_schema"]:
        return
    wanted = value["json_schema"]
    try:
        check_schema(wanted["schema"], strict=wanted.get("strict") is True)
    except SchemaFault as fault:
        raise Refusal(
            f"Invalid schema for response_format '{wanted['name']}': {fault}", param=str(at)
        ) from fault


def check_json_is_announced(messages: list[JSON]) -> None:
    """Refuse JSON mode when no message says JSON: the model might never stop."""
    said = json.dumps([message.get("content") for message in messages])
    if "json" not in said.lower():
        raise Refusal(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of "
            "type 'json_object'.",
            param="messages",
        )
