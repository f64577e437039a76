"""The embedded queue, keys and log: the contracts of all, and what only a file can do."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rejoinder.storage.jobs import NewJob
from rejoinder_local.database import Database
from rejoinder_local.deliveries import SQLiteDeliveries
from rejoinder_local.idempotency import SQLiteKeys
from rejoinder_local.jobs import SQLiteQueue
from tests.storage.contract import ACME, HOUR, NOW, OTHER, Clock
from tests.storage.queue_contract import (
    FIRST,
    LEASE_SECONDS,
    DeliveriesContract,
    ExactQueueContract,
    KeysContract,
    Pass,
    a_run,
    claimed,
    claimed_subjects,
    delivery,
)

type JSON = Any


@pytest.fixture
def database(path: Path, clock: Clock) -> Iterator[Database]:
    database = Database(path, clock=clock)
    yield database
    database.close()


@pytest.fixture
def queue(database: Database) -> SQLiteQueue:
    return SQLiteQueue(database)


@pytest.fixture
def second(path: Path, clock: Clock, queue: SQLiteQueue) -> Iterator[SQLiteQueue]:
    database = Database(path, clock=clock)
    yield SQLiteQueue(database)
    database.close()


@pytest.fixture
def keys(database: Database) -> SQLiteKeys:
    return SQLiteKeys(database)


@pytest.fixture
def log(database: Database) -> SQLiteDeliveries:
    return SQLiteDeliveries(database)


@pytest.fixture
def time(clock: Clock) -> Pass:
    async def passes(seconds: float) -> None:
        clock.now += seconds

    return passes


class TestSQLiteKeepsTheContractOfQueues(ExactQueueContract):
    pass


class TestSQLiteKeepsTheContractOfKeys(KeysContract):
    pass


class TestSQLiteKeepsTheContractOfDeliveries(DeliveriesContract):
    pass


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as db:
        (count,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(count)


async def test_jobs_survive_the_death_of_the_process(
    queue: SQLiteQueue, second: SQLiteQueue
) -> None:
    for number in range(3):
        await queue.send(a_run(number))
    await claimed(queue)

    assert await claimed_subjects(second) == ["resp_1", "resp_2"]  # the first is not closed


async def test_after_a_start_what_was_in_hand_can_be_claimed_at_once(
    queue: SQLiteQueue, second: SQLiteQueue
) -> None:
    await queue.send(a_run(1))
    await queue.send(a_run(2), delay_seconds=60)
    lost = await claimed(queue)

    second.release()

    again = await claimed(second)
    assert (again.id, again.attempt) == (lost.id, 1)
    assert await claimed_subjects(second) == []


async def test_what_is_given_back_at_a_stop_is_no_attempt(queue: SQLiteQueue) -> None:
    await queue.send(a_run())
    await queue.retry(await claimed(queue), delay_seconds=0)

    await queue.give_back(await claimed(queue))

    assert await queue.waiting(ACME) == 1
    assert (await claimed(queue)).attempt == 2


async def test_of_two_connections_one_gets_the_job(queue: SQLiteQueue, second: SQLiteQueue) -> None:
    for number in range(20):
        await queue.send(a_run(number))

    found = [(await claimed(each)).subject for each in [queue, second] * 10]

    assert found == [f"resp_{number}" for number in range(20)]
    assert await second.claim(lease_seconds=LEASE_SECONDS) is None


async def test_who_waits_is_woken_by_what_is_sent(queue: SQLiteQueue) -> None:
    async with asyncio.timeout(5):
        waiting = asyncio.create_task(queue.wait(60))
        await asyncio.sleep(0)
        await queue.send(a_run())
        await waiting

    assert await queue.claim(lease_seconds=LEASE_SECONDS) is not None


async def test_what_was_sent_before_the_wait_is_not_missed(queue: SQLiteQueue) -> None:
    await queue.send(a_run())

    async with asyncio.timeout(5):
        await queue.wait(60)


async def test_nobody_waits_for_ever(queue: SQLiteQueue) -> None:
    async with asyncio.timeout(5):
        await queue.wait(0.01)


async def test_the_run_of_a_response_is_found_until_it_is_done(queue: SQLiteQueue) -> None:
    await queue.send(a_run())
    await queue.send(NewJob("webhook", ACME, "resp_2", {}))

    assert queue.has(ACME, "resp_1")
    assert not queue.has(OTHER, "resp_1")
    assert not queue.has(ACME, "resp_2")
    job = await claimed(queue)
    assert queue.has(ACME, "resp_1")
    await queue.done(job)
    assert not queue.has(ACME, "resp_1")


async def test_a_sweep_removes_keys_and_deliveries_that_have_expired(
    database: Database, keys: SQLiteKeys, log: SQLiteDeliveries, path: Path, clock: Clock
) -> None:
    for number, expires_at in enumerate((NOW + 10, NOW + HOUR)):
        await keys.remember(ACME, f"key {number}", FIRST, expires_at=expires_at)
        await log.note(delivery(number), expires_at=expires_at)
    clock.now = NOW + 10

    await database.sweep()

    assert (rows(path, "idempotency"), rows(path, "deliveries")) == (1, 1)
