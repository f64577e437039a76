"""The queue in SQS: the contract of all, and what only messages can do."""

import logging
from typing import Any

import pytest
from msgspec.json import encode

from rejoinder.aws.client import AwsError
from rejoinder.aws.jobs import SqsQueue, Unreadable, job_of
from rejoinder.aws.table import PK, SK, WAITING, tenant_key
from rejoinder.errors import Conflict, TooLarge
from rejoinder.storage.jobs import Depth, Job, NewJob
from tests.storage.contract import ACME, Clock
from tests.storage.moto_server import Aws, set_queues_to
from tests.storage.queue_contract import (
    LEASE_SECONDS,
    Pass,
    QueueContract,
    a_run,
    claimed,
    claimed_subjects,
)

type JSON = Any

QUARTER_HOUR = 900
WEBHOOK = NewJob("webhook", ACME, "mine", {"id": "evt_1"})


class QueueBesideResponses(SqsQueue):
    """The queue, with what the response store does for it: who is queued is said by his META."""

    def __init__(self, aws: Aws, clock: Clock) -> None:
        super().__init__(aws.sqs, aws.queue_url, aws.dynamodb, aws.table, clock)
        self._aws = aws

    async def send(self, job: NewJob, *, delay_seconds: float = 0.0) -> None:
        if job.kind == "run":
            waits = {WAITING: {"S": tenant_key(job.tenant)}}
            await self._put(_key_of(job) | waits)
        await super().send(job, delay_seconds=delay_seconds)

    async def claim(self, *, lease_seconds: float) -> Job | None:
        job = await super().claim(lease_seconds=lease_seconds)
        if job is not None and job.kind == "run":
            await self._put(_key_of(job))
        return job

    async def _put(self, item: JSON) -> None:
        await self._aws.dynamodb.call("PutItem", {"TableName": self._aws.table, "Item": item})


def _key_of(job: NewJob | Job) -> dict[str, JSON]:
    return {PK: {"S": f"{tenant_key(job.tenant)}#R#{job.subject}"}, SK: {"S": "META"}}


@pytest.fixture
def queue(aws: Aws, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> SqsQueue:
    set_queues_to(clock, monkeypatch)
    return QueueBesideResponses(aws, clock)


@pytest.fixture
def time(clock: Clock) -> Pass:
    async def passes(seconds: float) -> None:
        clock.now += seconds

    return passes


class TestSqsKeepsTheContractOfQueues(QueueContract):
    pass


def record(body: str, received: int = 1, handle: str = "a handle") -> JSON:
    """What SQS gives to a function, as far as we read it."""
    return {
        "messageId": "message-1",
        "receiptHandle": handle,
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(received), "SentTimestamp": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }


async def received(aws: Aws) -> JSON:
    """The next message, as a function is given it, with the queue's own visibility timeout."""
    request = {"QueueUrl": aws.queue_url, "MessageSystemAttributeNames": ["All"]}
    (message,) = (await aws.sqs.call("ReceiveMessage", request))["Messages"]
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
    }


# What a function is given.


def test_a_function_reads_the_job_that_it_is_given() -> None:
    body = {"kind": "webhook", "tenant": ACME, "subject": "mine", "content": {"id": "evt_1"}}

    job = job_of(record(encode(body).decode()))

    assert (job.kind, job.tenant, job.subject) == ("webhook", ACME, "mine")
    assert (job.id, job.content, job.attempt) == ("message-1", {"id": "evt_1"}, 1)


def test_deliveries_that_no_worker_saw_are_no_attempts() -> None:
    body = {"kind": "webhook", "tenant": ACME, "subject": "mine", "attempts": 2}

    job = job_of(record(encode(body).decode(), received=9))

    assert job.attempt == 3


def test_a_job_that_is_given_twice_has_two_owners() -> None:
    given = record('{"kind": "run", "tenant": "acme", "subject": "resp_1"}')

    assert job_of(given).owner != job_of(given).owner


@pytest.mark.parametrize(
    "body",
    ["", "no JSON", "[]", "{}", '{"kind": "dance", "tenant": "acme", "subject": "resp_1"}'],
)
def test_what_is_no_job_is_refused_without_telling_it(body: str) -> None:
    with pytest.raises(Unreadable) as refused:
        job_of(record(body))

    assert str(refused.value) == "Message message-1 is no job."


async def test_a_job_that_a_function_is_given_is_claimed_for_the_lease(
    aws: Aws, queue: SqsQueue, time: Pass
) -> None:
    await queue.send(a_run())
    job = await queue.handed(await received(aws), lease_seconds=10)
    assert job is not None

    await time(9)
    assert await queue.claim(lease_seconds=LEASE_SECONDS) is None
    await queue.renew(job, lease_seconds=10)
    await time(10)

    assert (await claimed(queue)).id == job.id


async def test_a_job_that_was_done_meanwhile_is_not_claimed(aws: Aws, queue: SqsQueue) -> None:
    await queue.send(a_run())
    given = await received(aws)
    job = await queue.handed(given, lease_seconds=10)
    assert job is not None
    await queue.done(job)

    with pytest.raises(Conflict):
        await queue.handed(given, lease_seconds=10)


# Delays that are too long for SQS.


async def test_a_delay_may_be_longer_than_the_longest_of_sqs(queue: SqsQueue, time: Pass) -> None:
    await queue.send(WEBHOOK, delay_seconds=2 * QUARTER_HOUR + 100)

    for _ in range(2):
        await time(QUARTER_HOUR)
        assert await queue.claim(lease_seconds=LEASE_SECONDS) is None
    await time(99)
    assert await queue.claim(lease_seconds=LEASE_SECONDS) is None
    await time(1)
    job = await claimed(queue)

    assert (job.subject, job.content, job.attempt) == ("mine", {"id": "evt_1"}, 1)


async def test_a_job_may_be_tried_again_after_half_a_day(queue: SqsQueue, time: Pass) -> None:
    await queue.send(WEBHOOK)
    await queue.retry(await claimed(queue), delay_seconds=48 * QUARTER_HOUR)

    for _ in range(47):
        await time(QUARTER_HOUR)
        assert await queue.claim(lease_seconds=LEASE_SECONDS) is None
    await time(QUARTER_HOUR)

    assert (await claimed(queue)).attempt == 2


async def test_a_function_that_is_given_a_job_too_early_gives_it_back(
    aws: Aws, queue: SqsQueue, time: Pass
) -> None:
    await queue.send(WEBHOOK, delay_seconds=QUARTER_HOUR + 100)
    await time(QUARTER_HOUR)

    assert await queue.handed(await received(aws), lease_seconds=LEASE_SECONDS) is None

    await time(100)
    assert (await claimed(queue)).attempt == 1
    assert await claimed_subjects(queue) == []


async def test_what_is_given_back_does_not_draw_nearer_to_the_dead_letters(
    aws: Aws, queue: SqsQueue
) -> None:
    await queue.send(WEBHOOK)

    for _ in range(5):
        await queue.retry(await claimed(queue), delay_seconds=0)

    given = await received(aws)
    assert given["attributes"]["ApproximateReceiveCount"] == "1"
    assert job_of(given).attempt == 6


# What is wrong.


async def test_what_is_no_job_does_not_stop_the_queue(
    aws: Aws, queue: SqsQueue, caplog: pytest.LogCaptureFixture
) -> None:
    sent = {"QueueUrl": aws.queue_url, "MessageBody": "a secret"}
    await aws.sqs.call("SendMessage", sent)
    await queue.send(a_run())

    with caplog.at_level(logging.INFO):
        assert await claimed_subjects(queue) == ["resp_1"]

    assert (await queue.depth()).running == 1
    assert [each.message for each in caplog.records] == ["unreadable_job"]
    assert "a secret" not in caplog.text


async def test_a_job_that_is_too_large_is_refused(queue: SqsQueue) -> None:
    with pytest.raises(TooLarge):
        await queue.send(NewJob("webhook", ACME, "mine", {"id": "x" * 1024 * 1024}))

    assert await queue.depth() == Depth(waiting=0, running=0, oldest_age_seconds=0.0)


async def test_a_late_owner_does_not_even_ask(aws: Aws, queue: SqsQueue, time: Pass) -> None:
    await queue.send(a_run())
    late = await claimed(queue)
    await time(LEASE_SECONDS)
    aws.calls.clear()

    with pytest.raises(Conflict):
        await queue.renew(late, lease_seconds=LEASE_SECONDS)
    await queue.done(late)
    await queue.retry(late, delay_seconds=0)

    assert aws.calls == []


async def test_who_was_not_given_a_job_cannot_keep_it(queue: SqsQueue) -> None:
    stranger = Job("message-1", "run", ACME, "resp_1", None, 1, "nobody")

    with pytest.raises(Conflict):
        await queue.renew(stranger, lease_seconds=LEASE_SECONDS)


async def test_a_message_that_is_gone_is_nobodys(aws: Aws, queue: SqsQueue) -> None:
    await queue.send(a_run())
    job = await claimed(queue)
    await aws.sqs.call("PurgeQueue", {"QueueUrl": aws.queue_url})

    with pytest.raises(Conflict):
        await queue.renew(job, lease_seconds=LEASE_SECONDS)
    await queue.done(job)


async def test_a_queue_that_is_gone_is_told(aws: Aws, queue: SqsQueue) -> None:
    await queue.send(a_run())
    job = await claimed(queue)
    await aws.sqs.call("DeleteQueue", {"QueueUrl": aws.queue_url})

    with pytest.raises(AwsError, match="QueueDoesNotExist"):
        await queue.renew(job, lease_seconds=LEASE_SECONDS)
    with pytest.raises(AwsError, match="QueueDoesNotExist"):
        await queue.done(job)


# What it costs.


async def test_the_life_of_a_job_is_three_requests(aws: Aws, queue: SqsQueue) -> None:
    await queue.send(WEBHOOK)

    await queue.done(await claimed(queue))

    assert [operation for _, operation, _, _ in aws.calls] == [
        "SendMessage",
        "ReceiveMessage",
        "DeleteMessage",
    ]
