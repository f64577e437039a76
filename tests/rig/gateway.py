"""API Gateway, a REST API with proxy integrations: requests become events, answers are relayed.

What is known of API Gateway comes from AWS's guide and is cited where it is used. What we guess:

| # | Guess | Where |
| --- | --- | --- |
| 1 | An error of the function, or a malformed answer, is 502 INTEGRATION_FAILURE | here |
| 2 | An error after the prelude cuts the connection, without a last chunk | here |
| 3 | Lambda's throttling is told as 429, THROTTLED (logs of some accounts say 500) | here |
| 4 | An event above 6 MB is told as 413, REQUEST_TOO_LARGE | here |
| 5 | A function is never told that its client has gone, and a slow client never slows it | here |
| 6 | A stream that is idle for 5 minutes, or longer than its integration's timeout, is cut | here |
| 7 | Chunks are relayed as they come: not joined, not throttled after 10 MB | here |
| 8 | Request line and headers above 10,240 bytes are told as 431, DEFAULT_4XX | here |
| 9 | A trailing slash means the same resource; path parameters are decoded once | router |
| 10 | `path` is as the client wrote it; names of headers keep their letters | events |
| 11 | A body that is not UTF-8, of no binary media type, gets U+FFFD | events |
| 12 | Base64 is decoded if a binary media type fits the answer, or Accept | here |
| 13 | A Content-Length in a prelude is dropped; 204 and 304 have no body | integration, here |
| 14 | A buffered answer behind a streamed integration is malformed, and the reverse | integration |
| 15 | A path without the stage is served, too, as at a custom domain | here |

The routes, their modes and the gateway's own answers come from the stack's template.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing, suppress
from fnmatch import fnmatch
from typing import override
from uuid import uuid4

from tests.rig import gateway_responses as own
from tests.rig.doors import Listening
from tests.rig.events import Arrival, proxy_event
from tests.rig.fleet import Fleet
from tests.rig.integration import Answer, Malformed, buffered, streamed
from tests.rig.invocations import EventTooLarge, FunctionError, Invocation, Throttled
from tests.rig.processes import Say
from tests.rig.router import Router
from tests.rig.stack import BROKEN, STAGE, Route, Stack
from tests.rig.wire import (
    CONTINUE,
    LONGEST_HEAD_BYTES,
    NO_MORE_CHUNKS,
    BadHttp,
    Body,
    Head,
    Headers,
    TooLong,
    answer_bytes,
    chunk_bytes,
    head_bytes,
    read_head,
)

LARGEST_BODY_BYTES = 10 * 1024 * 1024
LARGEST_HEAD_BYTES = 10_240
IDLE_SECONDS = 300.0
LINGERS_SECONDS = 5.0
BODILESS = (204, 304)


class Turned(Exception):
    """The gateway itself answers."""

    def __init__(self, case: own.Case, why: str = "") -> None:
        super().__init__(why)
        self.case = case


class RestApi(Listening):
    """The front door. Its clients may come with the stage in the path, or without."""

    def __init__(self, stack: Stack, fleets: Mapping[str, Fleet], say: Say) -> None:
        super().__init__()
        self._stack = stack
        self._fleets = fleets
        self._say = say
        self._router = Router(stack.routes)

    @override
    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await read_head(reader)) is not None:
            if not await Visit(self, head, reader, writer).serve():
                break

    def find(self, arrival: Arrival) -> tuple[Route, Mapping[str, str]]:
        """The route of a request.

        Raises:
            Turned: if there is none.
        """
        found = self._router.find(arrival.head.method, arrival.path)
        if found is None:
            raise Turned(own.UNKNOWN_ROUTE)
        return found

    def invoke(self, arrival: Arrival, route: Route, parameters: Mapping[str, str]) -> Invocation:
        """Invoke the route's function.

        Raises:
            Turned: if Lambda does not take the event.
        """
        is_binary = self.is_binary(arrival.head.value("content-type"))
        event = proxy_event(arrival, route, parameters, is_binary=is_binary)
        try:
            return self._fleets[route.function].invoke(event)
        except EventTooLarge as error:
            raise Turned(own.TOO_LARGE) from error
        except Throttled as error:
            raise Turned(own.THROTTLED) from error

    def is_binary(self, *media_types: str) -> bool:
        """Whether one of them is among the API's binary media types."""
        named = [media_type.partition(";")[0].strip() for media_type in media_types]
        kinds = self._stack.binary_media_types
        return any(fnmatch(name, kind) for name in named if name for kind in kinds)

    def turned(self, case: own.Case, request_id: str) -> Answer:
        """The gateway's own answer in a case."""
        return Answer(*own.answer_of(case, self._stack.responses, request_id))

    def log(self, status: int, head: Head, took_seconds: float, note: str) -> None:
        """A line of the access log."""
        path = head.target.partition("?")[0]
        line = f"{status} {head.method} {path} {took_seconds * 1000:.0f} ms {note}"
        self._say("gateway", line.rstrip())


class Visit:
    """One request, from its head to the last byte of its answer."""

    def __init__(
        self, api: RestApi, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._api = api
        self._head = head
        self._reader = reader
        self._writer = writer
        self._id = str(uuid4())
        self._began = time.monotonic()
        self._note = ""
        self._status = 0  # of the answer, when its head is on its way

    async def serve(self) -> bool:
        """Answer; whether the connection is good for another request."""
        is_good = False
        try:
            is_good = await self._relay(await self._read())
        except Turned as turned:
            self._note = str(turned)
            await self._whole(self._api.turned(turned.case, self._id))
            is_good = turned.case not in (own.TOO_LARGE, own.BAD_HEAD, own.BAD_REQUEST)
            if not is_good:
                await self._linger()
        except ConnectionError:
            self._note = "the client has gone"
        except (FunctionError, TimeoutError) as error:  # after the prelude
            self._note = f"cut: {error}"
        finally:
            self._api.log(self._status, self._head, time.monotonic() - self._began, self._note)
        return is_good and self._head.keeps_alive

    async def _read(self) -> Arrival:
        head = self._head
        size = len(head.target) + sum(len(name) + len(value) for name, value in head.headers)
        if size > LARGEST_HEAD_BYTES:
            raise Turned(own.BAD_HEAD)
        if head.awaits_leave:
            self._writer.write(CONTINUE)
        try:
            body = await Body(self._reader, head).read(at_most_bytes=LARGEST_BODY_BYTES)
        except TooLong as error:
            raise Turned(own.TOO_LARGE) from error
        except BadHttp as error:
            raise Turned(own.BAD_REQUEST, str(error)) from error
        ip: str = self._writer.get_extra_info("peername")[0]
        has_stage = head.target.partition("?")[0].split("/")[1:2] == [STAGE]
        return Arrival(head, body, self._id, ip, has_stage)

    async def _relay(self, arrival: Arrival) -> bool:
        route, parameters = self._api.find(arrival)
        if route.function == BROKEN:
            raise Turned(own.BROKEN)
        invocation = self._api.invoke(arrival, route, parameters)
        self._note = f"{route.function} {invocation.id}"
        try:
            async with asyncio.timeout(route.timeout_seconds):
                if route.is_streamed:
                    await self._streamed(invocation)
                else:
                    await self._buffered(invocation)
        except TimeoutError as error:
            self._turn_unless_begun(own.TIMED_OUT, error)
        except (FunctionError, Malformed) as error:
            self._turn_unless_begun(own.FAILED, error)
        return True

    def _turn_unless_begun(self, case: own.Case, error: Exception) -> None:
        """What happened when nothing was sent is a status; afterwards it is a cut."""
        if self._status:
            raise error
        raise Turned(case, f"{self._note} {type(error).__name__}: {error}") from error

    async def _buffered(self, invocation: Invocation) -> None:
        payload = await invocation.result()
        answer = buffered(payload, may_be_binary=False)
        types = [value for name, value in answer.headers if name.lower() == "content-type"]
        if self._api.is_binary(*types, self._head.value("accept")):
            answer = buffered(payload, may_be_binary=True)
        await self._whole(answer)

    async def _streamed(self, invocation: Invocation) -> None:
        async with aclosing(invocation.pieces()) as pieces:
            answer = await streamed(invocation, pieces)
            headers = [*self._own_headers(answer), ("Transfer-Encoding", "chunked")]
            if answer.status in BODILESS:
                await self._whole(Answer(answer.status, answer.headers, b""))
                return
            self._status = answer.status
            await self._send(head_bytes(answer.status, headers) + chunk_bytes(answer.body))
            while True:
                async with asyncio.timeout(IDLE_SECONDS):
                    piece = await anext(pieces, None)
                if piece is None:
                    break
                await self._send(chunk_bytes(piece))
        await self._send(NO_MORE_CHUNKS)

    async def _whole(self, answer: Answer) -> None:
        self._status = answer.status
        headers = self._own_headers(answer)
        if answer.status in BODILESS:
            await self._send(head_bytes(answer.status, headers))
        else:
            await self._send(answer_bytes(answer.status, headers, answer.body))

    def _own_headers(self, answer: Answer) -> Headers:
        names = {name.lower() for name, _ in answer.headers}
        json_type = [("Content-Type", "application/json")] * ("content-type" not in names)
        return [*json_type, *answer.headers, ("x-amzn-RequestId", self._id)]

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def _linger(self) -> None:
        """Read on for a moment: who closes on a client that still writes takes its answer away."""
        if self._writer.can_write_eof():
            self._writer.write_eof()
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(LINGERS_SECONDS):
                while await self._reader.read(LONGEST_HEAD_BYTES):
                    continue
