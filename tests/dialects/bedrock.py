"""Stories in Bedrock's Converse, told by Claude or by Nova."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

from tests.dialects.anthropic import TOO_LONG, error_of
from tests.dialects.chat import as_functions, compact
from tests.dialects.dialect import Dialect, Heard, Unsayable
from tests.upstreams.bedrock_replies import Call, Failure, Redacted
from tests.upstreams.bedrock_replies import Reply as Told
from tests.upstreams.bedrock_replies import Said as Block
from tests.upstreams.bedrock_replies import Scripted as Converse
from tests.upstreams.bedrock_replies import Text as TextBlock
from tests.upstreams.bedrock_replies import Thinking as ThinkingBlock
from tests.upstreams.chat_replies import (
    Calls,
    HttpReply,
    Reply,
    Said,
    Scripted,
    Text,
    Thinking,
    Usage,
)
from tests.upstreams.chat_troubles import Cut, ErrorFrame, Reset, Rubbish, Stall, Trouble

type JSON = Any

STOPS = {"length": "max_tokens", "content_filter": "content_filtered", "stop": "end_turn"}
KINDS = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


def as_converse(story: Scripted) -> Converse:
    """The story as content blocks of Claude's, which signs its thinking."""
    return _converse(story, signs=True)


def as_nova(story: Scripted) -> Converse:
    """The same as Nova's, which does not."""
    return _converse(story, signs=False)


def _converse(story: Scripted, *, signs: bool) -> Converse:
    if isinstance(story, HttpReply):
        return _failure(story)
    if story.finish is None:
        raise Unsayable("a message without a stop reason is not whole")
    told = as_functions(story)
    assert isinstance(told, Reply)
    reply = Told(
        said=tuple(block for said in told.said for block in _blocks(said, signs=signs)),
        stop=STOPS.get(str(told.finish)),
        usage=_usage(told.usage),
        has_metadata=told.usage_place != "missing",
        pace_seconds=told.pace_seconds,
        bytes_per_write=1 if told.framing.split_characters else told.framing.bytes_per_write,
    )
    for trouble in told.troubles:
        reply = _troubled(reply, trouble)
    return reply


def _blocks(said: Said, *, signs: bool) -> Iterator[Block]:
    match said:
        case Text(pieces):
            if pieces:
                yield TextBlock(pieces)
        case Thinking(pieces):
            secret = "".join(pieces)
            yield Redacted(secret) if secret == "(redacted)" else ThinkingBlock(pieces, signs)
        case Calls(calls):
            for call in calls:
                made = call.id or f"tooluse_{uuid4().hex[:22]}"
                yield Call(call.name, call.fragments, made)
        case _:
            raise Unsayable("there is no refusal: a model says no in text, a guardrail by a stop")


def _usage(usage: Usage | None) -> JSON:
    if usage is None:
        return None
    return {
        "inputTokens": usage.prompt - usage.cached,
        "outputTokens": usage.completion,
        "totalTokens": usage.prompt + usage.completion,
        "cacheReadInputTokens": usage.cached,
    }


def _troubled(reply: Told, trouble: Trouble) -> Told:
    if trouble.when == "start":
        seconds = trouble.seconds if isinstance(trouble, Stall) else 0.0
        return replace(reply, delay_seconds=seconds)
    event = _event_after(reply, trouble.when if isinstance(trouble.when, int) else 0)
    match trouble:
        case Stall(_, seconds):
            return reply.stalling(event, seconds)
        case ErrorFrame():
            return reply.raising(event, "internalServerException")
        case Rubbish():
            return reply.corrupted(event)
        case Cut() | Reset():
            return reply.cut(event)
        case _:
            raise Unsayable("a body that ends early is a cut one")


def _event_after(reply: Told, pieces: int) -> int:
    """The number of the event that follows so many pieces; the opening is number 0."""
    number = 0
    for said in reply.said:
        for kind, told in said.events():
            if not pieces:
                return number + 1
            number += 1
            delta = told.get("delta", {}).get("reasoningContent", {})
            pieces -= kind == "contentBlockDelta" and "signature" not in delta
        if not pieces:
            return number + 1
        number += 1
    return number + 1


def _failure(story: HttpReply) -> Failure:
    error = error_of(story)
    if error is None:
        return Failure(story.status, "SomebodyElsesException", "No.")
    if error["code"] == "insufficient_quota":
        raise Unsayable("AWS sends a bill")
    message = TOO_LONG if error["code"] == "context_length_exceeded" else error["message"]
    status = 403 if story.status == 401 else story.status
    delay = sum(each.seconds for each in story.troubles if isinstance(each, Stall))
    return Failure(status, KINDS[story.status], message, delay_seconds=delay)


def _heard(body: JSON) -> Iterator[Heard]:
    for block in body.get("system") or ():
        if "text" in block:
            yield "system", block["text"]
    for turn in body["messages"]:
        for block in turn["content"]:
            yield from _block(turn["role"], block)


def _block(speaker: str, block: JSON) -> Iterator[Heard]:
    match block:
        case {"text": text}:
            yield speaker, text
        case {"reasoningContent": {"reasoningText": {"text": text}}}:
            yield "thinking", text
        case {"reasoningContent": {"redactedContent": secret}}:
            yield "thinking", secret
        case {"toolUse": {"name": name, "input": given}}:
            yield "call", f"{name} {compact(given)}"
        case {"toolResult": {"content": content}}:
            for each in content:
                yield from _block("result", each)
        case {"image": {"format": form, "source": {"bytes": data}}}:
            yield "image", f"data:image/{form};base64,{data}"
        case {"document": {"format": form, "source": {"bytes": data}}}:
            yield "file", f"data:application/{form};base64,{data}"


def _tools(body: JSON) -> dict[str, JSON]:
    config = body.get("toolConfig") or {}
    specs = (tool["toolSpec"] for tool in config.get("tools") or () if "toolSpec" in tool)
    return {spec["name"]: spec["inputSchema"]["json"] for spec in specs}


def _form(body: JSON) -> JSON:
    return json.loads(body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"])


BEDROCK = Dialect(
    reply=as_converse,
    heard=_heard,
    tools=_tools,
    form=_form,
    names={"model": "anthropic.claude-sonnet-4-5-{}"},
)
NOVA = replace(BEDROCK, reply=as_nova, names={"model": "us.amazon.nova-2-lite-{}"})
