"""Stories in Chat Completions: the fake takes them as they are, but for custom tools."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.dialects.dialect import Dialect, Heard
from tests.upstreams.chat_replies import Calls, Reply, Said, Scripted, ToolCall

type JSON = Any


def as_functions(story: Scripted) -> Scripted:
    """With calls of custom tools as the gateway asks for them: their input wrapped in JSON."""
    if not isinstance(story, Reply):
        return story
    return replace(story, said=tuple(_as_functions(said) for said in story.said))


def _as_functions(said: Said) -> Said:
    if not isinstance(said, Calls):
        return said
    return replace(said, calls=tuple(_as_function(call) for call in said.calls))


def _as_function(call: ToolCall) -> ToolCall:
    if call.kind == "function":
        return call
    fragments = ('{"input":"', *(json.dumps(each)[1:-1] for each in call.fragments), '"}')
    return replace(call, kind="function", fragments=fragments)


def compact(arguments: str | JSON) -> str:
    """JSON in one form, whoever wrote it."""
    told = json.loads(arguments) if isinstance(arguments, str) else arguments
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _heard(body: JSON) -> Iterator[Heard]:
    for message in body["messages"]:
        role, content = message["role"], message.get("content")
        speaker = {"developer": "system", "tool": "result"}.get(role, role)
        if thinking := message.get("reasoning_content"):
            yield "thinking", thinking
        for part in (
            [{"type": "text", "text": content}] if isinstance(content, str) else content or ()
        ):
            yield _part(speaker, part)
        for call in message.get("tool_calls") or ():
            function = call["function"]
            yield "call", f"{function['name']} {compact(function['arguments'])}"


def _part(speaker: str, part: JSON) -> Heard:
    match part["type"]:
        case "image_url":
            return "image", part["image_url"]["url"]
        case "file":
            return "file", part["file"]["file_data"]
        case _:
            return speaker, part[part["type"]]


def _tools(body: JSON) -> dict[str, JSON]:
    functions = (tool["function"] for tool in body.get("tools") or ())
    return {function["name"]: function["parameters"] for function in functions}


CHAT = Dialect(
    reply=as_functions,
    heard=_heard,
    tools=_tools,
    form=lambda body: body["response_format"]["json_schema"]["schema"],
    names={"model": "{}"},
)
