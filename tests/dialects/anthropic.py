"""Stories in Anthropic's Messages API: the fake takes them as they are, but for errors."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.dialects.chat import as_functions, compact
from tests.dialects.dialect import Dialect, Heard, Unsayable
from tests.upstreams.anthropic import failed
from tests.upstreams.anthropic_steps import failing
from tests.upstreams.chat_replies import HttpReply, Reply, Scripted
from tests.upstreams.chat_troubles import ErrorFrame, Trouble

type JSON = Any

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
}
TOO_LONG = "prompt is too long: 9 tokens > 8 maximum"


def as_messages(story: Scripted) -> Scripted:
    """The same story; errors as this vendor tells them."""
    if isinstance(story, HttpReply):
        return _failure(story)
    if story.finish is None:
        raise Unsayable("a message without a stop reason is not whole")
    told = as_functions(story)
    assert isinstance(told, Reply)
    return replace(told, troubles=tuple(_trouble(trouble) for trouble in told.troubles))


def _trouble(trouble: Trouble) -> Trouble:
    return failing("api_error", trouble.when) if isinstance(trouble, ErrorFrame) else trouble


def error_of(story: HttpReply) -> JSON:
    """The error object in a body, or nothing if it is some proxy's."""
    try:
        return json.loads(story.body)["error"]
    except (ValueError, KeyError, TypeError):
        return None


def _failure(story: HttpReply) -> HttpReply:
    error = error_of(story)
    if error is None:
        return story
    if error["code"] == "insufficient_quota":
        raise Unsayable("an empty account is told as a billing error, which is the operator's")
    message = TOO_LONG if error["code"] == "context_length_exceeded" else error["message"]
    told = failed(story.status, KINDS[story.status], message)
    return replace(told, headers=story.headers, troubles=story.troubles)


def _heard(body: JSON) -> Iterator[Heard]:
    for block in body.get("system") or ():
        yield "system", block["text"]
    for turn in body["messages"]:
        content = turn["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            yield from _block(turn["role"], block)


def _block(speaker: str, block: JSON) -> Iterator[Heard]:
    match block:
        case {"type": "text", "text": text}:
            yield speaker, text
        case {"type": "thinking", "thinking": text}:
            yield "thinking", text
        case {"type": "redacted_thinking", "data": secret}:
            yield "thinking", secret
        case {"type": "tool_use", "name": name, "input": given}:
            yield "call", f"{name} {compact(given)}"
        case {"type": "tool_result"}:
            content = block.get("content", "")
            told = [{"type": "text", "text": content}] if isinstance(content, str) else content
            for each in told:
                yield from _block("result", each)
        case {"type": kind, "source": source}:
            name = "image" if kind == "image" else "file"
            yield name, f"data:{source['media_type']};base64,{source['data']}"


ANTHROPIC = Dialect(
    reply=as_messages,
    heard=_heard,
    tools=lambda body: {tool["name"]: tool["input_schema"] for tool in body.get("tools") or ()},
    form=lambda body: body["output_config"]["format"]["schema"],
    names={"model": "claude-sonnet-4-5-{}"},
)
