"""A reply as the API's objects: a list of stream events, or one message.

Replies are those of `chat_replies`: what a model says does not depend on who asks. Follows
"Streaming messages" and the types of the official SDK.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal
from uuid import uuid4

from tests.upstreams.anthropic_signing import redacted, signature
from tests.upstreams.chat_replies import Calls, Declined, Reply, Text, Thinking

type JSON = Any
type Role = Literal["opening", "piece", "block", "finish"]

STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "function_call": "pause_turn",
}
REDACTED = "(redacted)"  # thinking that is this, is told in secret


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request shapes the form of its reply."""

    model: str
    prefix: str = ""
    stream: bool = False
    shows_thinking: bool = True
    tokens: tuple[int, int, int] = (0, 0, 1)
    """Read from the cache, written to it, and neither."""
    id: str = field(default_factory=lambda: f"msg_{uuid4().hex[:24]}")


def message(reply: Reply, asked: Asked) -> JSON:
    """The whole reply."""
    content = [whole for whole, _ in _blocks(reply, asked)]
    return _envelope(asked) | {"content": content} | _stop(reply) | {"usage": usage(reply, asked)}


def events(reply: Reply, asked: Asked) -> Iterator[tuple[Role, JSON]]:
    """The same as a stream; the role says what an event is for."""
    spent = usage(reply, asked)
    opening = _envelope(asked) | {"content": [], "stop_reason": None, "stop_sequence": None}
    begun = {**spent, "output_tokens": 1}
    begun.pop("output_tokens_details")
    yield "opening", {"type": "message_start", "message": opening | {"usage": begun}}
    yield "opening", {"type": "ping"}
    for index, (whole, deltas) in enumerate(_blocks(reply, asked)):
        empty = _emptied(whole)
        yield "block", {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            role: Role = "block" if delta["type"] == "signature_delta" else "piece"
            yield role, {"type": "content_block_delta", "index": index, "delta": delta}
        yield "block", {"type": "content_block_stop", "index": index}
    told = {name: spent[name] for name in ("output_tokens", "output_tokens_details")}
    yield "finish", {"type": "message_delta", "delta": _stop(reply), "usage": told}
    yield "finish", {"type": "message_stop"}


def usage(reply: Reply, asked: Asked) -> JSON:
    """The scripted counts, or true ones."""
    if (given := reply.usage) is not None:
        read, written, neither = given.cached, 0, given.prompt - given.cached
        said, thought = given.completion, given.reasoning
    else:
        read, written, neither = asked.tokens
        counts = [(len(getattr(s, "pieces", ())), isinstance(s, Thinking)) for s in reply.said]
        said = sum(count for count, _ in counts) + 1
        thought = sum(count for count, is_thinking in counts if is_thinking)
    return {
        "input_tokens": neither,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": said,
        "output_tokens_details": {"thinking_tokens": thought},
        "service_tier": "standard",
    }


def _envelope(asked: Asked) -> JSON:
    return {"id": asked.id, "type": "message", "role": "assistant", "model": asked.model}


def _stop(reply: Reply) -> JSON:
    calls = any(isinstance(said, Calls) for said in reply.said)
    declined = [said for said in reply.said if isinstance(said, Declined)]
    finish = reply.finish or "stop"
    if finish == "auto":
        finish = "content_filter" if declined else "tool_calls" if calls else "stop"
    stop: JSON = {"stop_reason": STOPS[finish], "stop_sequence": None, "stop_details": None}
    if declined:
        explanation = "".join(declined[0].pieces) or None
        details = {"type": "refusal", "category": None, "explanation": explanation}
        stop["stop_details"] = details
    return stop


def _blocks(reply: Reply, asked: Asked) -> Iterator[tuple[JSON, list[JSON]]]:
    """Each block whole, and the deltas in which it streams."""
    for said in reply.said:
        match said:
            case Text(pieces):
                deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
                yield {"type": "text", "text": "".join(pieces)}, deltas
            case Thinking(pieces):
                yield _thinking(pieces, asked)
            case Calls():
                for call in said.calls:
                    yield _call(call.name, call.id, call.fragments)


def _thinking(pieces: tuple[str, ...], asked: Asked) -> tuple[JSON, list[JSON]]:
    text = "".join(pieces)
    if text == REDACTED:
        return {"type": "redacted_thinking", "data": redacted(text, asked.prefix)}, []
    proof = signature(text, asked.prefix)
    shown = pieces if asked.shows_thinking else ()
    deltas: list[JSON] = [{"type": "thinking_delta", "thinking": piece} for piece in shown]
    middle = len(proof) // 2
    deltas += [
        {"type": "signature_delta", "signature": proof[start:end]}
        for start, end in pairwise((0, middle, len(proof)))
    ]
    return {"type": "thinking", "thinking": "".join(shown), "signature": proof}, deltas


def _call(name: str, call_id: str | None, fragments: tuple[str, ...]) -> tuple[JSON, list[JSON]]:
    whole = {
        "type": "tool_use",
        "id": call_id or f"toolu_{uuid4().hex[:24]}",
        "name": name,
        "input": _parsed("".join(fragments)),
    }
    deltas = [{"type": "input_json_delta", "partial_json": each} for each in ("", *fragments)]
    return whole, deltas


def _parsed(arguments: str) -> JSON:
    """What was cut off is told as nothing."""
    try:
        return json.loads(arguments)
    except ValueError:
        return {}


def _emptied(block: JSON) -> JSON:
    """As a block begins: redacted thinking whole, anything else without its content."""
    match block["type"]:
        case "text":
            return block | {"text": ""}
        case "thinking":
            return block | {"thinking": "", "signature": ""}
        case "tool_use":
            return block | {"input": {}}
        case _:
            return block
