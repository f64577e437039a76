"""HTTP/1.1 on an asyncio transport, with every byte, reset and disconnect in the server's hand.

`asyncio.start_server` would hide that a peer has gone until a write fails; this tells at once.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

type JSON = Any
type Serve = Callable[[Connection], Coroutine[Any, Any, None]]

LONGEST_HEAD_BYTES = 64 * 1024
LONGEST_BODY_BYTES = 64 * 1024 * 1024


class Disconnected(Exception):
    """The peer closed the connection before the reply had ended."""


class BadHttp(Exception):
    """What came is not a request that this server reads."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request; the names of its headers are in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> JSON:
        """The body; raises ValueError if it is no JSON, or has half a character in it."""
        told = json.loads(self.raw.decode(), parse_constant=_refuse_constant)
        if rb"\ud" in self.raw.lower():
            json.dumps(told, ensure_ascii=False).encode()
        return told

    @property
    def keeps_alive(self) -> bool:
        """Whether the peer means to send more requests."""
        return "close" not in self.headers.get("connection", "").lower()


def _refuse_constant(name: str) -> JSON:
    raise ValueError(f"{name} is not JSON")


class Connection(asyncio.Protocol):
    """One client's connection, served by one task."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._reader = asyncio.StreamReader(limit=LONGEST_HEAD_BYTES)
        self._gone = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # TCP servers make no other
        self._reader.set_transport(transport)
        self._task = asyncio.get_running_loop().create_task(self._serve(self))

    def data_received(self, data: bytes) -> None:
        self._reader.feed_data(data)

    def eof_received(self) -> None:
        self._lose()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _lose(self) -> None:
        self._gone.set()
        self._writable.set()
        self._reader.feed_eof()

    async def read_request(self) -> HttpRequest | None:
        """The next request, or None when the peer has no more."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            method, path, headers = _parsed(head)
            if headers.get("expect", "").lower() == "100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return HttpRequest(method, path, headers, await self._read_body(headers))
        except asyncio.IncompleteReadError:
            return None
        except (asyncio.LimitOverrunError, ValueError) as error:
            raise BadHttp(str(error)) from error

    async def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if "chunked" not in headers.get("transfer-encoding", ""):
            length = int(headers.get("content-length", 0))
            if length > LONGEST_BODY_BYTES:
                raise BadHttp("body too long")
            return await self._reader.readexactly(length)
        body = b""
        while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
            if len(body) > LONGEST_BODY_BYTES:
                raise BadHttp("body too long")
        while await self._reader.readuntil(b"\r\n") != b"\r\n":
            continue
        return body

    async def write(self, data: bytes) -> None:
        """Send these bytes at once, in one segment if they fit.

        Raises:
            Disconnected: if the peer has gone.
        """
        if self._gone.is_set():
            raise Disconnected
        self._transport.write(data)
        await asyncio.sleep(0)
        await self._writable.wait()

    async def pause(self, seconds: float) -> None:
        """Wait, but not for a peer that has gone.

        Raises:
            Disconnected: if the peer went meanwhile.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), seconds)
        if self._gone.is_set():
            raise Disconnected

    def write_last(self, data: bytes) -> None:
        """Send the end of a reply; whether the peer is still there does not matter any more."""
        self._transport.write(data)

    def close(self) -> None:
        """Close in order: what was written still arrives."""
        self._transport.close()

    def reset(self) -> None:
        """Close by RST, as a crashed server does."""
        sock: socket.socket = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """A reply's status line and headers."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {headers[name]}" for name in headers)]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def _parsed(head_bytes: bytes) -> tuple[str, str, dict[str, str]]:
    request_line, *lines = head_bytes.decode("latin-1").strip().split("\r\n")
    method, path, version = request_line.split(" ")
    if not version.startswith("HTTP/1."):
        raise BadHttp(f"{version} is not spoken here")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise BadHttp(f"not a header: {line!r}")
        held = headers.get(name.lower())
        headers[name.lower()] = value.strip() if held is None else f"{held}, {value.strip()}"
    return method, path, headers
