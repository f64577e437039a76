"""Whether OpenAI, or a server like vLLM, would take this request for a chat completion.

Fields and ranges follow "Create chat completion" of the API reference; the rules between fields and
those of single models follow the errors that people reported, as they were in November 2026.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from tests.upstreams.chat_messages import check_messages
from tests.upstreams.chat_tools import (
    check_choice_among,
    check_json_is_announced,
    check_response_format,
    check_tool_choice,
    check_tools,
)
from tests.upstreams.checks import (
    At,
    Check,
    Refusal,
    anything,
    array,
    boolean,
    fields,
    integer,
    kind_of,
    map_of,
    mapping,
    missing,
    nullable,
    number,
    one_of,
    string,
    unknown,
)

type JSON = Any
type Flavour = Literal["openai", "generic"]

LONG = 2**63


@dataclass(frozen=True, slots=True)
class Limits:
    """What differs between servers of one flavour, or has changed over the years."""

    call_id_length: int = 64
    """40 at OpenAI until 2025 and at Azure; in July 2026 it took 51."""
    description_length: int | None = None
    """1,024 for a tool's description until 2025."""
    system_first: bool = False
    """Some chat templates know a system message only as the first message."""


OLD_LIMITS = Limits(call_id_length=40, description_length=1024)


def _stop(value: JSON, at: At) -> None:
    if isinstance(value, list):
        array(string(empty=False), shortest=1, longest=4)(value, at)
    else:
        string(empty=False)(value, at)


OPTIONS: Mapping[str, Check] = {
    "audio": nullable(mapping),
    "frequency_penalty": nullable(number(-2, 2)),
    "function_call": anything,
    "functions": array(mapping, shortest=1),
    "logit_bias": nullable(map_of(integer(-100, 100), most=300, longest_key=16)),
    "logprobs": nullable(boolean),
    "max_completion_tokens": nullable(integer(1, LONG)),
    "max_tokens": nullable(integer(1, LONG)),
    "metadata": nullable(map_of(string(longest=512), most=16, longest_key=64)),
    "modalities": nullable(array(one_of("text", "audio"), shortest=1)),
    "moderation": nullable(mapping),
    "n": nullable(integer(1, 128)),
    "parallel_tool_calls": boolean,
    "prediction": nullable(mapping),
    "presence_penalty": nullable(number(-2, 2)),
    "prompt_cache_key": nullable(string(longest=64)),
    "prompt_cache_options": mapping,
    "prompt_cache_retention": nullable(one_of("in_memory", "24h")),
    "reasoning_effort": nullable(
        one_of("none", "minimal", "low", "medium", "high", "xhigh", "max")
    ),
    "response_format": check_response_format,
    "safety_identifier": nullable(string(longest=64)),
    "seed": nullable(integer(-LONG, LONG)),
    "service_tier": nullable(one_of("auto", "default", "flex", "scale", "priority", "fast")),
    "stop": nullable(_stop),
    "store": nullable(boolean),
    "stream": nullable(boolean),
    "stream_options": nullable(
        fields({}, {"include_usage": boolean, "include_obfuscation": boolean})
    ),
    "temperature": nullable(number(0, 2)),
    "tool_choice": check_tool_choice,
    "top_logprobs": nullable(integer(0, 20)),
    "top_p": nullable(number(0, 1)),
    "user": string(),
    "verbosity": nullable(one_of("low", "medium", "high")),
    "web_search_options": mapping,
}

RESPONSES_API = {
    "background", "conversation", "include", "input", "instructions", "max_output_tokens",
    "max_tool_calls", "previous_response_id", "prompt", "reasoning", "text", "truncation",
}  # fmt: skip


def check_request(body: JSON, *, flavour: Flavour, limits: Limits) -> None:
    """Refuse a body that such a server refuses.

    Raises:
        Refusal: with the status, message, param and code of the real one.
    """
    top = At(lenient=flavour == "generic")
    if not isinstance(body, dict):
        raise Refusal(f"Invalid type for body: expected an object, but got {kind_of(body)}.")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise Refusal("you must provide a model parameter")
    if "messages" not in body:
        raise missing(At("messages"))
    _check_options(body, top, limits)
    _check_between(body, lenient=top.lenient)
    if flavour == "openai":
        _check_model(body)


def _check_options(body: JSON, top: At, limits: Limits) -> None:
    messages = partial(
        check_messages, call_id_length=limits.call_id_length, system_first=limits.system_first
    )
    tools = partial(check_tools, description_length=limits.description_length)
    if not top.lenient:
        _check_names([name for name in body if name not in {*OPTIONS, *MAIN}])
    fields({"model": string(), "messages": messages}, {**OPTIONS, "tools": tools})(body, top)


MAIN = {"model", "messages", "tools"}


def _check_names(strange: list[str]) -> None:
    for name in strange:
        if name in RESPONSES_API:
            raise unknown(At(name))
    if strange:
        several = "s" if len(strange) > 1 else ""
        raise Refusal(f"Unrecognized request argument{several} supplied: {', '.join(strange)}")


def _check_between(body: JSON, *, lenient: bool) -> None:
    """The rules between fields; lenient servers know only some of them."""
    for name, needed in ALWAYS_NEEDED.items():
        if body.get(name) is not None and not body.get(needed):
            message = f"The '{name}' parameter is only allowed when '{needed}' is enabled."
            raise Refusal(message, param=name)
    for name in ("tool_choice",) if lenient else ("tool_choice", "parallel_tool_calls"):
        if body.get(name) is not None and not body.get("tools"):
            message = f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are"
            raise Refusal(f"{message} specified.", param=name)
    check_choice_among(body.get("tools") or [], body.get("tool_choice"))
    if not lenient:
        _check_between_at_openai(body)


ALWAYS_NEEDED = {"stream_options": "stream", "top_logprobs": "logprobs"}


def _check_between_at_openai(body: JSON) -> None:
    if body.get("metadata") is not None and not body.get("store"):
        message = "The 'metadata' parameter is only allowed when 'store' is enabled."
        raise Refusal(message, param="metadata")
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise Refusal(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            param="max_tokens",
            code="invalid_parameter_combination",
        )
    if body.get("response_format", {}).get("type") == "json_object":
        check_json_is_announced(body["messages"])


def is_reasoning(model: str) -> bool:
    """Whether OpenAI's model of this name thinks before it speaks."""
    return bool(re.match(r"o[134]|gpt-5", model)) and "-chat" not in model


def _check_model(body: JSON) -> None:
    """What depends on the model, at OpenAI."""
    model = body["model"]
    minor = re.match(r"gpt-5\.(\d+)", model)
    if is_reasoning(model):
        thinks = not (minor and body.get("reasoning_effort") == "none")
        for refused in _refused_by_reasoning(body, thinks=thinks):
            raise refused
        if minor and body.get("tools"):
            _check_tools_with_thought(body, int(minor[1]))
    elif re.match(r"gpt-[34]|chatgpt", model) and body.get("reasoning_effort") is not None:
        raise Refusal("Unrecognized request argument supplied: reasoning_effort")


NEVER_WITH_REASONING = ("max_tokens", "presence_penalty", "frequency_penalty", "logit_bias", "stop")
NOT_WHILE_REASONING = ("top_p", "logprobs", "top_logprobs")


def _refused_by_reasoning(body: JSON, *, thinks: bool) -> Iterator[Refusal]:
    model = body["model"]
    names = NEVER_WITH_REASONING + (NOT_WHILE_REASONING if thinks else ())
    if model.startswith(("o1", "o3", "o4")):
        names += ("parallel_tool_calls",)
    if model.startswith(("o1-mini", "o3-mini")):
        names += ("temperature",)
    for name in names:
        if body.get(name) not in (None, False):
            instead = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
            message = f"Unsupported parameter: '{name}' is not supported with this model.{instead}"
            yield Refusal(message, param=name, code="unsupported_parameter")
    if thinks and body.get("temperature") not in (None, 1):
        yield Refusal(
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this "
            "model. Only the default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        )


def _check_tools_with_thought(body: JSON, minor: int) -> None:
    """From gpt-5.4 on this endpoint has no tools while the model thinks."""
    effort = body.get("reasoning_effort")
    given_up = effort == "none" or (minor == 4 and effort is None) or minor < 4
    if not given_up:
        raise Refusal(
            f"Function tools with reasoning_effort are not supported for {body['model']} in "
            "/v1/chat/completions. To use function tools, use /v1/responses or set "
            "reasoning_effort to 'none'.",
            param="reasoning_effort",
        )
