"""Pieces of requests, right and wrong, for the tests of what is refused."""

from typing import Any

import httpx

from tests.upstreams.chat_completions import ChatUpstream

type JSON = Any
type Change = dict[str, JSON]

HELLO: JSON = {"role": "user", "content": "Hello"}


OBJECT: JSON = {"type": "object", "properties": {}, "additionalProperties": False}


def function(name: str = "f", **more: JSON) -> JSON:
    return {"type": "function", "function": {"name": name, **more}}


def strict(schema: JSON) -> JSON:
    return {"tools": [function(strict=True, parameters=schema)]}


def formatted(**schema: JSON) -> JSON:
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def made(call_id: str = "c", arguments: JSON = "{}") -> JSON:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": "f", "arguments": arguments},
    }


def calling(*calls: JSON) -> JSON:
    return {"role": "assistant", "tool_calls": list(calls)}


def answer(call_id: str = "c") -> JSON:
    return {"role": "tool", "tool_call_id": call_id, "content": "done"}


def said(*messages: JSON) -> Change:
    return {"messages": list(messages)}


def part(role: str = "user", **part: JSON) -> Change:
    return said({"role": role, "content": [part]})


def image(url: JSON) -> Change:
    return part(type="image_url", image_url=url)


def pdf(**file: JSON) -> Change:
    return part(type="file", file=file)


def ask(http: httpx.Client, upstream: ChatUpstream, change: Change) -> httpx.Response:
    body: JSON = {"model": "gpt-4.1", "messages": [HELLO]} | change
    kept = {name: value for name, value in body.items() if value is not ...}
    return http.post(f"{upstream.base_url}/chat/completions", json=kept)
