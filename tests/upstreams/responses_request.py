"""Whether OpenAI would take this request for a response, and with which words it would refuse.

Fields and ranges follow "Create a model response" of the API reference and the types of OpenAI's
SDK; the rules of conversations without storage follow the refusals that people reported.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.upstreams.checks import (
    At,
    Check,
    Refusal,
    anything,
    array,
    boolean,
    fields,
    integer,
    map_of,
    mapping,
    nullable,
    number,
    one_of,
    string,
)
from tests.upstreams.responses_items import check_conversation, check_input
from tests.upstreams.responses_secrets import Locksmith
from tests.upstreams.responses_tools import (
    check_format,
    check_response_choice,
    check_response_tools,
)

type JSON = Any

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
SUMMARIES = ("auto", "concise", "detailed")
INCLUDABLE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)
TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")
REASONS = re.compile(r"(o[0-9]|gpt-5(?!-chat))")
SHORT = string(longest=64)

FIELDS: Mapping[str, Check] = {
    "background": nullable(boolean),
    "include": nullable(array(one_of(*INCLUDABLE))),
    "instructions": nullable(string()),
    "max_output_tokens": nullable(integer(16, 2**31)),
    "max_tool_calls": nullable(integer(1, 2**31)),
    "metadata": nullable(map_of(string(longest=512), most=16, longest_key=64)),
    "parallel_tool_calls": nullable(boolean),
    "previous_response_id": nullable(string()),
    "prompt_cache_key": nullable(SHORT),
    "prompt_cache_retention": nullable(one_of("in_memory", "24h")),
    "reasoning": nullable(
        fields({}, {"effort": nullable(one_of(*EFFORTS)), "summary": nullable(one_of(*SUMMARIES))})
    ),
    "safety_identifier": nullable(SHORT),
    "service_tier": nullable(one_of(*TIERS)),
    "store": nullable(boolean),
    "stream": nullable(boolean),
    "stream_options": nullable(fields({}, {"include_obfuscation": boolean})),
    "temperature": nullable(number(0, 2)),
    "text": fields(
        {}, {"format": check_format, "verbosity": nullable(one_of("low", "medium", "high"))}
    ),
    "tool_choice": check_response_choice,
    "tools": check_response_tools,
    "top_logprobs": nullable(integer(0, 20)),
    "top_p": nullable(number(0, 1)),
    "truncation": nullable(one_of("auto", "disabled")),
    "user": string(),
}
REQUEST = fields({"model": string(empty=False), "input": anything}, FIELDS)

# "Get input token counts": nothing of how to answer.
COUNTED = (
    "instructions",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "text",
    "tool_choice",
    "tools",
    "truncation",
)
COUNT = fields(
    {"model": string(empty=False), "input": anything}, {name: FIELDS[name] for name in COUNTED}
)

# "Compact a response": what is asked, and what it costs.
COMPACTED = (
    "instructions",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
)
COMPACT = fields(
    {"model": string(empty=False)},
    {"input": anything, **{name: FIELDS[name] for name in COMPACTED}},
)


def check_compact_request(body: JSON, locksmith: Locksmith) -> list[JSON]:
    """The input items; refuse what OpenAI would not compact."""
    mapping(body, At("body"))
    COMPACT(body, At())
    return check_response_request({"store": False, **body}, locksmith)


def check_count_request(body: JSON, locksmith: Locksmith) -> list[JSON]:
    """The input items; refuse what OpenAI would not count."""
    mapping(body, At("body"))
    COUNT(body, At())
    return check_response_request({"store": False, **body}, locksmith)


def check_response_request(body: JSON, locksmith: Locksmith) -> list[JSON]:
    """The input items; refuse what OpenAI refuses."""
    mapping(body, At("body"))
    REQUEST(body, At())
    items = check_input(body["input"], At("input"))
    _check_together(body, items)
    if REASONS.match(body["model"]):
        _check_reasoning_model(body)
    elif "reasoning.encrypted_content" in (body.get("include") or []):
        message = "Encrypted content is not supported with this model."
        raise Refusal(message, param="include")
    check_conversation(items, locksmith)
    return items


def _check_together(body: JSON, items: list[JSON]) -> None:
    if body.get("stream_options") is not None and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise Refusal(message, param="stream_options")
    if (response_id := body.get("previous_response_id")) is not None:
        message = f"Previous response with id '{response_id}' not found."
        code = "previous_response_not_found"
        raise Refusal(message, param="previous_response_id", code=code)
    names = {tool.get("name") for tool in body.get("tools") or []}
    wanted = body.get("tool_choice")
    if isinstance(wanted, dict) and "name" in wanted and wanted["name"] not in names:
        message = f"Tool choice '{wanted['type']}' not found in 'tools' parameter."
        raise Refusal(message, param="tool_choice")
    kind = ((body.get("text") or {}).get("format") or {}).get("type")
    if kind == "json_object" and "json" not in json.dumps(items).lower():
        message = (
            "Response input messages must contain the word 'json' in some form to use "
            "'text.format' of type 'json_object'."
        )
        raise Refusal(message, param="input")


def _check_reasoning_model(body: JSON) -> None:
    for name in ("temperature", "top_p"):
        if body.get(name) is not None:
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            raise Refusal(message, param=name)
