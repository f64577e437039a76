"""Reading what a runtime sends, byte by byte, as strictly as HTTP/1.1 and Lambda have it."""

import json
import re
import socket
import struct
import sys
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

type JSON = Any

DELIMITER = b"\0" * 8
CONNECTION_ENDS_WITHIN_SECONDS = 10.0
CHUNK_SIZE = re.compile(rb"[0-9a-f]+\r\n")


class BadRequest(Exception):
    """What came is not what Lambda accepts."""


@dataclass
class Request:
    """One request; `reads` are its bytes as they arrived, one item for each read."""

    method: str = ""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    trailers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    reads: list[bytes] = field(default_factory=list)
    writes: int = 0  # by which it was sent: reads may join several

    @property
    def raw(self) -> bytes:
        """All of it, as sent."""
        return b"".join(self.reads)

    @property
    def prelude(self) -> JSON:
        """The JSON before the body of a streamed answer."""
        return json.loads(self.body.partition(DELIMITER)[0])

    @property
    def content(self) -> bytes:
        """The body that the client gets."""
        prelude, delimiter, content = self.body.partition(DELIMITER)
        assert delimiter, prelude
        return content

    @property
    def failure(self) -> JSON:
        """The error document, of the body or of a trailer."""
        trailer = self.trailers.get("lambda-runtime-function-error-body")
        return json.loads(self.body if trailer is None else b64decode(trailer, validate=True))


class Wire:
    """One accepted connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unread = b""

    def read_head(self) -> Request | None:
        """A request without its body; None if the connection was closed instead."""
        request = Request()
        head = self._until(b"\r\n\r\n", request, is_first=True)
        if not head:
            return None
        line, *lines = head.decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
        request.method, request.path, version = line.split(" ")
        if version != "HTTP/1.1":
            raise BadRequest(version)
        request.headers = _fields(lines)
        return request

    def read_body(self, request: Request) -> None:
        """The rest of a request, and its trailers."""
        if "transfer-encoding" in request.headers:
            self._read_chunks(request)
        else:
            length = int(request.headers.get("content-length", "0"))
            request.body = self._exactly(length, request)
        request.writes = _segments(self._connection) or len(request.reads)
        if self._unread:
            raise BadRequest(f"more than one request: {self._unread!r}")

    def read_until(self, content: bytes, request: Request) -> None:
        """As much as it takes to have this."""
        while content not in request.raw:
            if not self._receive(request):
                raise BadRequest("cut off")

    def _read_chunks(self, request: Request) -> None:
        if request.headers["transfer-encoding"] != "chunked":
            raise BadRequest("of all encodings only chunked is known")
        if "content-length" in request.headers:
            raise BadRequest("both an encoding and a length")
        while True:
            line = self._until(b"\r\n", request)
            if not CHUNK_SIZE.fullmatch(line):
                raise BadRequest(f"no size of a chunk: {line!r}")
            size = int(line, 16)
            if not size:
                break
            chunk = self._exactly(size + 2, request)
            if not chunk.endswith(b"\r\n"):
                raise BadRequest("a chunk that is longer than it says")
            request.body += chunk[:-2]
        lines = []
        while (line := self._until(b"\r\n", request)) != b"\r\n":
            lines.append(line.decode("ascii").rstrip("\r\n"))
        request.trailers = _fields(lines)
        announced = {name.strip().lower() for name in request.headers["trailer"].split(",")}
        if not set(request.trailers) <= announced:
            raise BadRequest("trailers that were not announced")

    def reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Answer the request."""
        fields = {"Content-Type": "application/json", **(headers or {})}
        if "Transfer-Encoding" not in fields:
            fields["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._connection.sendall(f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode() + body)

    def wait_for_end(self) -> None:
        """Wait until the other side closes; it may send no more."""
        self._connection.settimeout(CONNECTION_ENDS_WITHIN_SECONDS)
        if self._connection.recv(1):
            raise BadRequest("a second request on the connection of a first")

    def reset(self) -> None:
        """Break the connection, as a crash does."""
        at_once = struct.pack("ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self._connection.close()

    def _until(self, end: bytes, request: Request, *, is_first: bool = False) -> bytes:
        while end not in self._unread:
            if not self._receive(request):
                if is_first and not self._unread:
                    return b""
                raise BadRequest("cut off")
        read, found, self._unread = self._unread.partition(end)
        return read + found

    def _exactly(self, size: int, request: Request) -> bytes:
        while len(self._unread) < size:
            if not self._receive(request):
                raise BadRequest("cut off")
        read, self._unread = self._unread[:size], self._unread[size:]
        return read

    def _receive(self, request: Request) -> bool:
        received = self._connection.recv(1024 * 1024)
        if received:
            request.reads.append(received)
            self._unread += received
        return bool(received)


def _segments(connection: socket.socket) -> int:
    """How many segments with data came; Linux knows (struct tcp_info, tcpi_data_segs_in)."""
    if sys.platform != "linux":
        return 0
    told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
    count: int = struct.unpack_from("I", told, 152)[0]
    return count


def _fields(lines: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(": ")
        if not colon or name.lower() in fields:
            raise BadRequest(f"no header, or one too many: {line!r}")
        fields[name.lower()] = value
    return fields
