"""A scripted OpenAI-compatible upstream, fast enough to stay out of the figures.

Run as `python upstream.py PORT`. The model's name is the script:

* `json`          one completion of about 64 tokens;
* `paced-N-MS`    a stream of N tokens, each its own write, MS milliseconds apart;
* `burst-N`       a stream of N tokens in large writes, as fast as the socket takes them.

Every token is `@index:nanoseconds `, its place and the moment it was written on the machine's
monotonic clock, so that whoever reads it knows whether one is missing and how long it took.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from itertools import batched
from typing import cast

import uvloop

ANSWER = " ".join(f"word{n:02}" for n in range(32))
_BURST = 64
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s\r\n\r\n"
_USAGE = {"prompt_tokens": 16, "completion_tokens": 64, "total_tokens": 80}


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
            self._answer(json.loads(rest[:size]) if size else {})

    def _answer(self, request: dict[str, object]) -> None:
        script, *numbers = str(request.get("model", "json")).rpartition("/")[2].split("-")
        chunks = _Chunks(str(request.get("model")), with_usage=bool(request.get("stream_options")))
        if not request.get("stream"):
            self._transport.write(_completion())
            return
        self._transport.write(_HEADERS % (b"text/event-stream", b"Transfer-Encoding: chunked"))
        if script == "paced":
            pace = self._paced(chunks, int(numbers[0]), float(numbers[1]) / 1000)
        else:
            pace = self._burst(chunks, int(numbers[0]))
        self._answering = asyncio.create_task(pace)

    async def _paced(self, chunks: "_Chunks", count: int, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        self._transport.write(_framed(chunks.opening()))
        for index in range(count):
            await asyncio.sleep(max(0.0, start + index * seconds - loop.time()))
            self._transport.write(_framed(chunks.token(index)))
        self._transport.write(_framed(chunks.closing()) + b"0\r\n\r\n")

    async def _burst(self, chunks: "_Chunks", count: int) -> None:
        for indexes in batched(range(count), _BURST, strict=False):
            await self._writable.wait()
            opening = chunks.opening() if indexes[0] == 0 else b""
            self._transport.write(_framed(opening + b"".join(map(chunks.token, indexes))))
        self._transport.write(_framed(chunks.closing()) + b"0\r\n\r\n")


class _Chunks:
    """The server-sent chunks of one completion, their unchanging parts serialised once."""

    def __init__(self, model: str, *, with_usage: bool) -> None:
        self._model, self._with_usage = model, with_usage
        self._before, self._after = self._choice({"content": "\0"}).split(rb"\u0000")

    def opening(self) -> bytes:
        return self._choice({"role": "assistant", "content": "", "refusal": None})

    def token(self, index: int) -> bytes:
        return b"%b@%d:%d %b" % (self._before, index, time.perf_counter_ns(), self._after)

    def closing(self) -> bytes:
        return b"".join(self._ending())

    def _ending(self) -> Iterator[bytes]:
        yield self._choice({}, finish_reason="stop")
        if self._with_usage:
            yield self._chunk(choices=[], usage=_USAGE)
        yield b"data: [DONE]\n\n"

    def _choice(self, delta: dict[str, object], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._chunk(choices=[choice], usage=None)

    def _chunk(self, **fields: object) -> bytes:
        chunk = _envelope("chat.completion.chunk", self._model) | fields
        return b"data: %b\n\n" % json.dumps(chunk, separators=(",", ":")).encode()


def _completion() -> bytes:
    message = {"role": "assistant", "content": ANSWER, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    completion = _envelope("chat.completion", "json") | {"choices": [choice], "usage": _USAGE}
    body = json.dumps(completion).encode()
    return _HEADERS % (b"application/json", b"Content-Length: %d" % len(body)) + body


def _envelope(kind: str, model: str) -> dict[str, object]:
    return {
        "id": "chatcmpl-C4n1pBench0000000000000000000",
        "object": kind,
        "created": 1764000000,
        "model": model,
        "service_tier": "default",
        "system_fingerprint": "fp_bench000000",
    }


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
