"""A stream of events as it came over the network: what, and when."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import httpx
from msgspec import DecodeError, Struct
from msgspec.json import decode

from infra.smoke.outcome import Broken

DELTA = "response.output_text.delta"
COMPLETED = "response.completed"
DONE = b"data: [DONE]"

SAME_SECONDS = 0.002  # what comes within it was sent together

_EVENT = re.compile(rb"event: (\S+)\ndata: (.*)", re.DOTALL)


class Response(Struct, frozen=True):
    """What is looked at of a response."""

    id: str
    status: str
    output_text: str = ""


class Event(Struct, frozen=True):
    """What is looked at of an event."""

    type: str
    sequence_number: int
    response: Response | None = None


@dataclass(frozen=True)
class Frame:
    """The bytes between two blank lines, and when the last of them came."""

    raw: bytes
    at: float  # seconds since the request was sent

    @property
    def is_comment(self) -> bool:
        """Whether it only says that the connection is alive."""
        return self.raw.startswith(b":")

    @property
    def is_event(self) -> bool:
        """Whether it is numbered."""
        return not self.is_comment and self.raw != DONE

    @property
    def is_text(self) -> bool:
        """Whether it is a piece of the answer's text."""
        return self.is_event and self.event.type == DELTA

    @cached_property
    def event(self) -> Event:
        """What it says.

        Raises:
            Broken: if it is no event of this API.
        """
        found = _EVENT.fullmatch(self.raw)
        try:
            if found is None:
                raise DecodeError("no event")
            return decode(found[2], type=Event)
        except DecodeError as error:
            raise Broken(f"a frame is no event: {self.raw[:60]!r}") from error


@dataclass
class Heard:
    """A stream, read to its end or left before."""

    headers: httpx.Headers
    opened_at: float
    reads: list[tuple[float, int]] = field(default_factory=list)  # when, and how many bytes
    frames: list[Frame] = field(default_factory=list)
    cut_reads: int = 0  # those that ended inside of an event
    _rest: bytes = b""

    def take(self, at: float, data: bytes) -> list[Frame]:
        """Note what came; the frames that are whole by it."""
        self.reads.append((at, len(data)))
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        self.cut_reads += bool(self._rest)
        found = [Frame(raw, at) for raw in whole]
        self.frames += found
        return found

    @property
    def events(self) -> list[Frame]:
        """The frames that are numbered."""
        return [frame for frame in self.frames if frame.is_event]

    @property
    def comments(self) -> list[Frame]:
        """The heartbeats."""
        return [frame for frame in self.frames if frame.is_comment]

    @property
    def deltas(self) -> list[Frame]:
        """The frames with pieces of text."""
        return [frame for frame in self.frames if frame.is_text]

    @property
    def id(self) -> str:
        """Of the response."""
        told = self.events[0].event.response if self.events else None
        if told is None:
            raise Broken("the stream does not begin with its response")
        return told.id

    @property
    def longest_gap_seconds(self) -> float:
        """The longest time without a byte."""
        times = [self.opened_at, *(at for at, _ in self.reads)]
        return max((after - before for before, after in pairwise(times)), default=0.0)

    @property
    def arrivals(self) -> list[float]:
        """When pieces of text came; those that came together count once."""
        times = [frame.at for frame in self.deltas]
        later = [after for before, after in pairwise(times) if after - before > SAME_SECONDS]
        return times[:1] + later

    def completed(self) -> Response:
        """The response at the end of a stream that ended well.

        Raises:
            Broken: if it did not.
        """
        if not self.frames or self.frames[-1].raw != DONE:
            raise Broken(f"the stream broke off after {len(self.events)} events")
        last = self.events[-1].event
        if last.type != COMPLETED or last.response is None:
            raise Broken(f"the stream ended with {last.type}")
        return last.response
