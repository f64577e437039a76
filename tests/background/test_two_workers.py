"""A job in two hands: the later owner shuts the earlier one out, whoever is faster."""

import asyncio
import json
import os
import signal
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, override

import httpx
import pytest

from rejoinder.background import CUT_OFF, UNREADABLE, Background
from rejoinder.errors import Conflict
from rejoinder.gateway import Gateway
from rejoinder.schema.request import read_request
from rejoinder.sealing import Sealer
from rejoinder.settings import BackgroundSettings, ProviderSettings, Settings
from rejoinder.storage.jobs import Job
from rejoinder.wiring import build_gateway
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore
from rejoinder_local.stores import stores_of
from tests.background.kept import is_quiet, kept
from tests.background.process import eventually
from tests.background.scripted import Models
from tests.faults.asking import ask, replayed
from tests.faults.folding import folded
from tests.faults.wire import event_of
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import text

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

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while "finish_reason" not in (choice := await self._pieces.get()):
            yield _frame(choice)
        yield _frame(choice)
        yield b"data: [DONE]\n\n"


class Upstream(httpx.AsyncBaseTransport):
    """An upstream at which one worker asks."""

    def __init__(self) -> None:
        self.replies: list[Pieces] = []

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.replies.append(Pieces())
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=self.replies[-1])


class Process:
    """What one process holds: connections of its own to the file that all share."""

    def __init__(self, folder: Path, provider: str = "scripted") -> None:
        self.upstream = Upstream()
        self._provider = provider
        self.store = SQLiteStore(folder / "responses.sqlite3")
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
        job = await self.queue.claim(lease_seconds=lease_seconds)
        assert job is not None
        return job

    async def running(self, job: Job, *words: str) -> tuple[asyncio.Task[None], Pieces]:
        """A run of the job that has told these words."""
        doing = asyncio.create_task(self.background.run(job))
        known = len(self.upstream.replies)
        await _until(lambda: len(self.upstream.replies) > known)
        reply = self.upstream.replies[-1]
        reply.say(*words)
        await _until(lambda: self.has_told(job.subject, words))
        return doing, reply

    def has_told(self, response_id: str, words: tuple[str, ...]) -> bool:
        told = b"".join(kept(self.store.database.path.parent)[response_id].frames)
        return all(f'"delta":"{word}"'.encode() in told for word in words)


async def _until(condition: Callable[[], bool]) -> None:
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


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    with ExitStack() as stack:
        yield (
            stack.enter_context(process(tmp_path)),
            stack.enter_context(process(tmp_path)),
        )


async def test_the_late_owner_changes_nothing(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, two = processes
    response_id = await one.queued()
    early = await one.claimed()
    stuck, lost = await one.running(early, "lost")
    late = await two.claimed()
    doing, reply = await two.running(late, "kept")
    before = kept(tmp_path)

    lost.say("never")
    lost.end()
    await stuck

    assert kept(tmp_path) == before
    with pytest.raises(Conflict):
        await one.store.record(
            TENANT,
            await one.store.get(TENANT, response_id),
            [b"event: response.output_text.delta\ndata: {}\n\n"],
            first_number=len(before[response_id].frames),
            writer=early.owner,
        )
    with pytest.raises(Conflict):
        await one.queue.renew(early, lease_seconds=LEASE_SECONDS)
    assert kept(tmp_path) == before
    reply.end()
    await doing
    [after] = kept(tmp_path).values()
    after.check()
    assert after.response["output_text"] == "kept"


async def test_a_late_owner_that_was_faster_is_shut_out_as_well(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, two = processes
    await one.queued()
    stuck, lost = await one.running(await one.claimed(), "lost")
    doing, reply = await two.running(await two.claimed())

    lost.say("a", "long", "story", "that", "nobody", "hears")
    lost.end()
    await stuck
    reply.say("kept")
    reply.end()
    await doing

    [after] = kept(tmp_path).values()
    after.check()
    assert after.response["output_text"] == "kept"


async def test_what_has_ended_is_not_begun_again(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, two = processes
    await one.queued()
    early = await one.claimed()
    late = await two.claimed()
    doing, reply = await one.running(early, "kept")
    reply.end()
    await doing
    before = kept(tmp_path)

    await two.background.run(late)

    assert kept(tmp_path) == before
    assert two.upstream.replies == []
    await one.queue.done(early)
    assert await one.queue.waiting(TENANT) == 0
    assert (await two.queue.depth()).waiting == 1
    await two.queue.done(late)
    assert is_quiet(tmp_path)


async def test_readers_of_the_early_owner_see_only_what_is_kept(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, two = processes
    response_id = await one.queued(stream=True)
    stuck, lost = await one.running(await one.claimed(), "seen")
    seen: list[bytes] = []

    async def read() -> None:
        async for frames in await one.gateway.follow(TENANT, response_id):
            seen.extend(frames)

    reading = asyncio.create_task(read())
    await _until(lambda: b'"delta":"seen"' in b"".join(seen))
    await two.background.run(await two.claimed())
    lost.say("unseen")
    lost.end()
    await stuck
    await asyncio.wait({reading}, timeout=10)

    [after] = kept(tmp_path).values()
    after.check()
    assert after.response["error"]["message"] == CUT_OFF.message
    assert after.frames[: len(seen)] == seen
    assert reading.done()


async def test_a_run_that_is_stopped_before_its_first_step_ends_for_its_readers(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, _ = processes
    response_id = await one.queued(stream=True)
    seen: list[bytes] = []

    async def read() -> None:
        async for frames in await one.gateway.follow(TENANT, response_id):
            seen.extend(frames)

    reading = asyncio.create_task(read())
    await _until(lambda: len(seen) == 2)
    doing = asyncio.create_task(one.background.run(await one.claimed()))
    cancelled = await asyncio.create_task(one.gateway.cancel(TENANT, response_id))
    await doing
    await asyncio.wait({reading}, timeout=5)

    [after] = kept(tmp_path).values()
    after.check()
    assert cancelled.status == after.status == "cancelled"
    assert reading.done()
    assert after.frames[: len(seen)] == seen


async def test_of_two_runs_in_one_process_the_later_one_can_be_stopped(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, _ = processes
    response_id = await one.queued()
    stuck, lost = await one.running(await one.claimed(), "lost")
    doing, _ = await one.running(await one.claimed(), "kept")
    lost.say("never")
    lost.end()
    await stuck

    cancelled = await one.gateway.cancel(TENANT, response_id)
    await asyncio.wait({doing}, timeout=0.5)

    assert doing.done(), "it was not found"
    [after] = kept(tmp_path).values()
    after.check()
    assert (after.status, after.response["output_text"]) == ("cancelled", "kept")
    assert cancelled.output_text == "kept"


async def test_a_job_that_comes_too_often_fails_and_is_done(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, _ = processes
    await one.queued()
    job = replace(await one.claimed(), attempt=4)

    await one.background.run(job)
    await one.queue.done(job)

    [after] = kept(tmp_path).values()
    after.check()
    assert "3 attempts" in after.response["error"]["message"]
    assert one.upstream.replies == []
    assert is_quiet(tmp_path)


async def test_what_nobody_serves_any_more_fails(tmp_path: Path) -> None:
    with process(tmp_path) as one:
        await one.queued()
        await one.running(await one.claimed(), "seen by nobody")
    with process(tmp_path, provider="another") as two:
        job = await two.claimed()

        await two.background.run(job)
        await two.queue.done(job)

    [after] = kept(tmp_path).values()
    after.check()
    assert "scripted/model" in after.response["error"]["message"]
    assert after.response["output"] == []
    assert is_quiet(tmp_path)


@pytest.mark.parametrize(
    "request_body",
    [b'{"model": "demo"}', b'{"wish": 1, "reasoning": {}}', b'{"reasoning": {"a": 1}}'],
)
async def test_what_another_version_queued_fails(
    processes: tuple[Process, Process], tmp_path: Path, request_body: bytes
) -> None:
    one, _ = processes
    await one.queued()
    one.store.database.db.execute("UPDATE contexts SET request = ?", (zlib.compress(request_body),))
    job = await one.claimed()

    await one.background.run(job)

    [after] = kept(tmp_path).values()
    after.check()
    assert after.response["error"]["message"] == UNREADABLE.message


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "unread"])
def test_a_process_that_stood_still_for_longer_than_its_lease_tells_no_two_stories(
    upstream: ChatUpstream, tmp_path: Path, stream: bool
) -> None:
    models = Models(upstream)
    model = models.saying(text(*(f"{number} " for number in range(25))).paced(0.1))
    extra = f"retries = 0\n[background]\nlease_seconds = {LEASE_SECONDS}\n"
    with Server(tmp_path / "data", upstream.base_url, extra) as server:
        with ask(server, model, background=True, stream=stream) as exchange:
            seen = exchange.until('"3 "') if stream else [exchange.json()]
            eventually(lambda: models.times_asked(model) == 1)
            os.kill(server.pid, signal.SIGSTOP)
            try:
                time.sleep(LEASE_SECONDS + 0.5)
            finally:
                os.kill(server.pid, signal.SIGCONT)
            seen = [*seen, *exchange.rest()] if stream else []

        eventually(lambda: is_quiet(server.data))
        [after] = kept(server.data).values()
        after.check()
        assert after.frames[: len(seen)] == seen
        assert models.times_asked(model) <= 2
        if stream:
            response_id = event_of(seen[0])["response"]["id"]
            assert folded(replayed(server, response_id)) == after.response
        assert "Traceback" not in server.log, server.log
