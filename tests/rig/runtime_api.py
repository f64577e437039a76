"""The Runtime API as one function process sees it: next, response, error, init error.

As strict as AWS's Runtime Interface Emulator: whatever a runtime does out of turn, with another
id or in another mode is refused with its status, and noted. Sources: "Using the Lambda
runtime API" and "Building a custom runtime" of AWS's guide, and the emulator's source.
"""

import asyncio
import base64
import binascii
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, NamedTuple, override

from tests.rig.doors import Listening, PeerError
from tests.rig.events import trace_id
from tests.rig.invocations import LARGEST_ANSWER_BYTES, FunctionError, Invocation, Opening
from tests.rig.stack import Function
from tests.rig.wire import (
    BadHttp,
    Body,
    Head,
    TooLong,
    answer_bytes,
    head_bytes,
    read_head,
)

VERSION = "2018-06-01"
MODE = "lambda-runtime-function-response-mode"
ERROR_TYPE = "lambda-runtime-function-error-type"
ERROR_BODY = "lambda-runtime-function-error-body"
INVOCATION_ID = "lambda-runtime-invocation-id"

LAST_WORDS_SECONDS = 0.05
TURNS_TO_ACCEPT = 10  # of the event loop

type Phase = Literal["init", "resting", "working", "answering", "answered"]


class Refused(Exception):
    """The runtime broke the protocol."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.status = status
        self.body = {"errorType": error_type, "errorMessage": message}


class Exchange(NamedTuple):
    """One request of the runtime."""

    head: Head
    body: Body
    writer: asyncio.StreamWriter


class RuntimeApi(Listening):
    """Serves one process, one invocation at a time; `on_rest` is called at each GET next."""

    def __init__(
        self, function: Function, on_rest: Callable[[], None], note: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.init_error: FunctionError | None = None
        self.exit_error: FunctionError | None = None  # why the process is no more
        self.current: Invocation | None = None
        self._function = function
        self._on_rest = on_rest
        self._note = note
        self._phase: Phase = "init"
        self._inbox: asyncio.Queue[Invocation] = asyncio.Queue(1)
        self._asking_next: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Begin to listen; the address for AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{await self.listen()}"

    def deliver(self, invocation: Invocation) -> None:
        """Hand an invocation to the process, which must be resting."""
        assert self._phase == "resting"
        self._phase = "working"
        self.current = invocation
        self._inbox.put_nowait(invocation)

    async def drain(self, seconds: float) -> None:
        """Wait until what a dead process still said has been read."""
        for _ in range(TURNS_TO_ACCEPT):  # its last connection may not even be accepted
            await asyncio.sleep(LAST_WORDS_SECONDS / TURNS_TO_ACCEPT)
        if speaking := self._connections - {self._asking_next}:
            await asyncio.wait(speaking, timeout=seconds)

    @override
    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await read_head(reader)) is not None:
            exchange = Exchange(head, Body(reader, head), writer)
            if not (await self._answer(exchange) and head.keeps_alive):
                break

    @override
    def _blame(self, error: PeerError) -> None:
        if self.exit_error is None:
            self._note(f"{type(error).__name__}: {error}")

    async def _answer(self, exchange: Exchange) -> bool:
        """Serve one request; whether the connection is still good for another."""
        head, body, writer = exchange
        try:
            match head.method, head.target.strip("/").split("/"):
                case "GET", [version, "runtime", "invocation", "next"] if version == VERSION:
                    await self._next(writer)
                case "POST", [version, "runtime", "invocation", request_id, "response"] if (
                    version == VERSION
                ):
                    return await self._response(self._invocation(request_id, head), exchange)
                case "POST", [version, "runtime", "invocation", request_id, "error"] if (
                    version == VERSION
                ):
                    await self._error(self._invocation(request_id, head), head, body)
                    writer.write(_status(202, "OK"))
                case "POST", [version, "runtime", "init", "error"] if version == VERSION:
                    await self._init_error(head, body)
                    writer.write(_status(202, "OK"))
                case _:
                    raise Refused(404, "NotFound", f"{head.method} {head.target}")
        except Refused as refused:
            self._note(str(refused))
            headers = [("Content-Type", "application/json"), ("Connection", "close")]
            writer.write(answer_bytes(refused.status, headers, json.dumps(refused.body).encode()))
            await writer.drain()
            return False
        await writer.drain()
        return True

    async def _next(self, writer: asyncio.StreamWriter) -> None:
        if self._phase not in ("init", "answered"):
            raise _out_of_turn("next", self._phase)
        self._phase = "resting"
        self.current = None
        self._on_rest()
        self._asking_next = asyncio.current_task()
        invocation = await self._inbox.get()
        self._asking_next = None
        trace = f"Root={trace_id(invocation.id)};Sampled=0"
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(invocation.event))),
            ("Lambda-Runtime-Aws-Request-Id", invocation.id),
            ("Lambda-Runtime-Invocation-Id", invocation.invocation_id),
            ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", self._function.arn),
            ("Lambda-Runtime-Trace-Id", trace),
        ]
        writer.write(head_bytes(200, headers) + invocation.event)

    def _invocation(self, request_id: str, head: Head) -> Invocation:
        if self.current is None or self.current.id != request_id:
            raise Refused(400, "InvalidRequestID", "Invalid request ID")
        if head.value(INVOCATION_ID, self.current.invocation_id) != self.current.invocation_id:
            raise Refused(400, "InvalidInvocationID", "not the id that came with next")
        if self._phase != "working":
            raise _out_of_turn("response", self._phase)
        return self.current

    async def _response(self, invocation: Invocation, exchange: Exchange) -> bool:
        head, body, writer = exchange
        mode = head.value(MODE)
        if mode not in ("", "streaming"):
            raise Refused(400, "InvalidFunctionResponseMode", f"{mode!r} is not a mode")
        if mode and not head.is_chunked:
            raise Refused(400, "InvalidStreaming", "a streamed answer comes in chunks")
        self._phase = "answering"
        try:
            if mode:
                await self._take_streamed(invocation, head, body)
            else:
                await self._take_buffered(invocation, head, body)
        except (asyncio.IncompleteReadError, ConnectionError, BadHttp) as error:
            await asyncio.sleep(LAST_WORDS_SECONDS)  # has it exited? Then that says more
            invocation.end(
                self.exit_error or FunctionError("Runtime.TruncatedResponse", str(error))
            )
            raise
        finally:
            self._phase = "answered"
        writer.write(_status(202, "OK", closes=bool(mode)))
        await writer.drain()
        return not mode

    async def _take_streamed(self, invocation: Invocation, head: Head, body: Body) -> None:
        invocation.open(Opening(is_streamed=True, content_type=head.value("content-type")))
        async for piece in body:
            invocation.feed(piece)
        declared = {name.strip().lower() for name in head.value("trailer").split(",")}
        trailers = {name: body.trailers[name] for name in body.trailers if name in declared}
        if undeclared := body.trailers.keys() - declared:
            self._note(f"undeclared trailers: {sorted(undeclared)}")
        invocation.end(_told_by_trailers(trailers) if trailers.get(ERROR_TYPE) else None)

    async def _take_buffered(self, invocation: Invocation, head: Head, body: Body) -> None:
        try:
            whole = await body.read(at_most_bytes=LARGEST_ANSWER_BYTES)
        except TooLong as error:
            message = f"Exceeded maximum allowed payload size ({LARGEST_ANSWER_BYTES} bytes)."
            invocation.end(FunctionError("Function.ResponseSizeTooLarge", message))
            raise Refused(413, "RequestEntityTooLarge", message) from error
        invocation.open(Opening(is_streamed=False, content_type=head.value("content-type")))
        invocation.feed(whole)
        invocation.end()

    async def _error(self, invocation: Invocation, head: Head, body: Body) -> None:
        whole = await body.read(at_most_bytes=LARGEST_ANSWER_BYTES)
        self._phase = "answered"
        invocation.end(FunctionError.told(head.value(ERROR_TYPE), whole))

    async def _init_error(self, head: Head, body: Body) -> None:
        if self._phase != "init":
            raise _out_of_turn("init/error", self._phase)
        whole = await body.read(at_most_bytes=LARGEST_ANSWER_BYTES)
        self.init_error = FunctionError.told(head.value(ERROR_TYPE), whole)


def _out_of_turn(what: str, phase: Phase) -> Refused:
    return Refused(403, "InvalidStateTransition", f"{what} is not allowed while {phase}")


def _status(status: int, text: str, *, closes: bool = False) -> bytes:
    headers = [("Content-Type", "application/json")] + [("Connection", "close")] * closes
    return answer_bytes(status, headers, json.dumps({"status": text}).encode())


def _told_by_trailers(trailers: dict[str, str]) -> FunctionError:
    body = b"not base64"
    with suppress(binascii.Error):
        body = base64.b64decode(trailers.get(ERROR_BODY, ""), validate=True)
    return FunctionError.told(trailers[ERROR_TYPE], body)
