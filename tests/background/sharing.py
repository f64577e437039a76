"""Processes that share one file, inside one process of the tests."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, override

import httpx

from rejoinder.background import Background
from rejoinder.gateway import Gateway
from rejoinder.schema.reader import read_request
from rejoinder.sealing import Sealer
from rejoinder.settings import BackgroundSettings, ProviderSettings, Settings
from rejoinder.storage.jobs import Job
from rejoinder.wiring import build_gateway
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore
from rejoinder_local.stores import stores_of
from tests.background.kept import kept

type JSON = Any

TENANT = "dev"
LEASE_SECONDS = 3.0
NO_TIME_SECONDS = 0.0


class Pieces(httpx.AsyncByteStream):
    """The body of a reply whose pieces come when the test says so."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[JSON] = asyncio.Queue()

    def say(self, *words: str) -> None:
        for word in words:
            self._pieces.put_nowait({"delta": {"content": word}})

    def end(self) -> None:
        self._pieces.put_nowait({"delta": {}, "finish_reason": "stop"})

    def cut(self) -> None:
        """Break off."""
        self._pieces.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while "finish_reason" not in (choice := await self._pieces.get() or {"finish_reason": ""}):
            yield _frame(choice)
        if not choice["finish_reason"]:
            return
        yield _frame(choice)
        yield b"data: [DONE]\n\n"


class Upstream(httpx.AsyncBaseTransport):
    """An upstream at which one worker asks."""

    def __init__(self) -> None:
        self.replies: list[Pieces] = []
        self.is_silent = False  # it does not even say that it has heard

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_silent:
            await asyncio.Event().wait()
        self.replies.append(Pieces())
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=self.replies[-1])


class Process:
    """What one process holds: connections of its own to the file that all share."""

    def __init__(
        self, folder: Path, provider: str = "scripted", store: type[SQLiteStore] = SQLiteStore
    ) -> None:
        self.upstream = Upstream()
        self._provider = provider
        self.store = store(folder / "responses.sqlite3")
        self.queue = SQLiteQueue(self.store.database)
        self.gateway = self._gateway()

    def _gateway(self) -> Gateway:
        settings = Settings(
            providers={self._provider: ProviderSettings(base_url="http://upstream.test/v1")},
            background=BackgroundSettings(lease_seconds=LEASE_SECONDS),
            retries=0,
        )
        stores = stores_of(self.store, self.queue)
        return build_gateway(settings, stores, self.upstream, Sealer(bytes(32)), {})

    @property
    def background(self) -> Background:
        return self.gateway.background

    async def queued(self, *, stream: bool = False) -> str:
        body = {"model": "scripted/model", "input": "Hi", "background": True, "stream": stream}
        request = read_request(json.dumps(body).encode(), unsupported_tools="drop")
        return (await self.gateway.create(TENANT, request)).response.id

    async def claimed(self, lease_seconds: float = NO_TIME_SECONDS) -> Job:
        """The next job, in whose response nobody was heard of for long enough."""
        self.store.release()
        job = await self.queue.claim(lease_seconds=lease_seconds)
        assert job is not None
        return job

    async def running(self, job: Job, *words: str) -> tuple[asyncio.Task[None], Pieces]:
        """A run of the job that has told these words."""
        doing = asyncio.create_task(self.background.run(job))
        known = len(self.upstream.replies)
        await until(lambda: len(self.upstream.replies) > known)
        reply = self.upstream.replies[-1]
        reply.say(*words)
        await until(lambda: self.has_told(job.subject, words))
        return doing, reply

    def has_told(self, response_id: str, words: tuple[str, ...]) -> bool:
        told = b"".join(kept(self.store.database.path.parent)[response_id].frames)
        return all(f'"delta":"{word}"'.encode() in told for word in words)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110, it looks at a file
            await asyncio.sleep(0.01)


def _frame(choice: JSON) -> bytes:
    chunk = {"id": "chatcmpl-1", "choices": [{"index": 0, **choice}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


@contextmanager
def process(folder: Path, provider: str = "scripted") -> Iterator[Process]:
    one = Process(folder, provider)
    yield one
    one.store.close()
