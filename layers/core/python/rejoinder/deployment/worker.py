"""Messages of the queue, as Lambda hands them to a function: job by job, each on its own.

Powertools' batch processor does the same for synchronous functions. For asynchronous ones it makes
event loops of its own, and our connections live on ours; it also takes 45 ms to import.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from logging import getLogger
from time import monotonic, time
from typing import Protocol

from rejoinder.announcing import Undelivered
from rejoinder.aws.jobs import SqsQueue, Unreadable, job_of
from rejoinder.background import Unfinished
from rejoinder.deployment import Deployment
from rejoinder.errors import Conflict
from rejoinder.gateway import Gateway
from rejoinder.schema.items import JSON
from rejoinder.storage.jobs import Job

RETRY_SECONDS = 5.0
ENDING_SECONDS = 15.0  # for the last words of a run, for keeping them, and for its webhooks

log = getLogger("rejoinder")

type Record = Mapping[str, JSON]
type Do = Callable[[Record], Awaitable[bool]]  # whether the message has served its purpose


class Context(Protocol):
    """What Lambda says of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may go on."""
        ...


async def work(deployment: Deployment, event: JSON, context: Context) -> JSON:
    """Do the jobs in an event of the queue; what Lambda shall leave there."""
    stops_at = time() + context.get_remaining_time_in_millis() / 1000
    worker = Worker(await deployment.gateway(), deployment.queue, stops_at=stops_at)
    return await _each(event["Records"], worker.do)


async def bury(deployment: Deployment, event: JSON) -> JSON:
    """Tell of the jobs in an event of the dead letters; what Lambda shall leave there."""
    return await _each(event["Records"], Undertaker(await deployment.gateway()).do)


async def _each(records: Sequence[Record], do: Do) -> JSON:
    async def done(record: Record) -> bool:
        try:
            return await do(record)
        except Exception:  # one message must neither be lost nor stop the others
            log.exception("job_broke", extra={"message_id": record["messageId"]})
            return False

    outcomes = await asyncio.gather(*(done(record) for record in records))
    left = [
        record["messageId"]
        for record, is_done in zip(records, outcomes, strict=True)
        if not is_done
    ]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in left]}


class Worker:
    """Does the job in a message, for as long as the function may run (`stops_at`, Unix seconds)."""

    def __init__(self, gateway: Gateway, queue: SqsQueue, *, stops_at: float) -> None:
        self._background = gateway.background
        self._queue = queue
        self._ends_at = stops_at - ENDING_SECONDS

    async def do(self, record: Record) -> bool:
        """Whether the message is done with; one that holds no job is left for the dead letters."""
        lease_seconds = self._background.limits.lease_seconds
        try:
            job = await self._queue.handed(record, lease_seconds=lease_seconds)
        except Unreadable:
            log.warning("unreadable_job", extra={"message_id": record["messageId"]})
            return False
        except Conflict:
            return False  # somebody else has it
        if job is None:
            return True  # its time has not come: it was sent once more
        began = monotonic()
        is_done = await self._is_done(job)
        log.info(
            "job",
            extra={
                "kind": job.kind,
                "attempt": job.attempt,
                "tenant": job.tenant,
                "subject": job.subject,
                "outcome": "ok" if is_done else "given_back",
                "duration_ms": round((monotonic() - began) * 1000, 1),
            },
        )
        return is_done

    async def _is_done(self, job: Job) -> bool:
        """A job that is given back is a new message; one that we hold no more is left alone."""
        delay_seconds = RETRY_SECONDS * job.attempt
        try:
            await self._perform(job)
            return True
        except Undelivered as undelivered:
            delay_seconds = undelivered.wait_seconds
        except Unfinished:
            pass  # it is tried again
        except Exception:
            log.exception("job_broke", extra={"kind": job.kind, "attempt": job.attempt})
        is_ours = self._queue.holds(job)
        await self._queue.retry(job, delay_seconds=delay_seconds)
        return is_ours

    async def _perform(self, job: Job) -> None:
        if job.kind == "webhook":
            await self._background.announcer.deliver(job)
        elif time() < self._ends_at:
            await self._background.run(job, ends_at=self._ends_at)
        else:
            raise Unfinished  # a batch took all the time


class Undertaker:
    """Tells clients of jobs that nobody will do any more: the dead letters."""

    def __init__(self, gateway: Gateway) -> None:
        self._background = gateway.background

    async def do(self, record: Record) -> bool:
        """Whether the message is done with; it stays if it cannot be told of now."""
        try:
            job = job_of(record)
        except Unreadable:
            log.error("unreadable_job", extra={"message_id": record["messageId"]})
            return True
        if job.kind == "webhook":
            log.error("webhook_given_up", extra={"webhook": job.subject, "attempt": job.attempt})
            return True
        try:
            await self._background.give_up(job)
        except Unfinished:
            return False
        log.error("job_given_up", extra={"response_id": job.subject})
        return True
