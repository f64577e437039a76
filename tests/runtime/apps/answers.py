"""An application whose paths are ways to answer."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

type JSON = Any
type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]

EVENT_STREAM = [(b"content-type", b"text/event-stream")]


class Talk:
    """One request; the names of the methods below are its paths."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send

    async def begin(self, status: int = 200, headers: JSON = EVENT_STREAM) -> None:
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def say(self, body: bytes, *, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def whole(self) -> None:
        await self.begin(headers=[(b"content-type", b"application/json"), (b"x-own", b"1")])
        await self.send({"type": "http.response.body", "body": b'{"ok":true}'})

    async def stream(self) -> None:
        await self.begin()
        for number in range(3):
            await self.say(b"data: %d\n\n" % number)
            await self.say(b"")
        await self.say(b"", more=False)

    async def echo(self) -> None:
        told = await self.receive()
        context = self.scope["aws.context"]
        shown = {
            "body": told["body"].decode(errors="replace"),
            "length": len(told["body"]),
            "path": self.scope["path"],
            "headers": [[name.decode(), value.decode()] for name, value in self.scope["headers"]],
            "lambda": self.scope["extensions"]["aws.lambda"],
            "trace": os.environ.get("_X_AMZN_TRACE_ID"),
            "request_id": context.aws_request_id,
            "function_name": context.function_name,
            "remaining_ms": context.get_remaining_time_in_millis(),
            "event_path": self.scope["aws.event"]["path"],
            "modules": sorted(sys.modules),
            "search_path": sys.path,
        }
        await self.begin(headers=[(b"content-type", b"application/json")])
        await self.say(json.dumps(shown).encode(), more=False)

    async def two_steps(self) -> None:
        await self.begin()
        await self.say(b"first")
        await self.gate("go")
        await self.say(b"second", more=False)

    async def after_work(self) -> None:
        await self.begin()
        await self.say(b"done", more=False)
        await self.gate("go")

    async def gate(self, name: str) -> None:
        while not is_there(name):  # noqa: ASYNC110 - the test opens the gate from without
            await asyncio.sleep(0.005)

    async def cookies(self) -> None:
        headers = [
            (b"Content-Type", b"text/plain"),
            (b"set-cookie", b"a=1; Path=/"),
            (b"set-cookie", b"b=2"),
            (b"link", b"</one>"),
            (b"link", b"</two>"),
            (b"content-length", b"2"),
            (b"connection", b"close"),
            (b"transfer-encoding", b"identity"),
            (b"x-nul", b"\0"),
            (b"x-name", "Zoë".encode("latin-1")),
        ]
        await self.begin(201, headers)
        await self.say(b"ok", more=False)

    async def empty(self) -> None:
        await self.begin(204, [])
        await self.send({"type": "http.response.body"})

    async def large_headers(self) -> None:
        await self.begin(headers=[(b"x-large", b"x" * 20_000)])
        await self.say(b"never", more=False)

    async def fails_before(self) -> None:
        await self.begin()
        raise KeyError("a secret of the request")

    async def fails_by_another(self) -> None:
        try:
            await self.fails_before()
        except KeyError as error:
            raise ValueError("another secret") from error

    async def fails_amid(self) -> None:
        await self.begin()
        await self.say(b"first")
        raise ValueError("a secret of the request")

    async def fails_after(self) -> None:
        await self.begin()
        await self.say(b"done", more=False)
        raise ValueError("a secret of the request")

    async def fails_in_a_group(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.fails_before())

    async def says_nothing(self) -> None:
        await self.begin()

    async def stops_amid(self) -> None:
        await self.begin()
        await self.say(b"first")

    async def cancels_itself(self) -> None:
        raise asyncio.CancelledError

    async def out_of_order(self) -> None:
        refused = []
        for message in ({"type": "http.response.body"}, {"type": "http.response.push"}):
            try:
                await self.send(message)
            except RuntimeError as error:
                refused.append(str(error))
        await self.begin()
        try:
            await self.begin()
        except RuntimeError as error:
            refused.append(str(error))
        await self.say(json.dumps(refused).encode(), more=False)
        await self.say(b"after the end")

    async def exits(self) -> None:
        await self.begin()
        await self.say(b"first")
        os._exit(3)

    async def endless(self) -> None:
        await self.begin()
        await self.say(b"first")
        await asyncio.Event().wait()

    async def silent(self) -> None:
        await asyncio.Event().wait()

    async def stubborn(self) -> None:
        await self.begin()
        await self.say(b"first")
        while True:
            try:
                await self.gate("go")
            except asyncio.CancelledError:
                note({"stopped": False})
            else:
                return

    async def last_words(self) -> None:
        await self.begin()
        try:
            await asyncio.Event().wait()
        finally:
            await self.say(b"incomplete", more=False)

    async def talks_on(self) -> None:
        await self.begin()
        try:
            while True:
                await self.say(b"more")
                await asyncio.sleep(0.005)
        except OSError as error:
            note({"gone": type(error).__name__})
            raise

    async def floods(self) -> None:
        await self.begin()
        try:
            await self.say(b"flood" * 10_000_000)
        except OSError as error:
            note({"gone": type(error).__name__})

    async def listens(self) -> None:
        await self.receive()
        await self.begin()
        await self.say(b"more")
        note({"heard": await self.receive()})

    async def listens_after(self) -> None:
        await self.receive()
        await self.begin()
        await self.say(b"done", more=False)
        note({"heard": await self.receive()})

    async def ends_when_heard(self) -> None:
        """Cancels its last words as soon as the end is heard of."""
        await self.receive()
        await self.begin()
        saying = asyncio.create_task(self.say(b"last words", more=False))
        await self.receive()
        saying.cancel()

    async def forgets_a_failure(self) -> None:
        async def fail() -> None:
            raise ValueError("a secret of the request")

        asyncio.create_task(fail())  # noqa: RUF006 - that is the point
        await asyncio.sleep(0)
        await self.whole()

    async def at_once(self) -> None:
        await self.begin()
        await asyncio.gather(*(self.say(b"%d " % number) for number in range(4)))
        await self.say(b"", more=False)

    async def prints(self) -> None:
        note({"printed": True})
        await self.whole()

    async def many(self) -> None:
        await self.begin()
        for _ in range(5000):
            await self.say(b"x" * 200)
        await self.say(b"", more=False)

    async def leaves_a_task(self) -> None:
        async def tick() -> None:
            await self.gate("go")
            note({"ticked": True})

        TASKS.add(asyncio.create_task(tick()))
        await self.whole()


def note(told: JSON) -> None:
    sys.stdout.write(f"{json.dumps(told)}\n")


def is_there(name: str) -> bool:
    return Path(name).exists()


TASKS: set[asyncio.Task[None]] = set()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await getattr(Talk(scope, receive, send), scope["path"].strip("/"))()
