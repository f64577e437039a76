"""The streamed answer to one invocation: a chunked POST on a connection of its own.

Source: AWS Lambda developer guide, "Building a custom runtime", on response streaming. Chunks
follow RFC 9112, 7.1; an error in the middle of the stream is told by two trailers.
"""

import asyncio
from base64 import b64encode
from collections.abc import Iterable
from contextlib import suppress

from rejoinder_runtime.connection import Connection
from rejoinder_runtime.failures import Failure, log
from rejoinder_runtime.invocation import Invocation
from rejoinder_runtime.prelude import prelude_of
from rejoinder_runtime.runtime_api import ACCEPTED, VERSION, echo_of

HEAD = (
    "POST {version}/invocation/{request_id}/response HTTP/1.1\r\n"
    "Host: {address}\r\n"
    "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
    "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
    "Transfer-Encoding: chunked\r\n"
    "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
    "{echo}\r\n"
)
LAST_CHUNK = b"0\r\n"
FILLER = b"\n"  # the whole body of an answer without one: an empty stream may hang the reader


class ClientGone(OSError):
    """Lambda has replied already: nobody reads the rest (what ASGI 2.4 wants `send` to raise)."""


class Answer:
    """What the application answers.

    Nothing is sent before the first part of the body, so that a failure until then can be told
    as a plain error; the first part leaves in one write with all that precedes it.
    """

    def __init__(self, address: str, invocation: Invocation) -> None:
        self._address = address
        self._invocation = invocation
        self._prelude = b""
        self._connection: Connection | None = None
        self._watching: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._is_empty = True
        self._has_ended = False
        self.over = asyncio.Event()  # by its end, or because nobody reads on

    @property
    def was_sent(self) -> bool:
        """Whether something of it has left: it is too late for a plain error."""
        return self._connection is not None

    @property
    def was_cut(self) -> bool:
        """Whether nobody reads the rest; what the application makes of that is no failure."""
        return self.over.is_set() and not self._has_ended

    def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Note status and headers.

        Raises:
            RuntimeError: if there are some already.
            PreludeTooLarge: if they are too long.
        """
        if self._prelude:
            raise RuntimeError("the answer has begun already")
        self._prelude = prelude_of(status, headers)

    async def send(self, body: bytes, *, is_last: bool) -> None:
        """Send a part of the body at once.

        Raises:
            ClientGone: if nobody reads it.
            RuntimeError: if the answer has not begun, or has ended.
        """
        async with self._one_at_a_time:
            if not self._prelude or self._has_ended:
                raise RuntimeError("a body belongs between the beginning and the end of an answer")
            if self.over.is_set():
                raise ClientGone("the answer was cut off by Lambda")
            self._is_empty = self._is_empty and not body
            framed = _chunk(body)
            if self._connection is None:
                framed = await self._open() + framed
            if is_last:  # only now: who waits for the end may cancel who sends it
                framed += self._end()
            await self._write(framed)

    async def fail(self, failure: Failure) -> None:
        """End with an error, in the middle of the stream."""
        told = b64encode(failure.body).decode()
        trailers = (
            f"Lambda-Runtime-Function-Error-Type: {failure.type}\r\n"
            f"Lambda-Runtime-Function-Error-Body: {told}\r\n"
        )
        with suppress(ClientGone):
            await self._write(self._end(trailers.encode()))

    async def settle(self) -> None:
        """Wait until Lambda has taken all of it, and close the connection."""
        if self._connection is not None and self._watching is not None:
            try:
                await self._watching
            finally:
                self._connection.close()

    async def _open(self) -> bytes:
        """Connect; what comes before the body."""
        head = HEAD.format(
            version=VERSION,
            request_id=self._invocation.request_id,
            address=self._address,
            echo=echo_of(self._invocation),
        )
        self._connection = await Connection.open(self._address)
        self._watching = asyncio.create_task(self._watch(self._connection))
        return head.encode() + _chunk(self._prelude)

    async def _write(self, data: bytes) -> None:
        assert self._connection is not None
        if data:
            try:
                await self._connection.write(data)
            except OSError as error:
                self.over.set()
                raise ClientGone("the connection to Lambda was lost") from error

    def _end(self, trailers: bytes = b"") -> bytes:
        filler = _chunk(FILLER) if self._is_empty else b""
        self._has_ended = True
        self.over.set()
        return filler + LAST_CHUNK + trailers + b"\r\n"

    async def _watch(self, connection: Connection) -> None:
        """Wait for Lambda's reply; if it comes before our end, nobody reads on."""
        status = None
        with suppress(OSError, EOFError):
            status = (await connection.read()).status
        self.over.set()
        if status != ACCEPTED:
            log("answer_refused", requestId=self._invocation.request_id, status=status)


def _chunk(data: bytes) -> bytes:
    """A chunk; of nothing, nothing: an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
