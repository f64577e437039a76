"""Many readers follow one writer, each from where it stands."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoinder.engine.recording import Recording
from rejoinder.errors import Unavailable
from tests.unit.engine.stories import examples

A, B, C = b"a\n\n", b"b\n\n", b"c\n\n"


async def read(recording: Recording, after: int = -1) -> list[bytes]:
    return [frame async for batch in recording.follow(after) for frame in batch]


async def test_many_readers_see_all_that_is_written() -> None:
    recording = Recording()
    readers = [asyncio.create_task(read(recording)) for _ in range(20)]
    for frame in (A, B, C):
        await asyncio.sleep(0)
        recording.append([frame])
    recording.end()

    assert await asyncio.gather(*readers) == [[A, B, C]] * 20


async def test_a_late_reader_sees_what_was_written_before_it_came() -> None:
    recording = Recording()
    recording.append([A, B])
    recording.end()

    assert await read(recording) == [A, B]


async def test_a_reader_may_begin_anywhere() -> None:
    recording = Recording()
    recording.append([A, B, C])
    recording.end()

    assert [await read(recording, after) for after in range(-1, 4)] == [
        [A, B, C],
        [B, C],
        [C],
        [],
        [],
    ]


async def test_a_reader_may_wait_for_frames_far_ahead() -> None:
    recording = Recording()
    reader = asyncio.create_task(read(recording, 1))
    for frame in (A, B, C):
        await asyncio.sleep(0)
        recording.append([frame])
    recording.end()

    assert await reader == [C]


async def test_what_is_there_at_one_moment_comes_together() -> None:
    recording = Recording()
    recording.append([A])
    recording.append([B])
    follower = recording.follow()

    assert await anext(follower) == [A, B]

    recording.append([C])
    assert await anext(follower) == [C]


async def test_a_slow_reader_misses_nothing() -> None:
    recording = Recording()
    recording.append([A])
    seen: list[bytes] = []
    async for batch in recording.follow():
        seen += batch
        if batch == [A]:
            recording.append([B])
            await asyncio.sleep(0)
            recording.append([C])
            recording.end()

    assert seen == [A, B, C]


async def test_a_reader_that_goes_away_disturbs_nobody() -> None:
    recording = Recording()
    leaving, staying = (asyncio.create_task(read(recording)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    recording.append([A])
    recording.end()

    assert await staying == [A]


async def test_a_recording_that_ends_without_a_word_is_empty() -> None:
    recording = Recording()
    recording.end()

    assert recording.is_empty
    assert await read(recording) == []


async def test_a_failure_before_the_first_frame_is_raised_in_every_reader() -> None:
    recording = Recording()
    early = [asyncio.create_task(read(recording)) for _ in range(2)]
    await asyncio.sleep(0)
    recording.end(Unavailable("It is down."))

    for reader in (*early, asyncio.create_task(read(recording))):
        with pytest.raises(Unavailable, match="It is down"):
            await reader


async def test_a_failure_after_the_first_frame_is_not_raised() -> None:
    recording = Recording()
    recording.append([A])
    recording.end(Unavailable("It is down."))

    assert not recording.is_empty
    assert await read(recording) == [A]


@examples(50)
@given(
    st.lists(st.lists(st.binary(max_size=3), max_size=3), max_size=8),
    st.lists(st.tuples(st.integers(0, 8), st.integers(-1, 8)), max_size=5),
)
def test_whoever_comes_whenever_sees_everything_after_its_place(
    batches: list[list[bytes]], readers: list[tuple[int, int]]
) -> None:
    async def scene() -> list[list[bytes]]:
        recording = Recording()
        tasks: dict[int, asyncio.Task[list[bytes]]] = {}
        for moment in range(9):
            for number, (arrival, after) in enumerate(readers):
                if arrival == moment:
                    tasks[number] = asyncio.create_task(read(recording, after))
            await asyncio.sleep(0)
            if moment < len(batches):
                recording.append(batches[moment])
        recording.end()
        return [await tasks[number] for number in range(len(readers))]

    every = [frame for batch in batches for frame in batch]
    assert asyncio.run(scene()) == [every[after + 1 :] for _, after in readers]
