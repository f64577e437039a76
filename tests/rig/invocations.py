"""One invocation, between whoever called the function and the process that answers."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

type JSON = Any

LARGEST_EVENT_BYTES = 6 * 1024 * 1024  # of a synchronous invocation, and of a buffered answer:
LARGEST_ANSWER_BYTES = 6 * 1024 * 1024 + 100  # source: the Runtime Interface Emulator


class FunctionError(Exception):
    """The function failed: it said so, it crashed, or it ran out of time."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type

    @classmethod
    def told(cls, error_type: str, body: bytes) -> "FunctionError":
        """As a runtime tells it: a type, and JSON with a message."""
        try:
            message = str(json.loads(body)["errorMessage"])
        except (ValueError, KeyError, TypeError):
            message = body[:200].decode(errors="replace")
        return cls(error_type or "Unhandled", message)


class Throttled(Exception):
    """As many processes as may be are busy: TooManyRequestsException."""


class EventTooLarge(Exception):
    """The event is larger than Lambda takes: RequestTooLargeException."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How the answer comes."""

    is_streamed: bool
    content_type: str


class Invocation:
    """An event, and its answer as a stream of bytes that ends well or in a FunctionError.

    Nothing that the caller does is ever told to the function: the bytes wait here, without limit.
    """

    def __init__(self, event: bytes) -> None:
        self.id = str(uuid4())
        self.invocation_id = str(uuid4())  # echoed by newer runtimes
        self.event = event
        self.deadline_ms = 0  # since the epoch; set when a process gets it
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._news = asyncio.Event()
        self._opening: Opening | None = None
        self._error: FunctionError | None = None
        self._has_ended = False

    @property
    def has_opened(self) -> bool:
        """Whether the function has begun to answer."""
        return self._opening is not None

    @property
    def has_ended(self) -> bool:
        """Whether the answer is complete, well or not."""
        return self._has_ended

    def open(self, opening: Opening) -> None:
        """The function begins to answer."""
        self._opening = opening
        self._news.set()

    def feed(self, piece: bytes) -> None:
        """The function says more."""
        self._pieces.put_nowait(piece)

    def end(self, error: FunctionError | None = None) -> None:
        """The answer is complete; only the first end counts."""
        if not self._has_ended:
            self._has_ended = True
            self._error = error
            self._pieces.put_nowait(None)
            self._news.set()

    async def opening(self) -> Opening:
        """Wait until the function answers.

        Raises:
            FunctionError: if it failed before it began.
        """
        await self._news.wait()
        if self._opening is None:
            raise self._error or FunctionError("Runtime.NoResponse", "no answer")
        return self._opening

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The answer as it comes, once.

        Raises:
            FunctionError: in the end, if the function failed on the way.
        """
        while (piece := await self._pieces.get()) is not None:
            yield piece
        if self._error is not None:
            raise self._error

    async def result(self) -> bytes:
        """The whole answer.

        Raises:
            FunctionError: if the function failed.
        """
        await self.opening()
        return b"".join([piece async for piece in self.pieces()])
