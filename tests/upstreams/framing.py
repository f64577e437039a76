"""How a stream of JSON becomes server-sent events, and these become writes to the network."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

type JSON = Any


@dataclass(frozen=True, slots=True)
class Framing:
    """The liberties that a server may take with the event stream format; by default OpenAI's."""

    line_end: Literal["\n", "\r\n", "\r"] = "\n"
    space: bool = True
    """A space after `data:`."""
    comments: bool = False
    """A comment before each frame."""
    pretty: bool = False
    """JSON over several `data:` lines."""
    ascii_only: bool = False
    """Escape what is not ASCII."""
    joined: int = 1
    """How many frames leave in one write."""
    bytes_per_write: int | None = None
    """Cut every write into pieces of so many bytes."""
    split_characters: bool = False
    """Cut within every character of more than one byte."""
    named: bool = False
    """An `event:` line with the type of the event."""
    chunked: bool = True
    """HTTP's chunked encoding; else the body ends where the connection ends."""

    def encoded(self, told: JSON | str) -> str:
        """JSON as text; a string is text already."""
        if isinstance(told, str):
            return told
        if self.pretty:
            return json.dumps(told, ensure_ascii=self.ascii_only, indent=1)
        return json.dumps(told, ensure_ascii=self.ascii_only, separators=(",", ":"))

    def frame(self, told: JSON | str) -> bytes:
        """One event."""
        lines = [": keep-alive", ""] if self.comments else []
        if self.named and isinstance(told, dict):
            lines.append(f"event: {told['type']}")
        prefix = "data: " if self.space else "data:"
        lines += [prefix + line for line in self.encoded(told).split("\n")]
        return "".join(line + self.line_end for line in [*lines, ""]).encode()

    def writes(self, data: bytes) -> Iterator[bytes]:
        """The pieces in which these bytes leave."""
        if self.bytes_per_write is None and not self.split_characters:
            yield from [data] if data else []
            return
        start = 0
        for end in range(1, len(data) + 1):
            if end == len(data) or self._cuts(data, start, end):
                yield data[start:end]
                start = end

    def _cuts(self, data: bytes, start: int, end: int) -> bool:
        inside_character = self.split_characters and data[end] & 0b1100_0000 == 0b1000_0000
        return inside_character or end - start == self.bytes_per_write


AS_OPENAI = Framing()
AS_RESPONSES = Framing(named=True)
