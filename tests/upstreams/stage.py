"""Plays a reply's steps on a connection, and knows whether the peer stayed to the end."""

from collections.abc import Iterable
from typing import Any

from tests.upstreams.chat_steps import Body, Frame, Head, Over, Pause, Step
from tests.upstreams.chat_troubles import Cut, Reset
from tests.upstreams.connection import Connection, head
from tests.upstreams.framing import Framing

type JSON = Any

SETTLE_SECONDS = 0.02  # so that what was sent is read before a reset takes it away


class Stage:
    """One reply being played; frames wait until a write is due."""

    def __init__(self, connection: Connection, framing: Framing, *, keeps_alive: bool) -> None:
        self._connection = connection
        self._framing = framing
        self._keeps_alive = keeps_alive
        self._chunked = False
        self._held = b""
        self._frames = 0

    async def play(self, steps: Iterable[Step]) -> bool:
        """Whether the connection may serve another request.

        Raises:
            Disconnected: if the peer went before the end.
        """
        for step in steps:
            match step:
                case Head():
                    await self._connection.write(self._head(step))
                case Frame(told):
                    await self._hold(told)
                case Body(data):
                    await self._send(data)
                case Pause(seconds):
                    await self._flush()
                    await self._connection.pause(seconds)
                case Over():
                    return await self._end()
                case Reset() | Cut():
                    await self._break(step)
                    return False
        return False

    def _head(self, step: Head) -> bytes:
        headers = dict(step.headers)
        if step.length is not None:
            headers["content-length"] = str(step.length)
        elif self._framing.chunked:
            self._chunked = True
            headers["transfer-encoding"] = "chunked"
        else:
            self._keeps_alive = False
        if not self._keeps_alive:
            headers["connection"] = "close"
        return head(step.status, headers)

    async def _hold(self, told: JSON | str) -> None:
        if self._frames == self._framing.joined:
            await self._flush()
        self._held += self._framing.frame(told)
        self._frames += 1

    async def _flush(self) -> None:
        data, self._held, self._frames = self._held, b"", 0
        await self._send(data)

    async def _send(self, data: bytes) -> None:
        for piece in self._framing.writes(data):
            await self._connection.write(self._wrapped(piece))

    def _wrapped(self, piece: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece

    async def _end(self) -> bool:
        """The last write goes with the end of the body: who has read `[DONE]` may leave."""
        *pieces, last = [*self._framing.writes(self._held)] or [b""]
        for piece in pieces:
            await self._connection.write(self._wrapped(piece))
        end = b"0\r\n\r\n" if self._chunked else b""
        self._connection.write_last((self._wrapped(last) if last else b"") + end)
        return self._keeps_alive

    async def _break(self, step: Reset | Cut) -> None:
        await self._flush()
        await self._connection.pause(SETTLE_SECONDS)
        if isinstance(step, Reset):
            self._connection.reset()
        else:
            self._connection.close()
