"""The life of the application in this process (ASGI specification, "Lifespan protocol")."""

import asyncio
from contextlib import suppress
from typing import Any

from rejoinder_runtime.exchange import App, Message

SHUTDOWN_SECONDS = 1.5  # Lambda allows two, and extensions want theirs


class StartupFailed(Exception):
    """The application says that it cannot start, and why."""


class Lifespan:
    """Start-up once per process, shutdown if Lambda announces it.

    An application that knows no lifespan is taken as it is. One that fails after it has received
    the start-up message is not: it would answer requests half-started.
    """

    def __init__(self, app: App) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._is_known = False
        self._is_complete = asyncio.Event()
        self._failure: StartupFailed | None = None

    async def startup(self) -> None:
        """Start the application.

        Raises:
            StartupFailed: if it says that it could not.
            Exception: any other with which it ended instead.
        """
        self._running = asyncio.create_task(self._run())
        self._to_app.put_nowait({"type": "lifespan.startup"})
        complete = asyncio.create_task(self._is_complete.wait())
        await asyncio.wait({self._running, complete}, return_when=asyncio.FIRST_COMPLETED)
        complete.cancel()
        if self._failure is not None:
            await self._put_away()
            raise self._failure
        if self._running.done() and not self._is_complete.is_set():
            error = self._running.exception()
            if error is not None and self._is_known:
                raise error

    async def shutdown(self) -> None:
        """Let the application put away what it holds; it may fail, or take too long."""
        self._to_app.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait({self._running}, timeout=SHUTDOWN_SECONDS)
        await self._put_away()

    async def _put_away(self) -> None:
        self._running.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._running

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        await self._app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        message = await self._to_app.get()
        self._is_known = True
        return message

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self._is_complete.set()
            case "lifespan.startup.failed":
                self._failure = StartupFailed(message.get("message", ""))
                self._is_complete.set()
            case "lifespan.shutdown.complete" | "lifespan.shutdown.failed":
                pass
            case other:
                self._is_known = False
                raise RuntimeError(f"{other!r} is no message of a lifespan")
