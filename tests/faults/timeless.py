"""The application without sockets, in a time that passes only while everybody waits.

Its upstream is a script of pieces and pauses behind the HTTP transport; its client is the other
end of ASGI. Seconds cost nothing and are exact.
"""

import asyncio
import json
import selectors
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any, override

import httpx
from starlette.types import Message, Scope

from rejoinder.sealing import Sealer
from rejoinder.settings import ProviderSettings, Settings
from rejoinder.web.app import App
from rejoinder.web.auth import KeyRing, digest_of
from rejoinder.wiring import build_gateway
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore
from rejoinder_local.stores import stores_of
from tests.faults.asking import body
from tests.server import KEY

type JSON = Any
type Script = Sequence[str | float]  # what the model says, and seconds of silence

HEARTBEAT_SECONDS = 10.0
PATIENCE_SECONDS = 5.0


class _Skipping(selectors.DefaultSelector):
    """Where a loop would wait for a time, the time comes at once."""

    now = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    @override
    def time(self) -> float:
        return self._skipping.now


def run[T](work: Coroutine[Any, Any, T]) -> T:
    """Do it in a time of its own, that begins at 0."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work)


def now() -> float:
    """The time on the loop's clock."""
    return asyncio.get_running_loop().time()


class ScriptedStream(httpx.AsyncByteStream):
    """The body of the upstream's reply."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.said = 0
        self.closed_at = -1.0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for step in self._script:
            if isinstance(step, str):
                self.said += 1
                yield _frame({"delta": {"content": step}})
            else:
                await asyncio.sleep(step)
        yield _frame({"delta": {}, "finish_reason": "stop"})
        yield b"data: [DONE]\n\n"

    @override
    async def aclose(self) -> None:
        self.closed_at = now()


class ScriptedTransport(httpx.AsyncBaseTransport):
    """An upstream that accepts after some seconds, and plays its script."""

    def __init__(self, script: Script, *, accepts_after_seconds: float = 0.0) -> None:
        self.stream = ScriptedStream(script)
        self.left_at = -1.0
        self._accepts_after_seconds = accepts_after_seconds

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            await asyncio.sleep(self._accepts_after_seconds)
        except asyncio.CancelledError:
            self.left_at = now()
            raise
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=self.stream)


class Client:
    """The other end of ASGI: takes its time over each write, and may go away.

    `torn_at`: when its connection breaks, of which only writes learn.
    """

    def __init__(
        self,
        *,
        takes_seconds: float = 0.0,
        leaves_at: float | None = None,
        torn_at: float = inf,
    ) -> None:
        self.writes: list[tuple[float, bytes]] = []
        self._takes_seconds = takes_seconds
        self._leaves_at = leaves_at
        self._torn_at = torn_at
        self._is_reading = False
        self._asked: list[Message] = []

    async def ask(self, app: App, request: JSON) -> None:
        """Send a request and see it through."""
        self._asked = [{"type": "http.request", "body": json.dumps(request).encode()}]
        await app(_scope(), self._receive, self._send)

    @property
    def comments_at(self) -> list[float]:
        """When comments came."""
        return [at for at, data in self.writes if data.startswith(b":")]

    @property
    def events(self) -> list[bytes]:
        """The events that came."""
        frames = b"".join(data for _, data in self.writes).split(b"\n\n")
        return [frame + b"\n\n" for frame in frames if frame.startswith(b"event: ")]

    async def _receive(self) -> Message:
        if self._asked:
            return self._asked.pop()
        if self._leaves_at is None:
            await asyncio.Event().wait()
        await asyncio.sleep(max(0.0, (self._leaves_at or 0.0) - now()))
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        assert not self._is_reading, "two writes at once"
        self._is_reading = True
        await asyncio.sleep(self._takes_seconds)
        self._is_reading = False
        if now() >= self._torn_at:
            raise BrokenPipeError
        if data := message.get("body"):
            self.writes.append((now(), data))


@contextmanager
def application(folder: Path, transport: ScriptedTransport) -> Iterator[App]:
    """The application over a store in this folder."""
    settings = Settings(
        providers={"scripted": ProviderSettings(base_url="http://upstream.test/v1")},
        heartbeat_seconds=HEARTBEAT_SECONDS,
        patience_seconds=PATIENCE_SECONDS,
        retries=0,
    )
    store = SQLiteStore(folder / "responses.sqlite3")
    stores = stores_of(store, SQLiteQueue(store.database))
    gateway = build_gateway(settings, stores, transport, Sealer(bytes(32)), {})
    yield App(gateway, KeyRing({digest_of(KEY): "dev"}), settings)
    store.close()


def request(*, store: bool = True, stream: bool = True) -> JSON:
    """A request for the scripted model."""
    return body("scripted/model", store=store, stream=stream)


def _scope() -> Scope:
    headers = [(b"authorization", f"Bearer {KEY}".encode())]
    return {
        "type": "http",
        "method": "POST",
        "path": "/v1/responses",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
    }


def _frame(choice: JSON) -> bytes:
    chunk = {"id": "chatcmpl-1", "choices": [{"index": 0, **choice}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()
