"""How a run ends that is stopped from outside: as it was told first, and always with an end."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rejoinder.endings import failed
from rejoinder.errors import GatewayError
from rejoinder_local.store import SQLiteStore
from tests.background.sharing import TENANT, Process
from tests.background.test_batches import streamed
from tests.faults.folding import folded

type JSON = Any

FIRST = GatewayError("The first reason.")
SECOND = GatewayError("The second reason.")


class SlowEnds(SQLiteStore):
    """A store in which an end takes its time."""

    may_end = asyncio.Event()
    is_ending = asyncio.Event()

    async def record(self, tenant: str, response: JSON, *args: JSON, **more: JSON) -> bool:
        if not response.is_live:
            self.is_ending.set()
            await self.may_end.wait()
        return await super().record(tenant, response, *args, **more)


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    monkeypatch.setattr(SlowEnds, "may_end", asyncio.Event())
    monkeypatch.setattr(SlowEnds, "is_ending", asyncio.Event())
    process = Process(tmp_path, store=SlowEnds)
    with closing(process.store):
        yield process


async def test_what_is_stopped_twice_ends_as_it_was_told_first(one: Process) -> None:
    reader, _ = await streamed(one, "word")
    run = one.gateway.runs.get(TENANT, reader.response_id)
    assert run is not None

    run.stop(failed(FIRST))
    await SlowEnds.is_ending.wait()
    run.stop(failed(SECOND))
    SlowEnds.may_end.set()
    await reader.end()

    kept = await one.store.get(TENANT, reader.response_id)
    assert kept.error is not None
    assert folded(reader.seen)["error"]["message"] == kept.error.message == "The first reason."


async def test_a_failure_that_is_stopped_while_it_is_kept_is_told_all_the_same(
    one: Process,
) -> None:
    reader, reply = await streamed(one, "word")
    run = one.gateway.runs.get(TENANT, reader.response_id)
    assert run is not None

    reply.cut()
    await SlowEnds.is_ending.wait()
    run.stop(failed(FIRST))
    await reader.end()

    assert folded(reader.seen)["error"]["message"].endswith("in the middle.")
