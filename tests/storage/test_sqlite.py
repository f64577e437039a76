"""The embedded store: the contract of all stores, and what only a file can do or get wrong."""

import sqlite3
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rejoinder.engine.deltas import BlockEnded, ReasoningDelta, TextDelta, ToolCallDelta
from rejoinder.errors import Conflict, NotFound
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.recover import recover
from rejoinder_local.store import SQLiteStore
from tests.storage.contract import (
    ACME,
    HOUR,
    ID,
    NOW,
    OTHER,
    Clock,
    Run,
    StoreContract,
    message,
    whole_run,
)
from tests.unit.engine.laws import check_told
from tests.unit.engine.telling import order, parsed

SECRET = "the-quick-brown-fox-keeps-a-secret"


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[SQLiteStore]:
    store = SQLiteStore(path, clock=clock)
    yield store
    store.close()


class TestSQLiteKeepsTheContract(StoreContract):
    @pytest.fixture
    async def store(self, clock: Clock, tmp_path: Path) -> AsyncIterator[SQLiteStore]:
        store = SQLiteStore(tmp_path / "rejoinder.db", clock=clock)
        yield store
        store.close()


async def test_everything_survives_a_restart(path: Path, clock: Clock) -> None:
    before = SQLiteStore(path, clock=clock)
    run = await whole_run(before, own=[message("msg_own")])
    running = await Run(before, "resp_2").begin(TextDelta(0, "Hi"))
    before.close()

    after = SQLiteStore(path, clock=clock)

    assert await after.get(ACME, ID) == run.response
    assert await after.frames(ACME, ID, after=-1) == run.frames
    assert await after.item(ACME, "msg_own") == message("msg_own")
    assert await after.frames(ACME, "resp_2", after=-1) == running.frames
    after.close()


async def test_everything_survives_the_death_of_the_process(
    store: SQLiteStore, path: Path, clock: Clock
) -> None:
    run = await Run(store).begin(TextDelta(0, "Hi"))

    survivor = SQLiteStore(path, clock=clock)  # the first one is never closed

    assert await survivor.frames(ACME, ID, after=-1) == run.frames
    survivor.close()


async def test_two_connections_see_what_the_other_wrote(
    store: SQLiteStore, path: Path, clock: Clock
) -> None:
    second = SQLiteStore(path, clock=clock)
    run = await Run(store).begin()
    for number in range(20):
        await run.say(TextDelta(0, f"{number} "))
        assert await second.frames(ACME, ID, after=-1) == run.frames
    await run.end()

    assert await second.get(ACME, ID) == run.response
    await second.delete(ACME, ID)
    with pytest.raises(NotFound):
        await store.get(ACME, ID)
    second.close()


async def test_of_two_connections_one_ends_the_response(
    store: SQLiteStore, path: Path, clock: Clock
) -> None:
    second = SQLiteStore(path, clock=clock)
    one = await Run(store).begin()
    two = Run(second).beside(one)
    await two.fail()

    with pytest.raises(Conflict):
        await one.end()
    assert await store.get(ACME, ID) == two.response
    second.close()


async def test_a_begin_that_fails_leaves_nothing_behind(store: SQLiteStore) -> None:
    kept = await whole_run(store, own=[message("msg_own", "kept")])

    with pytest.raises(sqlite3.IntegrityError):
        await Run(store, own=[message("msg_new")]).begin()

    assert await store.get(ACME, ID) == kept.response
    assert await store.frames(ACME, ID, after=-1) == kept.frames
    with pytest.raises(NotFound):
        await store.item(ACME, "msg_new")


async def test_a_record_that_fails_in_the_middle_leaves_nothing_behind(
    store: SQLiteStore, path: Path
) -> None:
    run = await Run(store).begin(TextDelta(0, "Hi"))
    before = list(run.frames)
    breaker = sqlite3.connect(path)
    breaker.execute(
        "CREATE TRIGGER broken BEFORE UPDATE ON responses BEGIN SELECT RAISE(ABORT, 'broken'); END"
    )
    breaker.commit()

    with pytest.raises(sqlite3.IntegrityError, match="broken"):
        await run.end()

    assert await store.frames(ACME, ID, after=-1) == before
    assert (await store.get(ACME, ID)).is_live
    breaker.execute("DROP TRIGGER broken")
    breaker.close()


async def test_live_responses_are_unfinished_unless_deleted_or_expired(
    store: SQLiteStore, clock: Clock
) -> None:
    await whole_run(store, "resp_done")
    for name in ("live", "deleted", "expired"):
        expires_at = NOW + (10 if name == "expired" else HOUR)
        await Run(store, f"resp_{name}", expires_at=expires_at).begin()
    await Run(store, "resp_live", tenant=OTHER).begin()
    await store.delete(ACME, "resp_deleted")
    clock.now = NOW + 10

    assert sorted(store.unfinished()) == [(ACME, "resp_live"), (OTHER, "resp_live")]


async def test_cut_responses_are_ended_with_a_stream_that_replays(path: Path, clock: Clock) -> None:
    before = SQLiteStore(path, clock=clock)
    cut = [
        await Run(before, "resp_a").begin(),
        await Run(before, "resp_b").begin(TextDelta(0, "Once")),
        await Run(before, "resp_c", tenant=OTHER).begin(ReasoningDelta(0, "Hm"), BlockEnded(0)),
    ]
    await cut[1].say(TextDelta(0, " upon"))
    await cut[1].say(ToolCallDelta(1, "{", "call_a", "get_time"))
    done = await whole_run(before, "resp_done")
    before.close()

    after = SQLiteStore(path, clock=clock)

    assert await recover(after, SQLiteQueue(after.database)) == 3
    assert await recover(after, SQLiteQueue(after.database)) == 0
    assert after.unfinished() == []
    assert await after.get(ACME, "resp_done") == done.response
    for tenant, run in zip((ACME, ACME, OTHER), cut, strict=True):
        frames = await after.frames(tenant, run.response.id, after=-1)
        assert frames[: len(run.frames)] == run.frames
        check_told(parsed(frames))
        response = await after.get(tenant, run.response.id)
        assert response.status == "failed"
        assert response.output == parsed(frames)[-1]["response"]["output"]
    frames = await after.frames(ACME, "resp_b", after=len(cut[1].frames) - 1)
    assert order(parsed(frames)) == "args. -1 error failed"
    after.close()


async def test_items_of_a_cut_response_can_be_referred_to(store: SQLiteStore) -> None:
    await Run(store).begin(TextDelta(0, "Once"))
    await recover(store, SQLiteQueue(store.database))
    item = (await store.get(ACME, ID)).output[0]

    assert await store.item(ACME, item["id"]) == item


@pytest.mark.parametrize("way", ["deleted", "expired", "deleted while it ran"])
async def test_of_what_is_swept_no_byte_stays_in_any_file(
    store: SQLiteStore, path: Path, clock: Clock, way: str
) -> None:
    for number in range(20):
        await whole_run(store, f"resp_other_{number}")
    run = Run(
        store,
        history=[message("msg_history", SECRET)],
        own=[message("msg_own", SECRET)],
        expires_at=NOW + 10,
    )
    await run.begin(TextDelta(0, SECRET))
    for number in range(100):
        await run.say(TextDelta(0, f" {SECRET} {number}"))
    await run.say(BlockEnded(0))
    if way != "deleted while it ran":
        await run.end()
    assert holds_secret(path.parent)

    if way == "expired":
        clock.now = NOW + 10
    else:
        await store.delete(ACME, ID)
    await store.sweep()

    assert not holds_secret(path.parent)
    assert await store.frames(ACME, "resp_other_7", after=-1)


async def test_what_one_connection_deleted_another_sweeps_away(
    store: SQLiteStore, path: Path, clock: Clock
) -> None:
    await whole_run(store, own=[message("msg_own", SECRET)])
    await store.delete(ACME, ID)
    second = SQLiteStore(path, clock=clock)

    assert await second.sweep() == 1

    assert not holds_secret(path.parent)
    second.close()


async def test_what_is_kept_is_found_by_the_search_for_bytes(
    store: SQLiteStore, path: Path
) -> None:
    await whole_run(store, own=[message("msg_own", SECRET)])
    await store.sweep()

    assert holds_secret(path.parent)


async def test_a_closed_store_is_one_file(path: Path, clock: Clock) -> None:
    store = SQLiteStore(path, clock=clock)
    await whole_run(store)
    store.close()

    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_a_long_log_is_written_into_the_file(store: SQLiteStore, path: Path) -> None:
    small = size(path)
    await store.database.checkpoint()
    assert size(path) == small

    run = await Run(store).begin()
    for _ in range(6):
        await run.say(TextDelta(0, "x" * 1_000_000))
    await store.database.checkpoint()

    assert size(path) > 5_000_000
    assert await store.frames(ACME, ID, after=-1) == run.frames


def size(path: Path) -> int:
    return path.stat().st_size


def holds_secret(folder: Path) -> bool:
    """Whether any file holds the secret, as it is or inside of anything compressed."""
    return any(_holds_secret(file.read_bytes()) for file in folder.iterdir() if file.is_file())


def _holds_secret(content: bytes) -> bool:
    """A deflated stream begins with x and may be cut by a page's end: what it gives so far."""
    secret = SECRET.encode()
    return secret in content or any(
        secret in _inflated(content[place : place + 4096])
        for place in range(len(content) - 1)
        if content[place] == 0x78 and int.from_bytes(content[place : place + 2]) % 31 == 0
    )


def _inflated(content: bytes) -> bytes:
    """As much as can be read, byte by byte: what follows in the file is not of the stream."""
    reader, found = zlib.decompressobj(), b""
    try:
        for place in range(len(content)):
            found += reader.decompress(content[place : place + 1])
    except zlib.error:
        pass
    return found


async def test_what_its_writer_gives_back_unmade_was_no_attempt(store: SQLiteStore) -> None:
    await Run(store).enqueue()
    await store.take_over(ACME, ID, "one", hold_seconds=30)

    for writer in ("another", "one"):
        store.let_go(ACME, ID, writer)

    assert (await store.take_over(ACME, ID, "two", hold_seconds=30)).attempt == 1


def test_a_file_of_another_form_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite3"
    SQLiteStore(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")

    with pytest.raises(sqlite3.DatabaseError, match="its form is 99"):
        SQLiteStore(path)
