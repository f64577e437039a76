"""What a test may tell the scripted Bedrock to reply, and with which troubles.

A reply is a value: built by a function, joined with `+`, refined by its methods. The same one
answers Converse with a JSON body and ConverseStream with events.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from tests.upstreams import bedrock_frames as frames

type JSON = Any

SIGNING_KEY = b"the scripted vendor's own key"
PADDING = "abcdefghijklmnop"


@dataclass(frozen=True, slots=True)
class Text:
    """Text, in the pieces in which it streams."""

    pieces: tuple[str, ...]

    def whole(self) -> JSON:
        return {"text": "".join(self.pieces)}

    def events(self) -> Iterator[tuple[str, JSON]]:
        for piece in self.pieces:
            yield "contentBlockDelta", {"delta": {"text": piece}}


@dataclass(frozen=True, slots=True)
class Thinking:
    """Thinking that the vendor signs, or does not."""

    pieces: tuple[str, ...]
    is_signed: bool = True

    def whole(self) -> JSON:
        said = "".join(self.pieces)
        signature = {"signature": signature_of(said)} if self.is_signed else {}
        return {"reasoningContent": {"reasoningText": {"text": said, **signature}}}

    def events(self) -> Iterator[tuple[str, JSON]]:
        for piece in self.pieces:
            yield "contentBlockDelta", {"delta": {"reasoningContent": {"text": piece}}}
        if self.is_signed:
            signature = signature_of("".join(self.pieces))
            for part in (signature[:20], signature[20:]):
                yield "contentBlockDelta", {"delta": {"reasoningContent": {"signature": part}}}


@dataclass(frozen=True, slots=True)
class Redacted:
    """Thinking that only the vendor can read."""

    secret: str

    def whole(self) -> JSON:
        return {"reasoningContent": {"redactedContent": redacted(self.secret)}}

    def events(self) -> Iterator[tuple[str, JSON]]:
        yield "contentBlockDelta", {"delta": self.whole()}


@dataclass(frozen=True, slots=True)
class Call:
    """One call, its input in the fragments in which it streams."""

    name: str
    fragments: tuple[str, ...]
    id: str

    def whole(self) -> JSON:
        try:
            given = json.loads("".join(self.fragments) or "{}")
        except ValueError:  # cut off
            given = {}
        return {"toolUse": {"toolUseId": self.id, "name": self.name, "input": given}}

    def events(self) -> Iterator[tuple[str, JSON]]:
        start = {"toolUse": {"toolUseId": self.id, "name": self.name}}
        yield "contentBlockStart", {"start": start}
        for fragment in self.fragments:
            yield "contentBlockDelta", {"delta": {"toolUse": {"input": fragment}}}


type Said = Text | Thinking | Redacted | Call


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of the model. `usage` None: counted."""

    said: tuple[Said, ...] = ()
    stop: str | None = None
    usage: JSON = None
    tier: str | None = None
    has_metadata: bool = True
    raises: tuple[int, str, str] | None = None  # after so many events: which exception, its text
    cut_after: int | None = None  # events; half of the next one still comes
    corrupt: int | None = None  # this event arrives with a bit turned
    bytes_per_write: int | None = None
    pace_seconds: float = 0.0  # between events
    delay_seconds: float = 0.0  # before the headers
    stall: tuple[int, float] | None = None  # before this event, so many seconds

    def __add__(self, other: Self) -> Self:
        return replace(self, said=self.said + other.said)

    def stopping(self, reason: str) -> Self:
        return replace(self, stop=reason)

    def costing(self, **usage: int) -> Self:
        return replace(self, usage=usage)

    def on_tier(self, tier: str) -> Self:
        return replace(self, tier=tier)

    def without_metadata(self) -> Self:
        return replace(self, has_metadata=False)

    def raising(self, after: int, kind: str, text: str = "Something went wrong.") -> Self:
        return replace(self, raises=(after, kind, text))

    def cut(self, after: int) -> Self:
        return replace(self, cut_after=after)

    def corrupted(self, event: int) -> Self:
        return replace(self, corrupt=event)

    def in_writes_of(self, size: int) -> Self:
        return replace(self, bytes_per_write=size)

    def paced(self, seconds: float) -> Self:
        return replace(self, pace_seconds=seconds)

    def stalling(self, event: int, seconds: float) -> Self:
        return replace(self, stall=(event, seconds))

    def pause_before(self, event: int) -> float:
        """The silence before an event."""
        number, seconds = self.stall or (-1, 0.0)
        return seconds if number == event else self.pace_seconds

    @property
    def stop_reason(self) -> str:
        calls = any(isinstance(said, Call) for said in self.said)
        return self.stop or ("tool_use" if calls else "end_turn")

    def body(self, usage: JSON) -> JSON:
        """The reply to Converse."""
        content = [said.whole() for said in self.said]
        tier = {"serviceTier": {"type": self.tier}} if self.tier else {}
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": self.stop_reason,
            "usage": usage,
            "metrics": {"latencyMs": 12},
            **tier,
        }

    def messages(self, usage: JSON) -> Iterator[bytes]:
        """The reply to ConverseStream."""
        for number, told in enumerate(self._told(usage)):
            if self.raises is not None and number == self.raises[0]:
                yield frames.exception(*self.raises[1:])
                return
            if self.cut_after == number:
                yield told[: len(told) // 2]
                return
            yield told if number != self.corrupt else told[:-6] + bytes([told[-6] ^ 1]) + told[-5:]

    def _told(self, usage: JSON) -> Iterator[bytes]:
        yield _padded("messageStart", {"role": "assistant"})
        for index, said in enumerate(self.said):
            for kind, told in said.events():
                yield _padded(kind, {"contentBlockIndex": index, **told})
            yield _padded("contentBlockStop", {"contentBlockIndex": index})
        yield _padded("messageStop", {"stopReason": self.stop_reason})
        if self.has_metadata:
            tier = {"serviceTier": {"type": self.tier}} if self.tier else {}
            yield _padded("metadata", {"usage": usage, "metrics": {"latencyMs": 12}, **tier})


@dataclass(frozen=True, slots=True)
class Failure:
    """An HTTP error. AWS names it in a header, in the body, or both."""

    status: int
    kind: str
    message: str
    in_header: bool = True
    headers: tuple[tuple[str, str], ...] = ()
    delay_seconds: float = 0.0  # before the headers

    def body(self) -> JSON:
        named = {} if self.in_header else {"__type": f"com.amazon.coral.service#{self.kind}"}
        return {"message": self.message, **named}


type Scripted = Reply | Failure


def text(*pieces: str) -> Reply:
    return Reply((Text(pieces),))


def thinking(*pieces: str, is_signed: bool = True) -> Reply:
    return Reply((Thinking(pieces, is_signed),))


def hidden(secret: str) -> Reply:
    return Reply((Redacted(secret),))


def calls(*made: Call) -> Reply:
    return Reply(made)


def call(name: str, *fragments: str, id: str) -> Call:
    return Call(name, fragments, id)


def failure(
    status: int,
    kind: str,
    message: str = "No.",
    *,
    in_header: bool = True,
    headers: Mapping[str, str] | None = None,
) -> Failure:
    return Failure(status, kind, message, in_header, tuple((headers or {}).items()))


def signature_of(said: str) -> str:
    """What the vendor signs thinking with."""
    return base64.b64encode(hmac.digest(SIGNING_KEY, said.encode(), hashlib.sha512)).decode()


def redacted(secret: str) -> str:
    """Thinking as the vendor hides it."""
    data = secret.encode()
    return base64.b64encode(hmac.digest(SIGNING_KEY, data, hashlib.sha256) + data).decode()


def is_redacted(data: bytes) -> bool:
    """Whether this is something that the vendor hid."""
    return hmac.digest(SIGNING_KEY, data[32:], hashlib.sha256) == data[:32]


def _padded(kind: str, told: JSON) -> bytes:
    return frames.event(kind, {**told, "p": PADDING[: len(str(told)) % len(PADDING)]})
