"""Where writes cost money: events are shown first and recorded in batches, but for the ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, aclosing
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

import pytest

from rejoinder import recorder
from rejoinder.background import LEFT, LOST_SECONDS
from rejoinder.endings import DELETED
from rejoinder.errors import GatewayError, NotFound, TimeUp, Unavailable
from rejoinder.gateway import Gateway, Made
from rejoinder.idempotency import IdempotencyKey
from rejoinder.schema.reader import read_request
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import Response
from rejoinder_local.store import SQLiteStore
from tests.background.sharing import LEASE_SECONDS, TENANT, Pieces, Process, until
from tests.faults.folding import folded
from tests.faults.wire import event_of

type JSON = Any

ASKED = {"model": "scripted/model", "input": "Hi"}
KEY = IdempotencyKey("key", "digest")


class BatchingStore(SQLiteStore):
    """The embedded store, as if writing to it were dear."""

    pace = 0.01
    silence = 0.0

    @property
    def batch_seconds(self) -> float:
        return self.pace

    async def silent_seconds(self, tenant: str, response_id: str) -> float:
        response = await self.get(tenant, response_id)
        return self.silence if response.is_live else 0.0


@pytest.fixture
def pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is recorded by itself for as long as a test takes."""
    monkeypatch.setattr(BatchingStore, "pace", 60.0)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Process]:
    with ExitStack() as stack:
        yield opened(stack, tmp_path)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Process]:
    with ExitStack() as stack:
        yield opened(stack, tmp_path)


def opened(stack: ExitStack, folder: Path) -> Process:
    process = Process(folder, store=BatchingStore)
    stack.callback(process.store.close)
    return process


def asking(**more: JSON) -> CreateResponse:
    return read_request(json.dumps(ASKED | more).encode(), unsupported_tools="drop")


class Reader:
    """Reads a stream as it comes."""

    def __init__(self, frames: AsyncIterator[list[bytes]]) -> None:
        self.seen: list[bytes] = []
        self.reading = asyncio.create_task(self._read(frames))

    async def _read(self, frames: AsyncIterator[list[bytes]]) -> None:
        async for batch in frames:
            self.seen += batch

    def has(self, word: str) -> bool:
        return f'"delta":"{word}"'.encode() in b"".join(self.seen)

    @property
    def response_id(self) -> str:
        return str(event_of(self.seen[0])["response"]["id"])

    async def end(self) -> None:
        async with asyncio.timeout(20):
            await self.reading


async def streamed(process: Process, *words: str) -> tuple[Reader, Pieces]:
    """A stream whose reader has seen these words."""
    telling = await process.gateway.stream(TENANT, asking(stream=True))
    reader = Reader(telling.frames)
    await until(lambda: bool(process.upstream.replies))
    reply = process.upstream.replies[-1]
    reply.say(*words)
    await until(lambda: all(reader.has(word) for word in words))
    return reader, reply


async def recorded(process: Process, response_id: str) -> bytes:
    return b"".join(await process.store.frames(TENANT, response_id, after=-1))


@pytest.mark.usefixtures("pace")
async def test_words_are_shown_before_they_are_recorded(one: Process) -> None:
    reader, reply = await streamed(one, "first", "second", "third")

    before = await recorded(one, reader.response_id)
    reply.end()
    await reader.end()

    assert before.startswith(reader.seen[0])
    assert b"third" not in before
    assert await recorded(one, reader.response_id) == b"".join(reader.seen)


@pytest.mark.usefixtures("pace")
async def test_much_is_recorded_without_waiting(one: Process) -> None:
    reader, reply = await streamed(one, "first")

    reply.say("x" * recorder.BATCH_BYTES, "last")
    await until(lambda: reader.has("last"))
    await until(lambda: one.has_told(reader.response_id, ("x" * recorder.BATCH_BYTES,)))
    reply.end()
    await reader.end()

    folded(reader.seen)


async def test_the_end_is_recorded_before_it_is_shown(one: Process) -> None:
    telling = await one.gateway.stream(TENANT, asking(stream=True))
    async with aclosing(telling.frames) as frames:
        first = asyncio.create_task(anext(frames))
        await until(lambda: bool(one.upstream.replies))
        one.upstream.replies[0].say("Hello")
        one.upstream.replies[0].end()
        seen = await first
        while not seen[-1].startswith(b"event: response.completed"):
            seen += await anext(frames)
        response_id = event_of(seen[0])["response"]["id"]
        kept = await one.store.get(TENANT, response_id)

    assert kept.status == "completed"
    assert await recorded(one, response_id) == b"".join(seen)


async def test_who_follows_from_elsewhere_sees_the_same_bytes(one: Process, two: Process) -> None:
    reader, reply = await streamed(one, "first")
    other = Reader(await two.gateway.follow(TENANT, reader.response_id))
    late = Reader(await two.gateway.follow(TENANT, reader.response_id, after=2))

    await until(lambda: other.has("first"))
    reply.say("second")
    reply.end()
    await asyncio.gather(reader.end(), other.end(), late.end())

    assert other.seen == reader.seen
    assert late.seen == reader.seen[3:]


async def test_a_response_that_is_deleted_elsewhere_is_stopped(one: Process, two: Process) -> None:
    reader, reply = await streamed(one, "first")

    await two.gateway.delete(TENANT, reader.response_id)
    reply.say("never kept")
    await reader.end()

    assert event_of(reader.seen[-1])["response"]["error"]["message"] == DELETED.message
    with pytest.raises(NotFound):
        await one.gateway.retrieve(TENANT, reader.response_id)


async def test_it_is_stopped_although_the_upstream_says_nothing(one: Process, two: Process) -> None:
    reader, _ = await streamed(one, "first")

    await two.gateway.delete(TENANT, reader.response_id)
    await reader.end()

    assert event_of(reader.seen[-1])["response"]["error"]["message"] == DELETED.message


async def test_a_model_may_think_for_long_before_its_first_word(one: Process) -> None:
    telling = await one.gateway.stream(TENANT, asking(stream=True))
    reader = Reader(telling.frames)
    await until(lambda: bool(one.upstream.replies))

    await asyncio.sleep(LEASE_SECONDS / 2)  # in which a response that has begun is heard of
    one.upstream.replies[0].say("first")
    one.upstream.replies[0].end()
    await reader.end()

    assert folded(reader.seen)["status"] == "completed"


class Unwilling(BatchingStore):
    """A store that keeps no end."""

    async def record(self, tenant: str, response: Response, *args: JSON, **more: JSON) -> bool:
        if not response.is_live:
            raise Unavailable("Busy.")
        return await super().record(tenant, response, *args, **more)


@pytest.fixture
def unwilling(tmp_path: Path) -> Iterator[Process]:
    with ExitStack() as stack:
        process = Process(tmp_path, store=Unwilling)
        stack.callback(process.store.close)
        yield process


async def test_an_end_that_cannot_be_kept_is_a_failure(unwilling: Process) -> None:
    reader, reply = await streamed(unwilling, "first", "second")

    reply.end()
    await reader.end()

    response = folded(reader.seen)
    assert (response["status"], response["output_text"]) == ("failed", "firstsecond")
    assert response["error"]["message"] == "Busy."


async def test_an_answer_whose_end_cannot_be_kept_is_an_error(unwilling: Process) -> None:
    making = asyncio.create_task(unwilling.gateway.create(TENANT, asking()))
    await until(lambda: bool(unwilling.upstream.replies))

    unwilling.upstream.replies[0].say("first")
    unwilling.upstream.replies[0].end()

    with pytest.raises(Unavailable, match="Busy"):
        await making


# Who died in the middle.


async def left(process: Process, **more: JSON) -> str:
    """A response whose maker died."""
    if more.get("background"):
        made = await process.gateway.create(TENANT, asking(**more))
        job = await process.queue.claim(lease_seconds=0)
        assert job is not None
        await process.queue.done(job)
        return made.response.id
    reader, _ = await streamed(process, "first")
    run = process.gateway.runs.get(TENANT, reader.response_id)
    assert run is not None
    run.stop(lambda _: [])
    await reader.end()
    return reader.response_id


async def test_a_response_that_its_maker_left_has_failed_for_who_asks(
    one: Process, two: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    response_id = await left(one)
    before = await two.gateway.retrieve(TENANT, response_id)
    monkeypatch.setattr(BatchingStore, "silence", 61.0)

    after = await asyncio.gather(
        *(process.gateway.retrieve(TENANT, response_id) for process in (one, two, two))
    )

    assert before.status == "in_progress"
    assert [each.status for each in after] == ["failed"] * 3
    assert all(each.error is not None and each.error.message == LEFT.message for each in after)


async def test_numbers_that_may_have_been_shown_are_not_used_again(
    one: Process, two: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    response_id = await left(one)
    seen = await one.store.frames(TENANT, response_id, after=-1)
    monkeypatch.setattr(BatchingStore, "silence", 61.0)

    rejoined = Reader(await two.gateway.follow(TENANT, response_id, after=len(seen) + 500))
    await rejoined.end()

    numbers = [event_of(frame)["sequence_number"] for frame in rejoined.seen]
    assert event_of(rejoined.seen[-1])["type"] == "response.failed"
    assert numbers == sorted(numbers)
    assert numbers[0] > len(seen) + 500


async def test_a_follower_sees_the_end_of_what_is_left_while_it_follows(
    one: Process, two: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    response_id = await left(one)
    reader = Reader(await two.gateway.follow(TENANT, response_id))
    await until(lambda: bool(reader.seen))

    monkeypatch.setattr(BatchingStore, "silence", 61.0)
    await reader.end()

    terminal = [f for f in reader.seen if f.startswith(b"event: response.failed")]
    assert len(terminal) == 1
    assert reader.seen[-1] is terminal[0]


async def test_a_job_that_was_lost_is_sent_again(
    one: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    response_id = await left(one, background=True)
    assert await one.queue.claim(lease_seconds=0) is None
    monkeypatch.setattr(BatchingStore, "silence", LOST_SECONDS + 1)

    response = await one.gateway.retrieve(TENANT, response_id)

    assert response.status == "queued"
    job = await one.queue.claim(lease_seconds=60)
    assert job is not None
    assert (job.kind, job.subject) == ("run", response_id)


# The store is away.


async def test_readers_who_were_told_of_a_failure_do_not_find_a_success_later(
    one: Process, pace: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, reply = await streamed(one, "Hel", "lo")
    record = one.store.record
    refusals = [Unavailable("The store is away.")]

    async def record_at_the_second_time(*args: JSON, **more: JSON) -> bool:
        if refusals:
            raise refusals.pop()
        return await record(*args, **more)

    monkeypatch.setattr(one.store, "record", record_at_the_second_time)
    reply.end()
    await reader.end()
    await until(lambda: one.gateway.runs.number == 0)

    kept = await one.store.get(TENANT, reader.response_id)
    recorded = await one.store.frames(TENANT, reader.response_id, after=-1)
    assert not refusals
    assert event_of(reader.seen[-1])["type"] == "response.failed"
    assert kept.status != "completed"
    assert recorded == reader.seen[: len(recorded)]


# Time is up.


async def test_a_stream_ends_in_band_when_time_is_up(one: Process) -> None:
    telling = await one.gateway.stream(TENANT, asking(stream=True), ends_at=time() + 0.3)
    reader = Reader(telling.frames)
    await until(lambda: bool(one.upstream.replies))

    one.upstream.replies[0].say("Once")
    await reader.end()

    response = event_of(reader.seen[-1])["response"]
    assert response["status"] == "incomplete"
    assert response["output_text"] == "Once"
    assert (await one.store.get(TENANT, response["id"])).status == "incomplete"


@pytest.mark.parametrize("store", [True, False])
async def test_a_whole_answer_is_incomplete_when_time_is_up(one: Process, store: bool) -> None:
    making = asyncio.create_task(
        one.gateway.create(TENANT, asking(store=store), ends_at=time() + 0.3)
    )
    await until(lambda: bool(one.upstream.replies))

    one.upstream.replies[0].say("Once")
    made = await making

    assert made.response.status == "incomplete"
    assert made.response.output_text == "Once"


async def test_before_the_first_event_the_end_of_time_is_an_error(one: Process) -> None:
    one.upstream.is_silent = True

    with pytest.raises(TimeUp):
        await one.gateway.create(TENANT, asking(), ends_at=time() + 0.1)


# Asked twice, in two processes.


def reserving(process: Process) -> Gateway:
    gateway = process.gateway
    return replace(gateway, idempotency=replace(gateway.idempotency, reserved_seconds=30.0))


async def test_who_asks_again_elsewhere_waits_for_the_first_word(
    one: Process, two: Process
) -> None:
    first = asyncio.create_task(reserving(one).create(TENANT, asking(), KEY))
    await until(lambda: bool(one.upstream.replies))
    second = asyncio.create_task(reserving(two).create(TENANT, asking(), KEY))
    await asyncio.sleep(0.1)

    one.upstream.replies[0].say("Hello")
    one.upstream.replies[0].end()
    made: list[Made] = list(await asyncio.gather(first, second))

    assert made[0].response == made[1].response
    assert two.upstream.replies == []


async def test_what_came_to_nothing_is_not_waited_for(one: Process, two: Process) -> None:
    one.upstream.is_silent = True
    with pytest.raises(TimeUp):
        await reserving(one).create(TENANT, asking(), KEY, ends_at=time() + 0.1)

    second = asyncio.create_task(reserving(two).create(TENANT, asking(), KEY))
    await until(lambda: bool(two.upstream.replies))
    two.upstream.replies[0].say("Hello")
    two.upstream.replies[0].end()

    assert (await second).response.output_text == "Hello"


async def test_a_failure_is_told_again_as_it_was_told_first(one: Process) -> None:
    refused: list[GatewayError] = []
    for reply in ("breaks", None):
        making = asyncio.create_task(one.gateway.create(TENANT, asking(), KEY))
        if reply:
            await until(lambda: bool(one.upstream.replies))
            one.upstream.replies[0].say("Once")
            one.upstream.replies[0].cut()
        with pytest.raises(Unavailable) as error:
            await making
        refused.append(error.value)

    assert len(one.upstream.replies) == 1
    assert refused[0].message == refused[1].message
    assert refused[0].status == refused[1].status == 503
