"""A scripted upstream of every dialect, fast enough to stay out of the figures.

Run as `python -m tests.benchmarks.upstream PORT`. The path says the dialect (`wires`), the model's
name is the script:

* `json`          one reply of about 64 tokens;
* `paced-N-MS`    a stream of N tokens, each its own write, MS milliseconds apart;
* `burst-N`       a stream of N tokens in large writes, as fast as the socket takes them;
* `lossy-N`       the same, but for the last token.

Tokens are numbered and dated, so that whoever reads one knows whether one is missing and how long
it took.
"""

import asyncio
import json
import re
import sys
from itertools import batched
from typing import cast

import uvloop

from tests.benchmarks.wires import Wire, wire_at

_BURST = 64
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s\r\n\r\n"


class Upstream(asyncio.Protocol):
    """One connection: a request at a time, answered as its model's name says."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._writable = asyncio.Event()
        self._answering: asyncio.Task[None] | None = None
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's, though of their shape.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answering:
            self._answering.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if found and len(rest) >= size:
            self._received = rest[size:]
            path = head.split(b" ", 2)[1].decode()
            self._answer(path, json.loads(rest[:size]) if size else {})

    def _answer(self, path: str, request: dict[str, object]) -> None:
        wire = wire_at(path, request)
        script, *numbers = wire.model.rpartition("/")[2].split("-")
        if script == "json":
            self._transport.write(_completion(wire))
            return
        self._transport.write(_HEADERS % (wire.content_type, b"Transfer-Encoding: chunked"))
        if script == "paced":
            pace = self._paced(wire, int(numbers[0]), float(numbers[1]) / 1000)
        else:
            pace = self._burst(wire, int(numbers[0]) - (script == "lossy"))
        self._answering = asyncio.create_task(pace)

    async def _paced(self, wire: Wire, count: int, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        self._transport.write(_framed(wire.opening()))
        for index in range(count):
            await asyncio.sleep(max(0.0, start + index * seconds - loop.time()))
            self._transport.write(_framed(wire.token(index)))
        self._transport.write(_framed(wire.closing()) + b"0\r\n\r\n")

    async def _burst(self, wire: Wire, count: int) -> None:
        for indexes in batched(range(count), _BURST, strict=False):
            await self._writable.wait()
            opening = wire.opening() if indexes[0] == 0 else b""
            self._transport.write(_framed(opening + b"".join(map(wire.token, indexes))))
        self._transport.write(_framed(wire.closing()) + b"0\r\n\r\n")


def _completion(wire: Wire) -> bytes:
    body = json.dumps(wire.whole()).encode()
    return _HEADERS % (b"application/json", b"Content-Length: %d" % len(body)) + body


def _framed(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


def _run(port: int) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(port))


if __name__ == "__main__":
    _run(int(sys.argv[1]))
