"""A response is made in one process, and cancelled or deleted in another."""

import asyncio
from pathlib import Path

from tests.background.kept import kept, only
from tests.background.sharing import TENANT, Process
from tests.faults.wire import event_of

SOON_SECONDS = 20.0  # the worker looks about once a second


async def test_a_response_that_is_deleted_elsewhere_is_left_though_its_upstream_is_silent(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, two = processes
    response_id = await one.queued()
    doing, _ = await one.running(await one.claimed(30), "never ended")

    await two.gateway.delete(TENANT, response_id)

    async with asyncio.timeout(SOON_SECONDS):
        await doing
    assert one.gateway.runs.get(TENANT, response_id) is None
    assert kept(tmp_path) == {}


async def test_a_response_that_is_cancelled_elsewhere_is_left_and_keeps_what_it_said(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, two = processes
    response_id = await one.queued(stream=True)
    doing, _ = await one.running(await one.claimed(30), "said")

    cancelled = await two.gateway.cancel(TENANT, response_id)

    async with asyncio.timeout(SOON_SECONDS):
        await doing
    assert (cancelled.status, cancelled.output_text) == ("cancelled", "said")
    after = only(tmp_path)
    assert after.status == "cancelled"


async def test_who_reads_elsewhere_is_told_that_it_was_deleted(
    processes: tuple[Process, Process],
) -> None:
    one, two = processes
    response_id = await one.queued(stream=True)
    doing, _ = await one.running(await one.claimed(30), "said")
    told: list[bytes] = []

    async def read() -> None:
        async for frames in await two.gateway.follow(TENANT, response_id):
            told.extend(frames)

    reading = asyncio.create_task(read())
    async with asyncio.timeout(SOON_SECONDS):
        while not any(b'"said"' in frame for frame in told):  # noqa: ASYNC110, it comes by itself
            await asyncio.sleep(0.01)
        await one.gateway.delete(TENANT, response_id)
        await reading
        await doing

    events = [event_of(frame) for frame in told]
    assert [each["sequence_number"] for each in events] == [*range(len(events))]
    assert [each["type"] for each in events][-2:] == ["error", "response.failed"]
    assert "deleted" in events[-1]["response"]["error"]["message"]
