"""How strict the scripted upstream is: what it refuses, and in which words."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.upstreams.chat_bodies import (
    HELLO,
    OBJECT,
    Change,
    answer,
    ask,
    calling,
    formatted,
    function,
    image,
    made,
    part,
    pdf,
    said,
    strict,
)
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_parts import TINY_PDF, TINY_PNG

type JSON = Any
type Refused = tuple[Change, str | None, str | None, str]


@pytest.fixture(scope="module")
def upstream() -> Iterator[ChatUpstream]:
    with ChatUpstream() as upstream:
        yield upstream


TOOLS = {"tools": [function()]}
NAMED = {"type": "function", "function": {"name": "g"}}
REFUSED: list[Refused] = [
    ({"model": ...}, None, None, "you must provide a model parameter"),
    ({"model": ""}, None, None, "you must provide a model parameter"),
    ({"messages": ...}, "messages", "missing_required_parameter", "'messages'"),
    ({"messages": []}, "messages", "empty_array", "minimum length 1"),
    ({"messages": "Hi"}, "messages", "invalid_type", "got a string"),
    ({"x": 1}, None, None, "Unrecognized request argument supplied: x"),
    ({"x": 1, "y": 1}, None, None, "arguments supplied: x, y"),
    ({"reasoning": {}}, "reasoning", "unknown_parameter", "Unknown parameter"),
    (said({"content": "x"}), "messages[0].role", "missing_required_parameter", "role"),
    (said({"role": "bot", "content": "x"}), "messages[0].role", "invalid_value", "'developer'"),
    (said({"role": "user"}), "messages[0].content", "missing_required_parameter", "content"),
    (said({"role": "user", "content": None}), "messages.[0].content", None, "got null"),
    (said({"role": "assistant"}), "messages.[0].content", None, "got null"),
    (said({"role": "user", "content": 1}), "messages[0].content", "invalid_type", "an integer"),
    (said({"role": "user", "content": []}), "messages[0].content", "empty_array", "empty array"),
    (said(HELLO | {"id": "msg_1"}), "messages[0].id", "unknown_parameter", "messages[0].id"),
    (said(HELLO | {"name": "a b"}), "messages[0].name", "invalid_value", "pattern"),
    (part(type="input_text"), "messages[0].content[0].type", "invalid_value", "'image_url'"),
    (part(text="x"), "messages[0].content[0].type", "missing_required_parameter", "type"),
    (part("system", type="file", file={"file_id": "file-1"}), "messages[0].content[0].type",
     "invalid_value", "Supported values are: 'text'."),
    (part("assistant", type="image_url", image_url={"url": TINY_PNG}), "messages[0]",
     "invalid_value", "only allowed for messages with role 'user'"),
    (image(TINY_PNG), "messages[0].content[0].image_url", "invalid_type", "expected an object"),
    (image({"url": "file:///etc/passwd"}), "messages[0].content[0].image_url.url", "invalid_value",
     "valid URL"),
    (image({"url": "data:image/png;base64,#"}), None, "invalid_base64", "base64"),
    (image({"url": "data:image/png;base64,aGk="}), None, "invalid_image_format", "unsupported"),
    (image({"url": "data:image/bmp;base64,Qk0="}), None, "invalid_image_format", "unsupported"),
    (image({"url": TINY_PNG, "detail": "max"}), "messages[0].content[0].image_url.detail",
     "invalid_value", "'low'"),
    (pdf(file_data=TINY_PDF), "messages[0].content[0].file.file_id", "missing_required_parameter",
     "file_id"),
    (pdf(file_data="JVBERi0=", filename="a.pdf"), "messages[0].content[0].file.file_data",
     "invalid_value", "data URL"),
    (pdf(file_data="data:text/plain;base64,aGk=", filename="a.txt"),
     "messages[0].content[0].file.file_data", "invalid_value", "application/pdf"),
    (said(HELLO, calling()), "messages[1].tool_calls", "empty_array", "empty array"),
    (said(HELLO, calling(made(arguments={})), answer()),
     "messages[1].tool_calls[0].function.arguments", "invalid_type", "expected a string"),
    (said(HELLO, calling(made("c" * 65)), answer("c" * 65)), "messages[1].tool_calls[0].id",
     "string_above_max_length", "maximum length 64"),
    (said(HELLO, calling(made("")), answer("")), "messages[1].tool_calls[0].id", "empty_string",
     "minimum length 1"),
    (said(HELLO, calling(made(), made()), answer()), "messages[1].tool_calls", "invalid_value",
     "the same id"),
    (said(HELLO, calling(made()), HELLO), "messages.[2].role", None, "must be followed by tool"),
    (said(HELLO, calling(made())), "messages.[1].role", None, "response messages: c"),
    (said(HELLO, calling(made("c"), made("d")), answer("c"), HELLO), "messages.[3].role", None,
     "response messages: d"),
    (said(HELLO, answer()), "messages.[1].role", None, "must be a response to a preceeding"),
    (said(HELLO, calling(made()), answer("x")), "messages.[2].tool_call_id", None, "not found"),
    (said(HELLO, calling(made()), answer(), answer()), "messages.[3].tool_call_id", None,
     "Duplicate value"),
    (said(HELLO, calling(made()), {"role": "tool", "content": "x"}), "messages.[2].tool_call_id",
     None, "must have a 'tool_call_id'"),
    ({"tools": []}, "tools", "empty_array", "empty array"),
    ({"tools": None}, "tools", "invalid_type", "got null"),
    ({"tools": [function()] * 129}, "tools", "array_above_max_length", "maximum length 128"),
    ({"tools": [{"type": "function", "name": "f"}]}, "tools[0].function",
     "missing_required_parameter", "tools[0].function"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type", "invalid_value", "and 'custom'"),
    ({"tools": [function("a.b")]}, "tools[0].function.name", "invalid_value", "pattern"),
    ({"tools": [function("a" * 65)]}, "tools[0].function.name", "string_above_max_length", "65"),
    ({"tools": [function(), function()]}, "tools", "invalid_value", "unique"),
    ({"tools": [function(parameters="{}")]}, "tools[0].function.parameters", "invalid_type",
     "expected an object"),
    ({"tools": [function(parameters={"type": "string"})]}, "tools[0].function.parameters",
     "invalid_function_parameters", "got 'type: \"string\"'"),
    ({"tools": [function(parameters={"type": "object"})]}, "tools[0].function.parameters",
     "invalid_function_parameters", "object schema missing properties"),
    ({"tools": [function(parameters={"type": "object", "properties": {"a": {"type": "array"}}})]},
     "tools[0].function.parameters", "invalid_function_parameters",
     "In context=('properties', 'a'), array schema missing items."),
    (strict({"type": "object", "properties": {}}), "tools[0].function.parameters",
     "invalid_function_parameters", "In context=(), 'additionalProperties' is required"),
    (strict(OBJECT | {"properties": {"a": {"type": "string"}}, "required": []}),
     "tools[0].function.parameters", "invalid_function_parameters", "Missing 'a'"),
    (strict(OBJECT | {"properties": {"a": OBJECT | {"allOf": []}}, "required": ["a"]}),
     "tools[0].function.parameters", "invalid_function_parameters", "'allOf' is not permitted"),
    (strict(OBJECT | {"properties": {"a": {}}, "required": ["a"]}),
     "tools[0].function.parameters", "invalid_function_parameters", "must have a 'type' key"),
    (strict(OBJECT | {"required": ["a"]}),
     "tools[0].function.parameters", "invalid_function_parameters", "Extra required key 'a'"),
    ({"tool_choice": "auto"}, "tool_choice", None, "only allowed when 'tools' are specified"),
    ({"parallel_tool_calls": True}, "parallel_tool_calls", None, "only allowed when 'tools'"),
    (TOOLS | {"tool_choice": "any"}, "tool_choice", "invalid_value", "'required'"),
    (TOOLS | {"tool_choice": NAMED}, "tool_choice", None, "no function named 'g'"),
    (TOOLS | {"tool_choice": {"type": "function", "name": "f"}}, "tool_choice.function",
     "missing_required_parameter", "tool_choice.function"),
    (TOOLS | {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}},
     "tool_choice.allowed_tools", "missing_required_parameter", "allowed_tools"),
    (TOOLS | {"tool_choice": {"type": "allowed_tools",
                              "allowed_tools": {"mode": "auto", "tools": [NAMED]}}},
     "tool_choice", None, "no function named 'g'"),
    ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value", "'text'"),
    ({"response_format": {"type": "json_object"}}, "messages", None, "the word 'json'"),
    ({"response_format": {"type": "json_schema", "name": "n", "schema": {}}},
     "response_format.json_schema", "missing_required_parameter", "json_schema"),
    (formatted(schema=OBJECT), "response_format.json_schema.name", "missing_required_parameter",
     "name"),
    (formatted(name="n", strict=True, schema={"type": "object", "properties": {}}),
     "response_format", None, "Invalid schema for response_format 'n'"),
    ({"top_logprobs": 2}, "top_logprobs", None, "only allowed when 'logprobs' is enabled"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value", "<= 20"),
    ({"temperature": 2.5}, "temperature", "decimal_above_max_value", "<= 2, but got 2.5"),
    ({"temperature": "1"}, "temperature", "invalid_type", "expected a decimal"),
    ({"top_p": -0.1}, "top_p", "decimal_below_min_value", ">= 0"),
    ({"presence_penalty": 3}, "presence_penalty", "decimal_above_max_value", "<= 2"),
    ({"frequency_penalty": -3}, "frequency_penalty", "decimal_below_min_value", ">= -2"),
    ({"n": 0}, "n", "integer_below_min_value", ">= 1"),
    ({"n": True}, "n", "invalid_type", "got a boolean"),
    ({"seed": 1.5}, "seed", "invalid_type", "got a decimal"),
    ({"max_tokens": 0}, "max_tokens", "integer_below_min_value", ">= 1"),
    ({"max_completion_tokens": 0}, "max_completion_tokens", "integer_below_min_value", ">= 1"),
    ({"max_tokens": 9, "max_completion_tokens": 9}, "max_tokens", "invalid_parameter_combination",
     "at the same time"),
    ({"stream": "yes"}, "stream", "invalid_type", "expected a boolean"),
    ({"stream_options": {"include_usage": True}}, "stream_options", None, "'stream' is enabled"),
    ({"stream": True, "stream_options": {"x": 1}}, "stream_options.x", "unknown_parameter", "x"),
    ({"metadata": {"a": "b"}}, "metadata", None, "only allowed when 'store' is enabled"),
    ({"store": True, "metadata": {"a": 1}}, "metadata.a", "invalid_type", "expected a string"),
    ({"user": None}, "user", "invalid_type", "got null"),
    ({"parallel_tool_calls": None}, "parallel_tool_calls", "invalid_type", "got null"),
    ({"response_format": None}, "response_format", "invalid_type", "got null"),
    ({"service_tier": "gold"}, "service_tier", "invalid_value", "'flex'"),
    ({"reasoning_effort": "huge"}, "reasoning_effort", "invalid_value", "'minimal'"),
    ({"verbosity": "loud"}, "verbosity", "invalid_value", "'medium'"),
    ({"prompt_cache_key": "k" * 65}, "prompt_cache_key", "string_above_max_length", "64"),
    ({"safety_identifier": "k" * 65}, "safety_identifier", "string_above_max_length", "64"),
    ({"stop": ["a"] * 5}, "stop", "array_above_max_length", "maximum length 4"),
    ({"logit_bias": {"50256": 101}}, "logit_bias.50256", "integer_above_max_value", "<= 100"),
    ({"reasoning_effort": "low"}, None, None, "supplied: reasoning_effort"),
    ({"model": "o3-mini", "max_tokens": 9}, "max_tokens", "unsupported_parameter",
     "Use 'max_completion_tokens' instead"),
    ({"model": "gpt-5", "temperature": 0.2}, "temperature", "unsupported_value", "support 0.2"),
    ({"model": "o3-mini", "temperature": 1}, "temperature", "unsupported_parameter", "this model"),
    ({"model": "o4-mini", "top_p": 0.5}, "top_p", "unsupported_parameter", "not supported"),
    ({"model": "gpt-5.4", "reasoning_effort": "low"} | TOOLS, "reasoning_effort", None,
     "To use function tools, use /v1/responses"),
    ({"model": "gpt-5.6"} | TOOLS, "reasoning_effort", None, "or set reasoning_effort to 'none'"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_openai_refuses_is_refused_in_its_words(
    http: httpx.Client, upstream: ChatUpstream, case: Refused
) -> None:
    change, param, code, words = case
    answer = ask(http, upstream, change)

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert sorted(error) == ["code", "message", "param", "type"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert words in error["message"]
    assert error["code"] == code


ACCEPTED: list[Change] = [
    {"temperature": 0, "top_p": 1, "seed": -1, "stop": "x", "logit_bias": {"1": -100}, "n": None},
    {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
    {"store": True, "metadata": {"a": "b"}},
    {"logprobs": True, "top_logprobs": 0},
    {"response_format": {"type": "json_object"}} | said({"role": "user", "content": "As JSON!"}),
    formatted(name="n", schema=OBJECT, strict=True),
    formatted(name="n", schema={"type": "object", "properties": {"a": {}}}, strict=None),
    strict(OBJECT | {"properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"],
                     "$defs": {"A": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/A"}]}}}),
    TOOLS | {"tool_choice": "none", "parallel_tool_calls": False},
    TOOLS | {"tool_choice": {"type": "allowed_tools", "allowed_tools": {
        "mode": "auto", "tools": [function()]}}},
    {"tools": [{"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}]},
    image({"url": "https://example.com/a.png", "detail": "low"}),
    image({"url": TINY_PNG}),
    pdf(file_data=TINY_PDF, filename="a.pdf"),
    pdf(file_id="file-1"),
    part("developer", type="text", text="x"),
    part("assistant", type="refusal", refusal="no"),
    said(HELLO, calling(made("c"), made("d")), answer("d"), answer("c"), HELLO),
    said(HELLO, calling(made(arguments="no json")) | {"content": None}, answer()),
    {"model": "gpt-5", "reasoning_effort": "minimal", "temperature": 1, "verbosity": "low"},
    {"model": "gpt-5-chat-latest", "temperature": 0.2, "max_tokens": 9},
    {"model": "gpt-5.2", "reasoning_effort": "none", "temperature": 0.2},
    {"model": "gpt-5.6", "reasoning_effort": "none"} | TOOLS,
]  # fmt: skip


@pytest.mark.parametrize("change", ACCEPTED)
def test_what_openai_accepts_is_accepted(
    http: httpx.Client, upstream: ChatUpstream, change: Change
) -> None:
    answer = ask(http, upstream, change)

    assert answer.status_code == 200, answer.text
