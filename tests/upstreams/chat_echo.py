"""What the model says when no test has told it: an honest echo, in words.

It also calls tools and fills schemas when the request forces it to, so that agents come to an end.
"""

import json
import re
from dataclasses import replace
from typing import Any

from tests.upstreams.chat_replies import Reply, calls, text
from tests.upstreams.chat_replies import call as a_call
from tests.upstreams.chat_replies import custom_call as a_custom_call
from tests.upstreams.chat_tools import chosen, tool_name
from tests.upstreams.json_schemas import minimal

type JSON = Any

LETTERS_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4


def echo(body: JSON) -> Reply:
    """The default reply to this request."""
    tool = _forced_tool(body)
    if tool is not None:
        reply = _call(tool)
        names_one = isinstance(body["tool_choice"], dict) and tool in _named(body)
        return replace(reply, finish="stop") if names_one else reply
    words = re.findall(r"\S+\s*|\s+", _sentence(body))
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or len(words)
    reply = text(*words[:limit])
    return reply.ending("length") if limit < len(words) else reply


def _sentence(body: JSON) -> str:
    wanted = body.get("response_format") or {}
    last = body["messages"][-1]
    if wanted.get("type") == "json_schema":
        return json.dumps(minimal(wanted["json_schema"].get("schema", {})))
    heard = words_of(last) if last["role"] == "tool" else _last_of_user(body)
    if wanted.get("type") == "json_object":
        return json.dumps({"echo": heard})
    return f"The tool said: {heard}" if last["role"] == "tool" else f"You said: {heard}"


def _last_of_user(body: JSON) -> str:
    said = [message for message in body["messages"] if message["role"] == "user"]
    return words_of(said[-1]) if said else ""


def words_of(message: JSON) -> str:
    """A message's text, whatever its form."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _named(body: JSON) -> list[JSON]:
    """The tools of the request that its tool choice names."""
    wanted = {tool_name(tool) for tool in chosen(body["tool_choice"])}
    return [tool for tool in body["tools"] if tool_name(tool) in wanted]


def _forced_tool(body: JSON) -> JSON | None:
    """The tool that must be called: the first that has not been called yet."""
    choice = body.get("tool_choice")
    match choice:
        case "required":
            candidates = body["tools"]
        case {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}:
            return None
        case {"type": _}:
            candidates = _named(body)
        case _:
            return None
    called = {
        tool_name(call) for message in body["messages"] for call in message.get("tool_calls") or []
    }
    return next((tool for tool in candidates if tool_name(tool) not in called), candidates[-1])


def _call(tool: JSON) -> Reply:
    name = tool_name(tool)
    if tool["type"] == "custom":
        return calls(a_custom_call(name, "some ", "input"))
    arguments = json.dumps(minimal(tool["function"].get("parameters") or {"type": "object"}))
    half = len(arguments) // 2
    return calls(a_call(name, arguments[:half], arguments[half:]))


def prompt_tokens(body: JSON) -> int:
    """A count that grows with the request as a true one would."""
    letters = sum(len(words_of(message)) for message in body["messages"])
    letters += len(json.dumps(body.get("tools") or ""))
    per_message = TOKENS_PER_MESSAGE * len(body["messages"])
    return per_message + -(-letters // LETTERS_PER_TOKEN)
