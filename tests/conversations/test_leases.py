"""How long a response has the lock: while it is made, and not a moment against another's will."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from rejoinder.conversation_locks import WAITING_SECONDS, ConversationLocks
from rejoinder.engine.deltas import Delta, Started
from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import InvalidRequest, NotFound
from rejoinder.schema.response import Status
from rejoinder.storage.base import StoredResponse
from rejoinder_local.conversations import SQLiteConversations
from rejoinder_local.store import SQLiteStore
from tests.storage.contract import ACME, Clock, Run, message
from tests.storage.conversations_contract import ID, begun, messages

SHORT_SECONDS = 0.03  # of the lease: it is renewed three times as often
WITHIN_SECONDS = 10.0


class Kept:
    """The locks, and the stores behind them."""

    def __init__(self, path: Path) -> None:
        self.clock = Clock()
        self.responses = SQLiteStore(path, clock=self.clock)
        self.conversations = SQLiteConversations(self.responses.database)
        self.locks = ConversationLocks(self.conversations, self.responses, SHORT_SECONDS)

    def leased_seconds(self) -> float:
        """For how long the conversation is still owned."""
        (until,) = self.responses.database.db.execute(
            "SELECT owned_until FROM conversations"
        ).fetchone()
        return float(until) - self.clock()

    def response(self, name: str = "resp_1", status: Status = "in_progress") -> StoredResponse:
        """A response in the conversation, as it stands."""
        stored = Run(self.responses, name, own=[message(f"msg_of_{name}")]).as_stored()
        response = structs.replace(stored.response, conversation={"id": ID}, status=status)
        return replace(stored, response=response)

    async def taken(self, name: str = "resp_1") -> StoredResponse:
        """A response that has the lock."""
        stored = self.response(name)
        _, version = await self.locks.read(ACME, ID)
        await self.locks.acquire(stored, version)
        return stored


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    kept = Kept(tmp_path / "rejoinder.db")
    await begun(kept.conversations, "a")
    yield kept
    kept.responses.close()


async def endless(going: asyncio.Event) -> Deltas:
    """A model that has begun, and thinks."""
    batch: Sequence[Delta] = [Started()]
    yield batch
    await going.wait()


async def test_the_lease_is_renewed_while_a_response_is_made(kept: Kept) -> None:
    stored, going = await kept.taken(), asyncio.Event()
    deltas = kept.locks.while_renewing(stored, endless(going))
    await anext(deltas)

    kept.clock.now += 1
    assert kept.leased_seconds() < 0
    async with asyncio.timeout(WITHIN_SECONDS):
        while kept.leased_seconds() < 0:  # noqa: ASYNC110, it looks at a file
            await asyncio.sleep(SHORT_SECONDS)
        going.set()
        with pytest.raises(StopAsyncIteration):
            await anext(deltas)

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_store_that_fails_for_a_while_is_asked_again(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    stored, going, db = await kept.taken(), asyncio.Event(), kept.responses.database.db
    deltas = kept.locks.while_renewing(stored, endless(going))
    await anext(deltas)

    db.execute("ALTER TABLE conversations RENAME TO elsewhere")
    async with asyncio.timeout(WITHIN_SECONDS):
        while "conversation_lock_not_renewed" not in caplog.text:  # noqa: ASYNC110, it looks at a log
            await asyncio.sleep(SHORT_SECONDS)
        db.execute("ALTER TABLE elsewhere RENAME TO conversations")
        kept.clock.now += 1
        while kept.leased_seconds() < 0:  # noqa: ASYNC110, it looks at a file
            await asyncio.sleep(SHORT_SECONDS)

    await deltas.aclose()


async def test_a_response_in_the_background_has_it_for_as_long_as_its_job_may_take(
    kept: Kept,
) -> None:
    stored = await kept.taken()

    await kept.locks.keep(stored)

    assert kept.leased_seconds() == WAITING_SECONDS


async def test_who_was_overtaken_leaves_nothing_and_takes_nothing(kept: Kept) -> None:
    late = await kept.taken("resp_late")
    kept.clock.now += 1
    await kept.taken("resp_next")

    await kept.locks.keep(late)
    await kept.locks.finish(kept.response("resp_late", "completed"))
    await kept.locks.finish(late)

    state = await kept.conversations.get(ACME, ID)
    assert state.owner == "resp_next"
    assert kept.leased_seconds() <= SHORT_SECONDS
    assert await kept.conversations.items(ACME, ID) == messages("a")


async def test_a_response_finishes_once(kept: Kept) -> None:
    await kept.taken()
    ended = kept.response(status="completed")

    await kept.locks.finish(ended)
    await kept.locks.finish(ended)

    assert await kept.conversations.items(ACME, ID) == [*messages("a"), *ended.input]


async def test_nobody_locks_what_changed_since_it_was_read(kept: Kept) -> None:
    _, version = await kept.locks.read(ACME, ID)
    await kept.conversations.append(ACME, ID, messages("b"))

    with pytest.raises(InvalidRequest) as refused:
        await kept.locks.acquire(kept.response(), version)

    assert refused.value.code == "conversation_locked"


async def test_nobody_locks_what_is_gone_since_it_was_read(kept: Kept) -> None:
    _, version = await kept.locks.read(ACME, ID)
    await kept.conversations.delete(ACME, ID)

    with pytest.raises(NotFound) as refused:
        await kept.locks.acquire(kept.response(), version)

    assert (refused.value.code, refused.value.param) == ("conversation_not_found", "conversation")
