"""Stories in OpenAI's own Responses API."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from tests.dialects.chat import compact
from tests.dialects.dialect import Dialect, Heard, Unsayable
from tests.upstreams.chat_replies import (
    Calls,
    Declined,
    Reply,
    Said,
    Scripted,
    Text,
    Thinking,
    Usage,
)
from tests.upstreams.responses_script import Answer, Called, ScriptItem, Thought
from tests.upstreams.responses_script import Said as Message

type JSON = Any


def as_answer(story: Scripted) -> Scripted:
    """The story as the items of one answer."""
    if not isinstance(story, Reply) or isinstance(story, Answer):
        return story
    if story.finish is None:
        raise Unsayable("the last event says how it ended")
    items = tuple(item for said in story.said for item in _items(said))
    return Answer(
        items=items,
        reason=_reason(story),
        tokens=_tokens(story.usage),
        pace_seconds=story.pace_seconds,
        troubles=story.troubles,
        framing=replace(story.framing, named=True),
        headers=story.headers,
    )


def _reason(story: Reply) -> Literal["max_output_tokens", "content_filter"] | None:
    match story.finish:
        case "length":
            return "max_output_tokens"
        case "content_filter":
            return "content_filter"
        case _:
            return None


def _tokens(usage: Usage | None) -> JSON:
    if usage is None:
        return None
    counts = {"asked": usage.prompt, "said": usage.completion}
    return counts | {"cached": usage.cached, "thought": usage.reasoning}


def _items(said: Said) -> Iterator[ScriptItem]:
    match said:
        case Text(pieces) if pieces:
            yield Message(pieces)
        case Declined(pieces):
            yield Message(pieces, declines=True)
        case Thinking(pieces):
            yield Thought((pieces,) if pieces else ())
        case Calls(calls):
            for call in calls:
                is_custom = call.kind == "custom"
                yield Called(call.name, call.fragments, call.id, is_custom=is_custom)


def _heard(body: JSON) -> Iterator[Heard]:
    if rules := body.get("instructions"):
        yield "system", rules
    given = body["input"]
    items: list[JSON] = [{"role": "user", "content": given}] if isinstance(given, str) else given
    for item in items:
        match item.get("type", "message"):
            case "message":
                yield from _parts(item["role"], item["content"])
            case "reasoning":
                yield "thinking", "".join(part["text"] for part in item["summary"])
            case "function_call":
                yield "call", f"{item['name']} {compact(item['arguments'])}"
            case "compaction":
                yield "compaction", item["encrypted_content"]
            case "custom_tool_call":
                yield "call", f"{item['name']} {item['input']}"
            case _:
                yield from _parts("result", item["output"])


def _parts(role: str, content: JSON) -> Iterator[Heard]:
    speaker = "system" if role == "developer" else role
    parts: list[JSON] = [{"text": content}] if isinstance(content, str) else content
    for part in parts:
        match part.get("type"):
            case "input_image":
                yield "image", part["image_url"]
            case "input_file":
                yield "file", part["file_data"]
            case _:
                yield speaker, part.get("text", part.get("refusal"))


RESPONSES = Dialect(
    reply=as_answer,
    heard=_heard,
    tools=lambda body: {tool["name"]: tool.get("parameters") for tool in body.get("tools") or ()},
    form=lambda body: body["text"]["format"]["schema"],
    names={"model": "gpt-5-{}", "plain": "gpt-4.1-{}"},
)
