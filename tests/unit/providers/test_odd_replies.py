"""Whatever JSON an upstream sends, its reader gives deltas or fails as a GatewayError."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import Delta, Started
from rejoinder.engine.encoding import frames_of
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import GatewayError
from rejoinder.providers.anthropic.stream import MessageReader, Reading
from rejoinder.providers.bedrock.frames import Frame
from rejoinder.providers.bedrock.stream import ConverseReader
from rejoinder.providers.bedrock.tools import Offer
from rejoinder.providers.chat_completions.stream import ChunkReader
from rejoinder.providers.openai.stream import EventReader
from rejoinder.schema.response import Response

type JSON = Any

# The words of each wire; a random value under a known name is what a broken server sends.
WORDS: Mapping[str, tuple[str, ...]] = {
    "chat_completions": (
        *("choices", "delta", "message", "content", "refusal", "reasoning_content", "reasoning"),
        *("tool_calls", "index", "id", "function", "name", "arguments", "finish_reason", "usage"),
        *("prompt_tokens", "prompt_tokens_details", "logprobs", "error", "code", "service_tier"),
        *("type", "text", "thinking", "stop", "error"),
    ),
    "anthropic": (
        *("type", "index", "delta", "content_block", "message", "usage", "error", "text", "input"),
        *("thinking", "signature", "data", "id", "name", "partial_json", "stop_reason"),
        *("stop_details", "explanation", "content", "input_tokens", "output_tokens_details"),
        *("message_start", "content_block_start", "content_block_delta", "content_block_stop"),
        *("message_delta", "message_stop", "text_delta", "input_json_delta", "thinking_delta"),
        *("signature_delta", "tool_use", "redacted_thinking", "refusal", "overloaded_error"),
    ),
    "openai": (
        *("type", "item", "part", "output_index", "item_id", "delta", "response", "output", "id"),
        *("status", "error", "code", "message", "summary", "content", "text", "arguments", "name"),
        *("annotations", "annotation", "logprobs", "usage", "input_tokens_details", "refusal"),
        *("response.output_item.added", "response.output_item.done", "response.completed"),
        *("response.content_part.added", "response.content_part.done", "response.failed"),
        *("response.output_text.delta", "response.output_text.done", "response.incomplete"),
        *("response.reasoning_summary_part.added", "response.reasoning_summary_text.delta"),
        *("response.function_call_arguments.delta", "response.function_call_arguments.done"),
        *("output_text", "reasoning", "function_call", "custom_tool_call", "summary_text"),
        *("completed", "incomplete", "incomplete_details", "reason", "encrypted_content"),
    ),
    "bedrock": (
        *("contentBlockIndex", "delta", "start", "text", "toolUse", "toolUseId", "name", "input"),
        *("reasoningContent", "reasoningText", "signature", "redactedContent", "stopReason"),
        *("usage", "inputTokens", "cacheReadInputTokens", "output", "message", "content"),
        *("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop"),
        *("messageStop", "metadata", "serviceTier", "type", "end_turn", "malformed_tool_use"),
    ),
}


def values(words: tuple[str, ...]) -> st.SearchStrategy[JSON]:
    """Any JSON, made of these words as keys and as strings."""
    word = st.sampled_from(words)
    leaf = (
        st.none()
        | st.booleans()
        | st.integers(-2, 3)
        | st.floats(allow_nan=False, allow_infinity=False)
        | word
        | st.text(max_size=3)
        | st.sampled_from(["\ud83d", "\udc4b", "👋", "{}", '{"a":1}'])
    )
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(word, inner, max_size=5),
        max_leaves=12,
    )


def chat(payloads: list[bytes], *, is_whole: bool) -> list[Delta]:
    reader = ChunkReader()
    return [Started(), *reader.read(payloads), *reader.end()]


def messages(payloads: list[bytes], *, is_whole: bool) -> list[Delta]:
    reader = MessageReader(Reading())
    told = reader.read_whole(payloads[0]) if is_whole else reader.read(payloads)
    return [*told, *reader.end()]


def responses(payloads: list[bytes], *, is_whole: bool) -> list[Delta]:
    reader = EventReader("https://origin")
    told = reader.read_whole(payloads[0]) if is_whole else reader.read(payloads)
    if reader.failure is not None:
        ResponseAssembler(RESPONSE, ToolNames([])).feed(told)
        raise reader.failure
    return told


def converse(payloads: list[bytes], *, is_whole: bool) -> list[Delta]:
    reader = ConverseReader(Offer(family="anthropic", tools=[]))
    if is_whole:
        return [*reader.read_whole(payloads[0]), *reader.end()]
    kinds = WORDS["bedrock"][-11:-5]
    frames = [
        Frame(kinds[place % len(kinds)], len(payload) % 17 == 0, payload)
        for place, payload in enumerate(payloads)
    ]
    return [*reader.read(frames), *reader.end()]


READERS: Mapping[str, Callable[..., list[Delta]]] = {
    "chat_completions": chat,
    "anthropic": messages,
    "openai": responses,
    "bedrock": converse,
}
RESPONSE = Response(id="resp_1", created_at=1, status="in_progress", model="m")


@pytest.mark.parametrize("is_whole", [False, True])
@pytest.mark.parametrize("dialect", READERS)
@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_any_json_is_read_or_refused(dialect: str, *, is_whole: bool, data: st.DataObject) -> None:
    told = data.draw(st.lists(values(WORDS[dialect]), min_size=1, max_size=6))
    payloads = [json.dumps(each).encode() for each in told]

    try:
        deltas = READERS[dialect](payloads, is_whole=is_whole)
    except GatewayError:
        return

    frames_of(ResponseAssembler(RESPONSE, ToolNames([]), seal=str).feed(deltas))


@pytest.mark.parametrize("is_whole", [False, True])
@pytest.mark.parametrize("dialect", READERS)
@settings(deadline=None, max_examples=200)
@given(payload=st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(dialect: str, *, is_whole: bool, payload: bytes) -> None:
    try:
        deltas = READERS[dialect]([payload], is_whole=is_whole)
    except GatewayError:
        return

    assert isinstance(deltas, list)
