"""A reply as the API's objects: a list of `chat.completion.chunk`, or one `chat.completion`.

Follows "The chat completion object" and "The chat completion chunk object" of the API reference.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from typing import Any, Literal
from uuid import uuid4

from tests.upstreams.chat_replies import (
    Calls,
    Declined,
    Reply,
    Said,
    Text,
    Thinking,
    ToolCall,
    Usage,
)

type JSON = Any

FINGERPRINT = "fp_5cr1pt3d00"
LIKELIHOODS = (-0.03125, -2.5, -4.0, -6.25)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request shapes the form of its reply."""

    model: str
    stream: bool = False
    include_usage: bool = False
    choices: int = 1
    top_logprobs: int | None = None
    padded: bool = False
    prompt_tokens: int = 1
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid4().hex[:29]}")
    created: int = field(default_factory=lambda: int(time.time()))

    def envelope(self, kind: str) -> JSON:
        """What every object of this reply has."""
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk, and what it is for."""

    role: Literal["opening", "piece", "finish", "usage"]
    json: JSON


def with_ids(reply: Reply) -> Reply:
    """The same reply with an id for each call that has none yet."""
    return replace(reply, said=tuple(_identified(said) for said in reply.said))


def _identified(said: Said) -> Said:
    if not isinstance(said, Calls):
        return said
    fresh = (f"call_{uuid4().hex[:24]}" for _ in said.calls)
    named = (
        replace(call, id=new if call.id is None else call.id) for call, new in _pairs(said, fresh)
    )
    return replace(said, calls=tuple(named))


def _pairs(said: Calls, ids: Iterator[str]) -> Iterator[tuple[ToolCall, str]]:
    return zip(said.calls, ids, strict=False)


def finish_reason(reply: Reply) -> str | None:
    """The one that was scripted, or the one that fits."""
    if reply.finish != "auto":
        return reply.finish
    return "tool_calls" if any(isinstance(said, Calls) for said in reply.said) else "stop"


def usage(reply: Reply, asked: Asked) -> Usage:
    """The one that was scripted, or a token for each piece."""
    if reply.usage is not None:
        return reply.usage
    told = [(said, len(list(_deltas(said)))) for said in reply.said]
    thought = sum(count for said, count in told if isinstance(said, Thinking))
    total = sum(count for _, count in told) * asked.choices
    return Usage(asked.prompt_tokens, total, reasoning=thought * asked.choices)


def chunks(reply: Reply, asked: Asked) -> Iterator[Chunk]:
    """The stream, without `[DONE]`."""
    every = reply.usage_place == "every"
    total = usage(reply, asked).json()
    running: JSON = {"usage": total} if every else {"usage": None} if asked.include_usage else {}
    if reply.role != "missing":
        yield from _for_choices("opening", {**_opening(reply)}, asked, running)
    for said in reply.said:
        for delta in _deltas(said):
            role = {"role": "assistant"} if reply.role == "every" else {}
            logprobs = _logprobs([delta], asked)
            yield from _for_choices("piece", role | delta, asked, running, logprobs)
    if (reason := finish_reason(reply)) is not None:
        last = {"usage": total} if reply.usage_place == "finish" else running
        yield from _for_choices("finish", {}, asked, last | {"finish_reason": reason})
    if reply.usage_place == "end" and asked.include_usage:
        yield Chunk("usage", _chunk(asked, []) | {"usage": total})


def _opening(reply: Reply) -> JSON:
    calls_first = bool(reply.said) and isinstance(reply.said[0], Calls)
    return {"role": "assistant", "content": None if calls_first else "", "refusal": None}


def _for_choices(
    role: Literal["opening", "piece", "finish"],
    delta: JSON,
    asked: Asked,
    more: JSON,
    logprobs: JSON = None,
) -> Iterator[Chunk]:
    finish = {"finish_reason": more.get("finish_reason"), "logprobs": logprobs}
    rest = {name: value for name, value in more.items() if name != "finish_reason"}
    for index in range(asked.choices):
        choice = {"index": index, "delta": delta, **finish}
        yield Chunk(role, _chunk(asked, [choice]) | rest)


def _chunk(asked: Asked, choices: list[JSON]) -> JSON:
    chunk = asked.envelope("chat.completion.chunk") | {"choices": choices}
    return chunk | {"obfuscation": "x" * (len(str(choices)) % 16)} if asked.padded else chunk


def _deltas(said: Said) -> Iterator[JSON]:
    match said:
        case Text(pieces):
            yield from ({"content": piece} for piece in pieces)
        case Thinking(pieces, name):
            yield from ({name: piece} for piece in pieces)
        case Declined(pieces):
            yield from ({"refusal": piece} for piece in pieces)
        case Calls():
            yield from _call_deltas(said)


def _call_deltas(said: Calls) -> Iterator[JSON]:
    streams = [list(_fragments(call, index, said)) for index, call in enumerate(said.calls)]
    if said.whole == "all":
        yield {"tool_calls": list(chain(*streams))}
    elif said.interleaved:
        turns = chain(*zip_longest(*streams))
        yield from ({"tool_calls": [part]} for part in turns if part is not None)
    else:
        yield from ({"tool_calls": [part]} for part in chain(*streams))


def _fragments(call: ToolCall, index: int, said: Calls) -> Iterator[JSON]:
    where = {"index": index} if said.indexed else {}
    if said.whole is not None:
        yield where | _whole(call)
        return
    first = _whole(replace(call, fragments=()))
    yield where | first
    again = {"id": call.id} if "id" in said.repeated else {}
    name = {"name": call.name} if "name" in said.repeated else {}
    for fragment in call.fragments:
        yield where | again | {call.kind: name | {_input_field(call): fragment}}


def _whole(call: ToolCall) -> JSON:
    told = {"name": call.name, _input_field(call): "".join(call.fragments)}
    return {"id": call.id, "type": call.kind, call.kind: told}


def _input_field(call: ToolCall) -> str:
    return "arguments" if call.kind == "function" else "input"


def _logprobs(deltas: list[JSON], asked: Asked) -> JSON:
    """Log probabilities that are made up, but of the right shape; a piece counts as a token."""
    if asked.top_logprobs is None:
        return None
    told = {
        name: [_token(delta[name], asked.top_logprobs) for delta in deltas if name in delta] or None
        for name in ("content", "refusal")
    }
    return told if any(told.values()) else None


def _token(token: str, top: int) -> JSON:
    rivals = [token, token.lower(), token.upper(), "…"][:top]
    return {
        **_likelihood(token, LIKELIHOODS[0]),
        "top_logprobs": [
            _likelihood(each, how) for each, how in zip(rivals, LIKELIHOODS, strict=False)
        ],
    }


def _likelihood(token: str, logprob: float) -> JSON:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def completion(reply: Reply, asked: Asked) -> JSON:
    """The whole reply as one object."""
    every = [delta for said in reply.said for delta in _deltas(said)]
    choices = [
        {
            "index": index,
            "message": _message(reply, every),
            "logprobs": _logprobs(every, asked),
            "finish_reason": finish_reason(reply),
        }
        for index in range(asked.choices)
    ]
    told = asked.envelope("chat.completion") | {"choices": choices}
    if reply.usage_place != "missing":
        told["usage"] = usage(reply, asked).json()
    return told


def _message(reply: Reply, deltas: list[JSON]) -> JSON:
    message: JSON = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
    for name in ("content", "refusal", "reasoning_content", "reasoning"):
        pieces = [delta[name] for delta in deltas if name in delta]
        if pieces:
            message[name] = "".join(pieces)
    called = [call for said in reply.said if isinstance(said, Calls) for call in said.calls]
    if called:
        message["tool_calls"] = [_whole(call) for call in called]
    return message
