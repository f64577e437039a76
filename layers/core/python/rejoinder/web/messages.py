"""Answers that send themselves, and the reading of bodies."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import aclosing, suppress
from math import inf
from time import time

from msgspec.json import encode
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from rejoinder.engine.encoding import DONE, HEARTBEAT, TERMINAL_HEADS
from rejoinder.errors import GatewayError, TooLarge, UnsupportedMediaType
from rejoinder.schema.items import JSON
from rejoinder.telling import Frames, Telling
from rejoinder.web.presence import ClientGone, unless_gone

type Headers = Mapping[str, str]


async def body_of(request: Request, *, max_bytes: int) -> bytes:
    """The whole body.

    Raises:
        TooLarge: if it has more bytes than that.
        UnsupportedMediaType: if it says that it is not plain JSON.
    """
    _check_media(request)
    length = request.headers.get("content-length", "0")
    too_large = TooLarge(
        f"The body may have at most {max_bytes} bytes; send large files as URLs instead."
    )
    if length.isdecimal() and int(length) > max_bytes:
        raise too_large
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > max_bytes:
            raise too_large
    return bytes(read)


def _check_media(request: Request) -> None:
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if media.lower() != "application/json" and not media.lower().endswith("+json"):
        raise UnsupportedMediaType(
            f"The body must be JSON, sent as 'Content-Type: application/json'; got {media[:60]!r}."
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed; leave out Content-Encoding.")


class Json:
    """A whole answer, sent at once."""

    def __init__(self, content: JSON, *, status: int = 200, headers: Headers | None = None) -> None:
        self._body = encode(content)
        self._status = status
        self._headers = headers or {}

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        own = {"content-type": "application/json", "content-length": str(len(self._body))}
        await send(_start(scope, self._status, own | dict(self._headers)))
        await send(_body(scope, self._body))


class Text:
    """A whole answer in plain text."""

    def __init__(self, content: str, *, media_type: str) -> None:
        self._body = content.encode()
        self._media_type = media_type

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        own = {"content-type": self._media_type, "content-length": str(len(self._body))}
        await send(_start(scope, 200, own))
        await send(_body(scope, self._body))


class EventStream:
    """Server-sent events: what is ready together leaves in one write (contract 0.2, 4.1).

    The status line waits for the first event, so that an upstream's refusal becomes an HTTP
    error, but no longer than `patience_seconds`. While there is nothing to say, a comment is
    sent every `heartbeat_seconds`. When the client goes away, the frames are closed; also when
    `ends_at` has come, a time of day after which this process may say nothing more.
    """

    def __init__(
        self,
        telling: Telling,
        *,
        headers: Headers,
        heartbeat_seconds: float,
        patience_seconds: float,
        ends_at: float = inf,
    ) -> None:
        self._telling = telling
        self._headers = headers
        self._heartbeat_seconds = heartbeat_seconds
        self._patience_seconds = patience_seconds
        self._ends_at = ends_at
        self._sent_at = 0.0
        self._is_sending = False
        self._is_over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until there are no more.

        Raises:
            GatewayError: if the first event fails before the status line was sent.
            ClientGone: if the client went before that.
        """
        async with aclosing(self._telling.frames) as frames:
            first = asyncio.ensure_future(anext(frames, []))
            try:
                await self._open(scope, receive, send, first)
                await self._attended(receive, send, frames, first)
            finally:
                if not first.done():
                    first.cancel()
                    with suppress(asyncio.CancelledError, GatewayError):
                        await first

    async def _open(
        self, scope: Scope, receive: Receive, send: Send, first: asyncio.Future[list[bytes]]
    ) -> None:
        await unless_gone(receive, asyncio.wait({first}, timeout=self._patience_seconds))
        told_by: dict[str, str] = {}
        if first.done():
            first.result()  # raises what the client shall get as an HTTP error
            if name := self._telling.route_name():
                told_by = {"X-Upstream-Model": name}
        else:  # nor is it known who will answer
            self._telling.promise()
        await send(_start(scope, 200, STREAM_HEADERS | dict(self._headers) | told_by))
        if not first.done():
            await self._send(send, HEARTBEAT)

    async def _attended(
        self, receive: Receive, send: Send, frames: Frames, first: asyncio.Future[list[bytes]]
    ) -> None:
        reader = asyncio.current_task()
        assert reader is not None
        attendant = asyncio.create_task(self._attend(receive, send, reader))
        try:
            await self._send_all(send, frames, first)
        except asyncio.CancelledError:
            if not self._is_over:
                raise
            reader.uncancel()
        finally:
            attendant.cancel()

    async def _send_all(
        self, send: Send, frames: Frames, first: asyncio.Future[list[bytes]]
    ) -> None:
        has_ended = False
        try:
            batch = await first
            while True:
                if batch and not has_ended:
                    has_ended = batch[-1].startswith(TERMINAL_HEADS)
                    told = [*batch, DONE] if has_ended else batch
                    await self._send(send, b"".join(told), has_ended)
                batch = await anext(frames)
        except StopAsyncIteration:
            pass
        except GatewayError:
            return  # without the last word: the client knows by that to rejoin
        if not has_ended:
            await self._send(send, DONE, is_last=True)

    async def _send(self, send: Send, body: bytes, is_last: bool = False) -> None:
        self._is_sending = True
        try:
            await send({"type": "http.response.body", "body": body, "more_body": not is_last})
        except OSError as error:  # so says ASGI: the connection was lost
            raise ClientGone from error
        self._is_sending = False
        self._sent_at = asyncio.get_running_loop().time()

    async def _attend(self, receive: Receive, send: Send, reader: asyncio.Task[None]) -> None:
        """Beat while nothing is said, and notice when the client goes away, or time is up."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._ends_at - time()
        while True:
            try:
                beat_at = self._sent_at + self._heartbeat_seconds
                async with asyncio.timeout_at(min(beat_at, ends_at)):
                    message = await receive()
            except TimeoutError:
                if loop.time() >= ends_at:
                    break
                if self._is_sending:  # to a slow reader: it has enough to read
                    self._sent_at = loop.time()
                elif loop.time() - self._sent_at >= self._heartbeat_seconds:
                    try:
                        await self._send(send, HEARTBEAT)
                    except ClientGone:
                        break
                continue
            if message["type"] == "http.disconnect":
                break
        self._is_over = True
        reader.cancel()


STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


def _body(scope: Scope, body: bytes) -> JSON:
    """A whole body; none for HEAD, since not every server leaves it out."""
    is_head = scope["method"] == "HEAD"
    return {"type": "http.response.body", "body": b"" if is_head else body}


_UNPRINTABLE = re.compile(r"[^ -~]")  # names that clients chose may hold line ends


def _start(scope: Scope, status: int, headers: Headers) -> JSON:
    named = {"x-request-id": scope["rejoinder.request_id"], **headers}
    scope["rejoinder.status"] = status
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (name.lower().encode(), _UNPRINTABLE.sub("?", value).encode("ascii"))
            for name, value in named.items()
        ],
    }
