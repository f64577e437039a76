"""The embedded store of conversations: the contract of all, and what only a file can do."""

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rejoinder.errors import Conflict
from rejoinder_local.conversations import SQLiteConversations
from rejoinder_local.database import Database
from rejoinder_local.store import SQLiteStore
from tests.storage.contract import ACME, NOW, Clock, whole_run
from tests.storage.conversations_contract import (
    ID,
    ConversationsContract,
    begun,
    conversation,
    lock,
    messages,
)

type JSON = Any

SECRET = "the-quick-brown-fox-keeps-a-secret"


class TestSQLiteKeepsTheContract(ConversationsContract):
    @pytest.fixture
    async def conversations(
        self, clock: Clock, tmp_path: Path
    ) -> AsyncIterator[SQLiteConversations]:
        with closing(Database(tmp_path / "rejoinder.db", clock=clock)) as database:
            yield SQLiteConversations(database)


async def test_conversations_and_their_owners_survive_a_restart(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "rejoinder.db", clock=Clock())) as before:
        await begun(SQLiteConversations(before), "a", "b")
        await lock(SQLiteConversations(before), "resp_1")

    with closing(Database(tmp_path / "rejoinder.db", clock=Clock())) as after:
        store = SQLiteConversations(after)

        assert await store.items(ACME, ID) == messages("a", "b")
        with pytest.raises(Conflict):
            await lock(store, "resp_2")


async def test_what_is_refused_leaves_no_trace(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "rejoinder.db", clock=Clock())) as database:
        store = SQLiteConversations(database)
        unwritable: JSON = [*messages("a"), {"id": "msg_b", "type": object()}]

        with pytest.raises(TypeError):
            await store.create(ACME, conversation(), unwritable)
        await begun(store, "c")
        with pytest.raises(TypeError):
            await store.append(ACME, ID, unwritable)

        assert await store.items(ACME, ID) == messages("c")


async def test_the_sweep_leaves_conversations_alone(tmp_path: Path) -> None:
    clock = Clock()
    with closing(SQLiteStore(tmp_path / "rejoinder.db", clock=clock)) as responses:
        store = SQLiteConversations(responses.database)
        await begun(store, "a")
        await whole_run(responses, expires_at=NOW + 10)

        clock.now += 11
        assert await responses.sweep() == 1

        assert await store.items(ACME, ID) == messages("a")


async def test_a_deleted_conversation_leaves_no_words_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rejoinder.db"
    with closing(Database(path, clock=Clock())) as database:
        store = SQLiteConversations(database)
        await store.create(ACME, conversation(secret=SECRET), messages("a"))
        await store.delete(ACME, ID)

    assert SECRET.encode() not in path.read_bytes()
