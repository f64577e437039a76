"""A reply as steps on the wire, its troubles in their places; nothing here does I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.upstreams.anthropic_events import Asked, events, message
from tests.upstreams.chat_replies import Reply
from tests.upstreams.chat_steps import (
    EVENT_STREAM,
    Body,
    Frame,
    Head,
    Over,
    Pause,
    Step,
    troubles_at,
)
from tests.upstreams.chat_troubles import Cut, ErrorFrame, Reset, When
from tests.upstreams.framing import Framing

type JSON = Any

OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


@dataclass(frozen=True, slots=True)
class Named(Framing):
    """Events with their names, as this vendor sends them."""

    def frame(self, told: JSON | str) -> bytes:
        plain = Framing.frame(self, told)
        name = told["type"] if isinstance(told, dict) else "content_block_delta"
        return f"event: {name}{self.line_end}".encode() + plain


def failing(kind: str, when: When = "start", text: str = "") -> ErrorFrame:
    """An `error` event of this kind in the middle of a stream."""
    return ErrorFrame(when, {"type": "error", "error": {"type": kind, "message": text or kind}})


def steps(reply: Reply, asked: Asked) -> Iterator[Step]:
    """All that happens on the wire, in order, up to the first end."""
    told = _streamed(reply, asked) if asked.stream and reply.streams else _whole(reply, asked)
    for step in told:
        yield step
        if isinstance(step, Reset | Cut | Over):
            return


def _whole(reply: Reply, asked: Asked) -> Iterator[Step]:
    yield from troubles_at(reply.troubles, "start")
    data = reply.framing.encoded(message(reply, asked)).encode()
    yield Head(200, {"content-type": "application/json", **_headers(reply)}, len(data))
    midway = [trouble for trouble in reply.troubles if trouble.when != "start"]
    half = len(data) // 2 if midway else len(data)
    yield Body(data[:half])
    for trouble in midway:
        yield from troubles_at(reply.troubles, trouble.when)
    yield Body(data[half:])
    yield Over()


def _streamed(reply: Reply, asked: Asked) -> Iterator[Step]:
    yield from troubles_at(reply.troubles, "start")
    yield Head(200, {"content-type": EVENT_STREAM, **_headers(reply)})
    yield from troubles_at(reply.troubles, 0)
    sent = 0
    for role, event in events(reply, asked):
        if role == "piece" and sent and reply.pace_seconds:
            yield Pause(reply.pace_seconds)
        yield Frame(event)
        if role == "piece":
            sent += 1
            yield from troubles_at(reply.troubles, sent)
        elif event["type"] == "message_delta":
            yield from troubles_at(reply.troubles, "finish")
    yield Over()


def _headers(reply: Reply) -> dict[str, str]:
    return {"request-id": "req_011CScripted", **dict(reply.headers)}
