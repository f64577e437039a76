"""Applications with a life: what they do at start-up, shutdown and around a snapshot."""

import json
import sys
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]


class Living:
    """Says what happens to it; its name says what it does at start-up."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.history: list[str] = []

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(scope, receive, send)
            return
        told = {"history": self.history, "state": scope["state"]}
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    async def live(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()
        self.history.append("started")
        scope["state"]["pool"] = "open"
        if self.name == "failing":
            await send({"type": "lifespan.startup.failed", "message": "no database"})
            raise ConnectionError("as Starlette does")
        if self.name == "raising":
            raise ConnectionError("no database")
        if self.name == "naive":
            await send({"type": "http.response.start", "status": 200})
        await send({"type": "lifespan.startup.complete"})
        await receive()
        sys.stdout.write('{"said": "goodbye"}\n')
        await send({"type": "lifespan.shutdown.complete"})


class Snapped(Living):
    """Has hooks around a snapshot."""

    def before_snapshot(self) -> None:
        self.history.append("before")
        if self.name == "fails_before":
            raise ConnectionError("still open")

    async def after_restore(self) -> None:
        self.history.append("after")
        if self.name == "fails_after":
            raise ConnectionError("cannot reopen")


living = Living("living")
failing = Living("failing")
raising = Living("raising")
naive = Living("naive")
snapped = Snapped("snapped")
fails_before = Snapped("fails_before")
fails_after = Snapped("fails_after")


class Registry(ModuleType):
    """What AWS's `snapshot_restore_py` of the managed runtime has."""

    def get_before_snapshot(self) -> list[Any]:
        return [(snapped.history.append, ("b1",), {}), (snapped.history.append, ("b2",), {})]

    def get_after_restore(self) -> list[Any]:
        return [(snapped.history.append, ("a1",), {}), (snapped.history.append, ("a2",), {})]


sys.modules["snapshot_restore_py"] = Registry("snapshot_restore_py")
not_callable = "a string"
