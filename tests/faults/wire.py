"""HTTP by hand: one exchange on a connection of its own, read chunk by chunk as it was written."""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Self

from tests.server import KEY, Server

type JSON = Any

TIMEOUT_SECONDS = 20.0
COMMENT = b":"
DONE = b"data: [DONE]\n\n"


class Exchange:
    """A request, and its answer as far as it has come."""

    def __init__(
        self,
        server: Server,
        path: str,
        body: JSON = None,
        *,
        method: str = "",
        key: str = KEY,
        receive_buffer_bytes: int = 0,
    ) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(TIMEOUT_SECONDS)
        if receive_buffer_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        try:
            self._socket.connect(("127.0.0.1", server.port))
            self._socket.sendall(_request(method or ("POST" if body else "GET"), path, body, key))
        except BaseException:
            self._socket.close()
            raise
        self._file = self._socket.makefile("rb")
        self._status = 0
        self._headers: Mapping[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Go away, whatever is still to come."""
        self._file.close()
        self._socket.close()

    @property
    def status(self) -> int:
        """The status code, once it has come."""
        self._read_head()
        return self._status

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by their names in small letters."""
        self._read_head()
        return self._headers

    def json(self) -> JSON:
        """The body of an answer that is no stream, though it may come in pieces."""
        if "content-length" in self.headers:
            return json.loads(self._file.read(int(self.headers["content-length"])))
        return json.loads(b"".join(iter(self._piece, b"")))

    def chunk(self) -> bytes:
        """What was sent in one write; empty at the end. No write may hold part of an event.

        Raises:
            EOFError: if the connection ends before the body does.
        """
        data = self._piece()
        _check_whole(data)
        return data

    def chunks(self) -> Iterator[bytes]:
        """All that is still to come, to the orderly end."""
        while chunk := self.chunk():
            yield chunk

    def frames(self) -> Iterator[bytes]:
        """Events, comments and the last word, each with its blank line."""
        for chunk in self.chunks():
            yield from frames_in(chunk)

    def events(self) -> Iterator[bytes]:
        """The frames that are events; it ends after `[DONE]`, and not without it."""
        last = b""
        for last in self.frames():
            if last.startswith(b"event: "):
                yield last
        assert last == DONE

    def rest(self) -> list[bytes]:
        """The events that still come, though the connection may break."""
        seen: list[bytes] = []
        with suppress(EOFError, ConnectionError):
            for frame in self.frames():
                seen += [frame] if frame.startswith(b"event: ") else []
        return seen

    def until(self, mark: str | bytes) -> list[bytes]:
        """The events up to the first that holds this text."""
        wanted = mark.encode() if isinstance(mark, str) else mark
        seen: list[bytes] = []
        deadline = time.monotonic() + TIMEOUT_SECONDS
        for chunk in self.chunks():
            seen += [frame for frame in frames_in(chunk) if frame.startswith(b"event: ")]
            if any(wanted in frame for frame in seen):
                return seen
            assert time.monotonic() < deadline, f"{wanted!r} did not come; seen: {seen}"
        raise AssertionError(f"{wanted!r} never came; seen: {seen}")

    def _piece(self) -> bytes:
        assert self.headers["transfer-encoding"] == "chunked"
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("the answer was cut off")
        size = int(line, 16)
        data = self._file.read(size + 2)
        if len(data) < size + 2:
            raise EOFError("the answer was cut off")
        return data[:-2]

    def _read_head(self) -> None:
        if self._status:
            return
        line = self._file.readline().decode("ascii")
        if not line:
            raise EOFError("no answer came")
        headers: dict[str, str] = {}
        while (header := self._file.readline().decode("ascii").strip()) != "":
            name, _, value = header.partition(": ")
            headers[name.lower()] = value
        self._status, self._headers = int(line.split(" ")[1]), headers


def event_of(frame: bytes) -> JSON:
    """What an event frame says."""
    head, data = frame.removesuffix(b"\n\n").split(b"\n")
    event = json.loads(data.removeprefix(b"data: "))
    assert head == b"event: " + event["type"].encode()
    return event


def frames_in(chunk: bytes) -> list[bytes]:
    """Frames that came together."""
    return [frame + b"\n\n" for frame in chunk.split(b"\n\n")[:-1]]


def _check_whole(chunk: bytes) -> None:
    if chunk:
        assert chunk.endswith(b"\n\n"), chunk
    for frame in frames_in(chunk):
        assert frame.startswith((b"event: ", b"data: [DONE]\n", COMMENT)), frame


def _request(method: str, path: str, body: JSON, key: str) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: server\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data
