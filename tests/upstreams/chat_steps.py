"""A reply as steps on the wire, its troubles in their places; nothing here does I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.upstreams.chat_chunks import Asked, Chunk, chunks, completion
from tests.upstreams.chat_replies import HttpReply, Reply, Scripted
from tests.upstreams.chat_troubles import (
    Cut,
    End,
    ErrorFrame,
    Reset,
    Rubbish,
    Stall,
    Trouble,
    When,
)

type JSON = Any
type Step = Head | Frame | Body | Pause | Reset | Cut | Over

EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Head:
    """The status line and the headers; without a length the body is a stream."""

    status: int
    headers: Mapping[str, str]
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event."""

    told: JSON | str


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes of a body that is no stream."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Over:
    """The HTTP body's orderly end."""


def steps(reply: Scripted, asked: Asked) -> Iterator[Step]:
    """All that happens on the wire, in order, up to the first end."""
    for step in _all_steps(reply, asked):
        yield step
        if isinstance(step, Reset | Cut | Over):
            return


def _all_steps(reply: Scripted, asked: Asked) -> Iterator[Step]:
    yield from troubles_at(reply.troubles, "start")
    match reply:
        case HttpReply():
            yield from _json_steps(reply, asked, reply.status, reply.body)
        case Reply() if asked.stream and reply.streams:
            yield from _stream_steps(reply, asked)
        case Reply():
            yield Pause(reply.pace_seconds * len(_pieces(reply, asked)))
            yield from _json_steps(reply, asked, 200, _json_body(reply, asked))


def _pieces(reply: Reply, asked: Asked) -> list[Chunk]:
    return [chunk for chunk in chunks(reply, asked) if chunk.role == "piece"]


def _json_body(reply: Reply, asked: Asked) -> bytes:
    told = completion(reply, asked)
    for trouble in reply.troubles:
        match trouble:
            case Rubbish(_, data):
                told = data
            case ErrorFrame(_, error):
                told = error
    return reply.framing.encoded(told).encode()


def _json_steps(reply: Scripted, asked: Asked, status: int, body: bytes) -> Iterator[Step]:
    """The body in one go; or its first half, the troubles, and the rest."""
    midway = [each for each in reply.troubles if each.when != "start" and not _is_told(each)]
    half = len(body) // 2 if midway else len(body)
    ends_early = any(isinstance(trouble, End) for trouble in midway)
    yield Head(
        status, _headers(reply, "application/json", asked), half if ends_early else len(body)
    )
    yield Body(body[:half])
    for trouble in midway:
        yield from _trouble(trouble)
    yield Body(body[half:])
    yield Over()


def _is_told(trouble: Trouble) -> bool:
    return isinstance(trouble, Rubbish | ErrorFrame)


def _stream_steps(reply: Reply, asked: Asked) -> Iterator[Step]:
    told = list(chunks(reply, asked))
    reply = _clamped(reply, sum(chunk.role == "piece" for chunk in told))
    yield Head(200, _headers(reply, EVENT_STREAM, asked))
    yield from troubles_at(reply.troubles, 0)
    sent = 0
    for chunk in told:
        is_piece = chunk.role == "piece"
        if is_piece and sent and reply.pace_seconds:
            yield Pause(reply.pace_seconds)
        yield Frame(chunk.json)
        sent += is_piece
        yield from troubles_at(reply.troubles, sent) if is_piece else []
        yield from troubles_at(reply.troubles, "finish") if chunk.role == "finish" else []
    if reply.done:
        yield Frame("[DONE]")
    yield Over()


def _clamped(reply: Reply, last: int) -> Reply:
    """A trouble after more pieces than there are comes after the last of them."""
    held = (
        replace(trouble, when=min(trouble.when, last)) if isinstance(trouble.when, int) else trouble
        for trouble in reply.troubles
    )
    return replace(reply, troubles=tuple(held))


def troubles_at(troubles: Iterable[Trouble], when: When) -> Iterator[Step]:
    """What goes wrong at one place of a reply."""
    for trouble in troubles:
        if trouble.when == when:
            yield from _trouble(trouble)


def _trouble(trouble: Trouble) -> Iterator[Step]:
    match trouble:
        case Stall(_, seconds):
            yield Pause(seconds)
        case Reset() | Cut():
            yield trouble
        case End():
            yield Over()
        case Rubbish(_, data):
            yield Frame(data)
        case ErrorFrame(_, error):
            yield Frame(error)
            yield Over()


def _headers(reply: Scripted, usual: str, asked: Asked) -> Mapping[str, str]:
    content_type = reply.content_type
    if content_type is None and isinstance(reply, Reply):
        content_type = usual
    typed = {"content-type": content_type} if content_type else {}
    return typed | {"x-request-id": asked.id.replace("chatcmpl-", "req_")} | dict(reply.headers)


def outline(reply: Scripted) -> str:
    """A reply in a few words, for a log."""
    if isinstance(reply, HttpReply):
        return str(reply.status)
    return " + ".join(type(said).__name__ for said in reply.said) or "nothing"
