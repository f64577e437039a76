"""Whether Anthropic would take this request for a message.

Fields follow the API reference, "Create a Message"; the rules between them and the words follow
the errors that people reported, as they were in November 2026.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.upstreams.anthropic_blocks import CACHE_CONTROL, MARK, OF_ROLE, SYSTEM, TOOL_NAME
from tests.upstreams.anthropic_checks import (
    Check,
    Refused,
    array,
    boolean,
    fields,
    mapping,
    number,
    one_of,
    refuse_unless,
    string,
    tagged,
)
from tests.upstreams.anthropic_models import Kind, kind_of
from tests.upstreams.anthropic_schemas import check_enforceable
from tests.upstreams.anthropic_turns import check_turns

type JSON = Any

VERSIONS = ("2023-06-01", "2026-10-21")
BINDING_BETA = "thinking-binding-controls-2026-08-01"
MAX_MARKS = 4

_PARALLEL = {"disable_parallel_tool_use": boolean}


def _constant(value: JSON, at: str) -> None:
    pass


def _schema(value: JSON, at: str) -> None:
    mapping(value, at)
    refuse_unless(value.get("type") == "object", f"{at}.type: Input should be 'object'")
    unions = {"anyOf", "oneOf", "allOf"} & set(value)
    say = f"{at}: input_schema does not support oneOf, allOf, or anyOf at the top level"
    refuse_unless(not unions, say)


def _user_id(value: JSON, at: str) -> None:
    string(value, at)
    refuse_unless(len(value) <= 256, f"{at}: String should have at most 256 characters")
    refuse_unless("@" not in value, f"{at}: user_id appears to contain an email address")


DISPLAY = {"display": one_of("summarized", "omitted")}
TOOL = fields(
    {"name": TOOL_NAME, "input_schema": _schema},
    {**MARK, "description": string, "strict": boolean, "type": one_of("custom")},
)
OPTIONS: Mapping[str, Check] = {
    "system": lambda value, at: (string if isinstance(value, str) else SYSTEM)(value, at),
    "stream": boolean,
    "temperature": number(0, 1),
    "top_p": number(0, 1),
    "top_k": number(0, 1000, whole=True),
    "stop_sequences": array(string),
    "metadata": fields({}, {"user_id": _user_id}),
    "service_tier": one_of("auto", "standard_only"),
    "cache_control": CACHE_CONTROL,
    "tools": array(TOOL),
    "tool_choice": tagged(
        {
            "auto": fields({"type": _constant}, _PARALLEL),
            "any": fields({"type": _constant}, _PARALLEL),
            "tool": fields({"type": _constant, "name": string}, _PARALLEL),
            "none": fields({"type": _constant}),
        }
    ),
    "thinking": tagged(
        {
            "enabled": fields(
                {"type": _constant, "budget_tokens": number(1024, 1e9, whole=True)}, DISPLAY
            ),
            "adaptive": fields(
                {"type": _constant},
                {
                    **DISPLAY,
                    "block_binding": fields(
                        {"prefix_mismatch_behavior": one_of("error", "drop_block")}
                    ),
                },
            ),
            "disabled": fields({"type": _constant}),
            "between_tools": fields({"type": _constant}),
        }
    ),
    "output_config": fields(
        {},
        {
            "effort": one_of("low", "medium", "high", "xhigh", "max"),
            "format": fields({"type": one_of("json_schema"), "schema": mapping}),
        },
    ),
}


def _message(value: JSON, at: str) -> None:
    mapping(value, at)
    role = value.get("role")
    refuse_unless(role in OF_ROLE, f"{at}.role: Input should be 'user' or 'assistant'")
    fields({"role": string, "content": OF_ROLE[role]})(value, at)


BODY = fields(
    {
        "model": string,
        "max_tokens": number(1, 1e9, whole=True),
        "messages": array(_message),
    },
    OPTIONS,
)

# "Count tokens in a Message": what says how to answer is no field of it.
COUNTED = ("system", "cache_control", "tools", "tool_choice", "thinking", "output_config")
COUNT_BODY = fields(
    {"model": string, "messages": array(_message)}, {name: OPTIONS[name] for name in COUNTED}
)


def check_headers(headers: Mapping[str, str], api_key: str | None) -> None:
    """Refuse who shows no key, or the wrong one, or speaks another version.

    The SDK shows its key as a bearer since version 2, the reference still as `x-api-key`.
    """
    key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    if not key:
        raise Refused("x-api-key header is required", status=401, kind="authentication_error")
    if api_key is not None and key != api_key:
        raise Refused("invalid x-api-key", status=401, kind="authentication_error")
    version = headers.get("anthropic-version")
    refuse_unless(version, "anthropic-version: header is required")
    refuse_unless(version in VERSIONS, f'anthropic-version: "{version}" is not a valid version')


def as_blocks(body: JSON) -> JSON:
    """The body with every content as blocks: a string stands for one."""
    refuse_unless(isinstance(body, dict), "The request body is not a valid JSON object")
    turns = body.get("messages")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return body
    return body | {"messages": [_turn_as_blocks(turn) for turn in turns]}


def _turn_as_blocks(turn: JSON) -> JSON:
    content = turn.get("content")
    is_text = isinstance(content, str)
    return turn | {"content": [{"type": "text", "text": content}]} if is_text else turn


def check_request(body: JSON, headers: Mapping[str, str]) -> None:
    """Refuse a body, as `as_blocks` gives it, that the vendor refuses."""
    BODY(body, "")
    kind = kind_of(body["model"])
    most = kind.max_tokens
    say = f"max_tokens: {body['max_tokens']} > {most}, which is the maximum allowed number of"
    refuse_unless(body["max_tokens"] <= most, f"{say} output tokens for {body['model']}")
    _check_sampling(body, kind, headers)
    _check_all(body, kind, headers)


def check_count(body: JSON, headers: Mapping[str, str]) -> None:
    """Refuse a body of which the vendor would not count the tokens."""
    COUNT_BODY(body, "")
    kind = kind_of(body["model"])
    _check_all({"max_tokens": kind.max_tokens, **body}, kind, headers)


def _check_all(body: JSON, kind: Kind, headers: Mapping[str, str]) -> None:
    _check_marks(body)
    _check_tools(body, kind)
    _check_thinking(body, kind, headers)
    _check_format(body, kind)
    check_turns(body, kind)


def _check_marks(body: JSON) -> None:
    marks = len(list(_marked(body)))
    say = f"A maximum of {MAX_MARKS} blocks with cache_control may be provided. Found {marks}."
    refuse_unless(marks <= MAX_MARKS, say)


def _marked(value: JSON) -> Iterator[JSON]:
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            yield from _marked(each)
    if isinstance(value, dict) and "cache_control" in value:
        yield value


def _check_tools(body: JSON, kind: Kind) -> None:
    tools, choice = body.get("tools") or [], body.get("tool_choice")
    names = [tool["name"] for tool in tools]
    refuse_unless(len(set(names)) == len(names), "tools: Tool names must be unique.")
    for index, tool in enumerate(tools):
        if tool.get("strict"):
            refuse_unless(kind.formats, "'strict' is not supported for this model.")
            check_enforceable(tool["input_schema"], f"tools.{index}.custom")
    if choice is None:
        return
    refuse_unless(tools, "tool_choice may only be specified while providing tools")
    forces = choice["type"] in ("any", "tool")
    say = f"tool_choice: '{choice['type']}' is not supported for this model."
    refuse_unless(kind.forced or not forces, say)
    thinks = body.get("thinking", {}).get("type") == "enabled"
    say = "Thinking may not be enabled when tool_choice forces tool use."
    refuse_unless(not (forces and thinks), say)
    if choice["type"] == "tool":
        say = f"Tool '{choice['name']}' not found in provided tools"
        refuse_unless(choice["name"] in names, say)


def _check_thinking(body: JSON, kind: Kind, headers: Mapping[str, str]) -> None:
    thinking = body.get("thinking", {})
    chosen = thinking.get("type", "adaptive" if kind.thinks_unasked else "disabled")
    if thinking:
        say = f'"thinking.type.{chosen}" is not supported for this model.'
        refuse_unless(chosen in kind.thinking, say)
    if chosen == "enabled":
        say = "`max_tokens` must be greater than `thinking.budget_tokens`."
        refuse_unless(thinking["budget_tokens"] < body["max_tokens"], say)
    has_beta = BINDING_BETA in headers.get("anthropic-beta", "")
    say = "thinking.adaptive.block_binding: Extra inputs are not permitted"
    refuse_unless("block_binding" not in thinking or (has_beta and kind.bound), say)
    effort = body.get("output_config", {}).get("effort")
    say = f"output_config.effort: '{effort}' is not supported for this model."
    refuse_unless(effort is None or effort in kind.efforts, say)
    is_high = effort in ("xhigh", "max") and chosen in ("disabled", "between_tools")
    say = f'"thinking.type.{chosen}" is not supported at this effort.'
    refuse_unless(not (is_high and kind.thinks_unasked), say)


def _check_sampling(body: JSON, kind: Kind, headers: Mapping[str, str]) -> None:
    given = [name for name in ("temperature", "top_p", "top_k") if name in body]
    refused = not kind.sampling or headers.get("anthropic-version") == VERSIONS[1]
    if given and refused:
        raise Refused(f"`{given[0]}` is deprecated for this model.")
    say = "`temperature` and `top_p` cannot both be specified for this model."
    refuse_unless(not {"temperature", "top_p"} <= set(given), say)
    if body.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        say = "`temperature` may only be set to 1 when thinking is enabled."
        refuse_unless(body.get("temperature", 1) == 1, say)
        say = "`top_p` must be greater than or equal to 0.95 when thinking is enabled."
        refuse_unless(body.get("top_p", 1) >= 0.95, say)
        refuse_unless("top_k" not in body, "`top_k` must be unset when thinking is enabled.")


def _check_format(body: JSON, kind: Kind) -> None:
    wanted = body.get("output_config", {}).get("format")
    if wanted is None:
        return
    refuse_unless(kind.formats, f"output_config.format: not supported by {body['model']}")
    check_enforceable(wanted["schema"], "output_config.format.schema")


def model_of(body: JSON) -> str:
    """The model that a body names."""
    model = body.get("model")
    return model if isinstance(model, str) and re.search(r"\S", model) else ""
