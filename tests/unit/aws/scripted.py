"""A service of AWS that does what a test says, reply by reply; the last one again and again."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from msgspec.json import encode

from tests.upstreams.connection import Connection, Disconnected, HttpRequest, head
from tests.upstreams.server import Server

type JSON = Any
type Trouble = Literal["reset", "closed", "silent", "cut"]

SILENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Said:
    """A reply. JSON, unless it is bytes."""

    status: int = 200
    body: JSON = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def wire(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else encode(self.body)
        return head(self.status, {**self.headers, "content-length": str(len(body))}) + body


def refused(code: str, status: int = 400, **headers: str) -> Said:
    """An error as JSON services have it."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "No."}
    return Said(status, body, headers)


class Scripted:
    """The server; all that it was asked is in `requests`."""

    def __init__(self, *replies: Said | Trouble) -> None:
        self._replies = list(replies)
        self._server = Server(self._serve)
        self.requests: list[HttpRequest] = []
        self.connections = 0

    def __enter__(self) -> Self:
        self.url = f"http://127.0.0.1:{self._server.start()}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    async def _serve(self, connection: Connection) -> None:
        self.connections += 1
        with suppress(Disconnected, asyncio.CancelledError):
            while (request := await connection.read_request()) is not None:
                self.requests.append(request)
                reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
                if not isinstance(reply, Said):
                    await self._trouble(connection, reply)
                    return
                await connection.write(reply.wire())
        connection.close()

    async def _trouble(self, connection: Connection, trouble: Trouble) -> None:
        match trouble:
            case "reset":
                connection.reset()
            case "closed":
                connection.close()
            case "silent":
                await connection.pause(SILENT_SECONDS)
            case "cut":
                await connection.write(Said(body={"long": "x" * 100}).wire()[:-50])
                connection.close()
