"""HTTP/1.1 on asyncio streams, as little as the gateway and the Runtime API need.

Names of headers keep the letters that the peer wrote: API Gateway hands them on like that.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

type Headers = list[tuple[str, str]]

LONGEST_HEAD_BYTES = 64 * 1024
PIECE_BYTES = 64 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NO_MORE_CHUNKS = b"0\r\n\r\n"


class BadHttp(Exception):
    """What came is not HTTP that this reads."""


class TooLong(Exception):
    """A body is longer than its reader takes."""


@dataclass(slots=True)
class Message:
    """The headers of a request or a reply, and what they say of its body."""

    headers: Headers

    def values(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key.lower() == name]

    def value(self, name: str, default: str = "") -> str:
        """The last value of a header."""
        return (self.values(name) or [default])[-1]

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in self.value("transfer-encoding").lower()

    @property
    def keeps_alive(self) -> bool:
        """Whether the peer means to use the connection again."""
        return "close" not in self.value("connection").lower()


@dataclass(slots=True)
class Head(Message):
    """The head of a request."""

    method: str
    target: str

    @property
    def awaits_leave(self) -> bool:
        """Whether the peer sends no body before it was told to go on."""
        return self.value("expect").lower() == "100-continue"


@dataclass(slots=True)
class ReplyHead(Message):
    """The head of a reply."""

    status: int


@dataclass(slots=True)
class Body:
    """A body, read piece by piece; `trailers` are there when it has ended.

    Iterating raises IncompleteReadError if the peer goes before the end, BadHttp if it is no body.
    """

    reader: asyncio.StreamReader
    head: Message
    trailers: dict[str, str] = field(default_factory=dict)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces as they come."""
        if not self.head.is_chunked:
            async for piece in self._exactly(_integer(self.head.value("content-length", "0"), 10)):
                yield piece
            return
        while size := _integer((await self._line()).partition(";")[0], 16):
            async for piece in self._exactly(size):
                yield piece
            if await self._line():
                raise BadHttp("a chunk is longer than it says")
        while line := await self._line():
            name, _, value = line.partition(":")
            self.trailers[name.strip().lower()] = value.strip()

    async def read(self, *, at_most_bytes: int) -> bytes:
        """All of it.

        Raises:
            TooLong: if there is more; then the rest has not been read.
        """
        if _integer(self.head.value("content-length", "0"), 10) > at_most_bytes:
            raise TooLong
        whole = bytearray()
        async for piece in self:
            whole += piece
            if len(whole) > at_most_bytes:
                raise TooLong
        return bytes(whole)

    async def _exactly(self, size: int) -> AsyncIterator[bytes]:
        while size:
            piece = await self.reader.read(min(size, PIECE_BYTES))
            if not piece:
                raise asyncio.IncompleteReadError(b"", size)
            size -= len(piece)
            yield piece

    async def _line(self) -> str:
        try:
            line = await self.reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as error:
            raise BadHttp("a line without an end") from error
        return line[:-2].decode("latin-1")


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next request's head; None if the peer has no more.

    Raises:
        BadHttp: if it is none.
    """
    try:
        first, headers = await _read_headers(reader)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadHttp(f"not a request: {first[:80]!r}")
    return Head(headers, parts[0], parts[1])


async def read_reply_head(reader: asyncio.StreamReader) -> ReplyHead:
    """The head of a reply.

    Raises:
        BadHttp: if it is none.
        IncompleteReadError: if the peer closes before.
    """
    first, headers = await _read_headers(reader)
    return ReplyHead(headers, _integer(first.split(" ")[1], 10))


async def _read_headers(reader: asyncio.StreamReader) -> tuple[str, Headers]:
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError as error:
        raise BadHttp("the head is too long") from error
    first, *lines = text.strip("\r\n").split("\r\n")
    headers: Headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadHttp(f"not a header: {line[:80]!r}")
        headers.append((name, value.strip()))
    return first, headers


def head_bytes(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """The head of an answer."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus else ""
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        *(f"{name}: {value}" for name, value in headers),
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1", errors="replace")


def answer_bytes(status: int, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """A whole answer."""
    return head_bytes(status, [*headers, ("Content-Length", str(len(body)))]) + body


def chunk_bytes(piece: bytes) -> bytes:
    """A chunk; an empty one would end the body."""
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


async def close(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whether or not the peer is still there."""
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        return


def _integer(text: str, base: int) -> int:
    try:
        number = int(text.strip(), base)
    except ValueError as error:
        raise BadHttp(f"not a length: {text[:20]!r}") from error
    if number < 0:
        raise BadHttp("a length below zero")
    return number
