"""How long an upstream is waited for, and what is said when the time has come."""

import asyncio
from math import inf
from time import time

import pytest

from rejoinder.engine.deadline import Deadline, until
from rejoinder.engine.deltas import TextDelta
from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import TimeUp, Unavailable

STOPPED = Unavailable("stopped")


class Upstream:
    """Says two words, then nothing for ever, or no more; knows whether it was closed."""

    def __init__(self, *, falls_silent: bool) -> None:
        self._falls_silent = falls_silent
        self.is_closed = False

    async def deltas(self) -> Deltas:
        try:
            yield [TextDelta(0, "one")]
            yield [TextDelta(0, "two")]
            if self._falls_silent:
                await asyncio.Event().wait()
        finally:
            self.is_closed = True


async def heard(deltas: Deltas) -> int:
    number = 0
    async for batch in deltas:
        number += len(batch)
    return number


@pytest.mark.parametrize("ends_at", [inf, time() + 3600.0], ids=["never", "in an hour"])
async def test_what_ends_in_time_is_heard_whole(ends_at: float) -> None:
    upstream = Upstream(falls_silent=False)

    assert await heard(until(upstream.deltas(), ends_at)) == 2
    assert upstream.is_closed


async def test_time_is_up_in_the_middle_of_a_silence() -> None:
    upstream = Upstream(falls_silent=True)

    with pytest.raises(TimeUp):
        await heard(until(upstream.deltas(), time() + 0.05))

    assert upstream.is_closed


async def test_who_waits_is_told_of_an_early_end_and_why() -> None:
    upstream, deadline = Upstream(falls_silent=True), Deadline()
    waiting = asyncio.create_task(heard(deadline.limited(upstream.deltas())))
    await asyncio.sleep(0)
    deadline.expire(STOPPED)
    deadline.expire(STOPPED)

    with pytest.raises(Unavailable, match="stopped"):
        await waiting

    assert upstream.is_closed


async def test_who_does_not_wait_has_what_there_is_and_then_the_end() -> None:
    upstream, deadline = Upstream(falls_silent=False), Deadline()
    deltas = deadline.limited(upstream.deltas())
    first = await anext(deltas)
    deadline.expire(STOPPED)

    with pytest.raises(Unavailable, match="stopped"):
        await anext(deltas)

    assert first == [TextDelta(0, "one")]
    assert upstream.is_closed
