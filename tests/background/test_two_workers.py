"""A job in two hands: the later owner shuts the earlier one out, whoever is faster."""

import asyncio
import os
import signal
import time
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rejoinder.background import CUT_OFF, MAX_ATTEMPTS, UNREADABLE, Unfinished
from rejoinder.errors import Conflict, Unavailable
from rejoinder.storage.base import Taken
from rejoinder_local.store import SQLiteStore
from tests.background.kept import attempts, is_quiet, kept, only
from tests.background.process import eventually
from tests.background.scripted import Models
from tests.background.sharing import LEASE_SECONDS, TENANT, Process, process, until
from tests.faults.asking import ask, replayed
from tests.faults.folding import folded
from tests.faults.wire import event_of
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import text

type JSON = Any


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
    after = only(tmp_path)
    assert after.response["output_text"] == "kept"


async def test_a_job_that_is_delivered_twice_runs_once(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, two = processes
    response_id = await one.queued()
    first, second = await one.claimed(), await two.claimed()
    doing, reply = await one.running(first, "kept")

    with pytest.raises(Unfinished):
        await two.background.run(second)
    reply.end()
    await doing
    await two.background.run(second)

    assert attempts(tmp_path) == {response_id: 1}
    assert two.upstream.replies == []
    after = only(tmp_path)
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

    after = only(tmp_path)
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
    await until(lambda: b'"delta":"seen"' in b"".join(seen))
    await two.background.run(await two.claimed())
    lost.say("unseen")
    lost.end()
    await stuck
    await asyncio.wait({reading}, timeout=10)

    after = only(tmp_path)
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
    await until(lambda: len(seen) == 2)
    doing = asyncio.create_task(one.background.run(await one.claimed()))
    cancelled = await asyncio.create_task(one.gateway.cancel(TENANT, response_id))
    await doing
    await asyncio.wait({reading}, timeout=10)

    after = only(tmp_path)
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

    found = one.gateway.runs.get(TENANT, response_id)
    assert found is not None
    assert not found.task.done(), "it is the earlier one"
    cancelled = await one.gateway.cancel(TENANT, response_id)
    await doing

    after = only(tmp_path)
    assert (after.status, after.response["output_text"]) == ("cancelled", "kept")
    assert cancelled.output_text == "kept"


async def test_deliveries_that_no_worker_saw_are_no_attempts(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, _ = processes
    response_id = await one.queued()
    for _ in range(2 * MAX_ATTEMPTS):
        await one.claimed()

    doing, reply = await one.running(await one.claimed(), "made")
    reply.end()
    await doing

    assert attempts(tmp_path) == {response_id: 1}
    assert kept(tmp_path)[response_id].response["output_text"] == "made"


class Away(SQLiteStore):
    """A store that cannot be reached."""

    is_away = True

    async def take_over(self, *args: JSON, **more: JSON) -> Taken:
        if self.is_away:
            raise Unavailable("Away.")
        return await super().take_over(*args, **more)


async def test_a_store_that_was_away_costs_no_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Process(tmp_path, store=Away)
    with closing(one.store):
        response_id = await one.queued()
        for _ in range(2 * MAX_ATTEMPTS):
            with pytest.raises(Unfinished):
                await one.background.run(await one.claimed())

        monkeypatch.setattr(Away, "is_away", False)
        doing, reply = await one.running(await one.claimed(), "made")
        reply.end()
        await doing

    assert attempts(tmp_path) == {response_id: 1}
    assert kept(tmp_path)[response_id].response["output_text"] == "made"


async def test_a_response_whose_worker_was_lost_three_times_fails_and_is_done(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, _ = processes
    response_id = await one.queued()
    for _ in range(MAX_ATTEMPTS):
        lost = await one.claimed()
        await one.store.take_over(TENANT, response_id, lost.owner, hold_seconds=LEASE_SECONDS)
    job = await one.claimed()

    await one.background.run(job)
    await one.queue.done(job)

    after = only(tmp_path)
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

    after = only(tmp_path)
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

    after = only(tmp_path)
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
        after = only(server.data)
        assert after.frames[: len(seen)] == seen
        assert models.times_asked(model) <= 2
        if stream:
            response_id = event_of(seen[0])["response"]["id"]
            assert folded(replayed(server, response_id)) == after.response
        assert "Traceback" not in server.log, server.log
