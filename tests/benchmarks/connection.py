"""The client's end of one HTTP/1.1 connection, with as little Python per byte as it can have.

Knows what the servers measured here send: a status line, headers, and a body that is chunked or
has a length. Bytes are handed on with the moment they came, in nanoseconds of the monotonic clock.
"""

import asyncio
import re
import time
from collections.abc import Callable

type Reader = Callable[[bytes, int], None]
"""Takes a piece of a body and the moment it came."""

_HEAD = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSING = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """Sends one request at a time and hands on the body of its answer as it comes."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._status = 0
        self._left = 0
        self._reader: Reader = _ignore
        self._done: asyncio.Future[int] | None = None
        self._step = self._head
        self._keeps_alive = True
        self.is_open = False

    @classmethod
    async def to(cls, port: int) -> "Connection":
        """Opens a connection to a port of this machine."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, "127.0.0.1", port)
        return connection

    async def send(self, request: bytes, reader: Reader) -> int:
        """Sends a request and returns the status of its answer once the body is read."""
        self._reader = reader
        self._done = asyncio.get_running_loop().create_future()
        assert self._transport
        self._transport.write(request)
        return await self._done

    def close(self) -> None:
        """Closes; a request under way ends with an error."""
        self.is_open = False
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._done and not self._done.done():
            self._done.set_exception(ConnectionError("the connection closed within an answer"))

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter_ns()
        self._buffer += data
        while self._buffer and self._step(now):
            pass

    def _head(self, now: int) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        status, length = _HEAD.match(head), _LENGTH.search(head)
        self._status = int(status[1]) if status else 0
        self._keeps_alive = not _CLOSING.search(head)
        self._step = self._chunk if _CHUNKED.search(head) else self._whole
        self._left = int(length[1]) if length else 0
        if self._step == self._whole and not self._left:
            self._finish()
        return True

    def _whole(self, now: int) -> bool:
        if len(self._buffer) < self._left:
            return False
        self._reader(self._take(self._left), now)
        self._finish()
        return True

    def _chunk(self, now: int) -> bool:
        line = self._buffer.find(b"\r\n")
        if line < 0:
            return False
        size = int(self._buffer[:line], 16)
        if len(self._buffer) < line + 2 + size + 2:
            return False
        del self._buffer[: line + 2]
        body = self._take(size)
        del self._buffer[:2]
        if size:
            self._reader(body, now)
        else:
            self._finish()
        return True

    def _take(self, size: int) -> bytes:
        body = bytes(self._buffer[:size])
        del self._buffer[:size]
        return body

    def _finish(self) -> None:
        self._step = self._head
        if not self._keeps_alive:
            self.close()
        if self._done and not self._done.done():
            self._done.set_result(self._status)


def _ignore(_body: bytes, _now: int) -> None:
    """Reads nothing: the reader of a connection that was asked nothing."""
