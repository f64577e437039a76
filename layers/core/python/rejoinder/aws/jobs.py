"""The job queue: a standard queue of SQS, which delivers at least once and in any order.

A lease is a message's visibility timeout. SQS would take back a job from an owner who is late,
so that each lease is also watched by our own clock: who is late does nothing any more. A job
that is given back is a new message; what a queue counts towards its dead letters are therefore
the times that it was lost: with its worker, or before there was one.
"""

from collections.abc import Callable
from logging import getLogger
from math import ceil
from time import time

from msgspec import Struct
from msgspec.structs import replace

from rejoinder.aws.client import AwsError, Service
from rejoinder.aws.messages import Body, Message, Unreadable, job_of, message_of
from rejoinder.aws.table import WAITING, WAITING_INDEX, tenant_key
from rejoinder.errors import Conflict
from rejoinder.schema.items import JSON
from rejoinder.storage.jobs import Depth, Job, NewJob

__all__ = ["SqsQueue", "Unreadable", "job_of"]

MAX_DELAY_SECONDS = 900.0
GONE = frozenset(  # what SQS says of the handle of a message that was deleted or received again
    {
        "InvalidParameterValue",
        "InvalidParameterValueException",
        "MessageNotInflight",
        "ReceiptHandleIsInvalid",
    }
)

log = getLogger("rejoinder")


class Lease(Struct, frozen=True):
    """What an owner may do with a message, and until when (Unix seconds)."""

    handle: str
    until: float


class SqsQueue:
    """A `JobQueue` in SQS; which runs wait is told by the index of the table."""

    def __init__(
        self,
        sqs: Service,
        queue_url: str,
        dynamodb: Service,
        table: str,
        clock: Callable[[], float] = time,
    ) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock
        self._leases: dict[str, Lease] = {}  # by owner

    async def send(self, job: NewJob, *, delay_seconds: float = 0.0) -> None:
        await self._send(Body(job.kind, job.tenant, job.subject, job.content), delay_seconds)

    async def claim(self, *, lease_seconds: float) -> Job | None:
        while True:
            until = self._clock() + lease_seconds
            received = await self._call(
                "ReceiveMessage",
                MaxNumberOfMessages=1,
                VisibilityTimeout=ceil(lease_seconds),
                WaitTimeSeconds=0,
            )
            if not received.get("Messages"):
                return None
            record = _record_of(received["Messages"][0])
            try:
                message = message_of(record)
            except Unreadable:
                log.warning("unreadable_job", extra={"message_id": record["messageId"]})
                await self._delete(record["receiptHandle"])
                continue
            if (job := await self._held(message, until)) is not None:
                return job

    async def handed(self, record: JSON, *, lease_seconds: float) -> Job | None:
        """The job in a record of a function's event, claimed; None if its time has not come.

        Raises:
            Unreadable: if there is no job in it.
            Conflict: if it is somebody else's by now.
        """
        message, until = message_of(record), self._clock() + lease_seconds
        if (job := await self._held(message, until)) is not None:
            await self.renew(job, lease_seconds=lease_seconds)
        return job

    async def renew(self, job: Job, *, lease_seconds: float) -> None:
        lease = self._lease(job)
        if lease is None:
            raise Conflict
        until = self._clock() + lease_seconds
        try:
            await self._call(
                "ChangeMessageVisibility",
                ReceiptHandle=lease.handle,
                VisibilityTimeout=ceil(lease_seconds),
            )
        except AwsError as error:
            if error.code in GONE:
                raise Conflict from error
            raise
        self._leases[job.owner] = Lease(lease.handle, until)

    def holds(self, job: Job) -> bool:
        """Whether the job is in these hands still: else somebody else may have it."""
        return self._lease(job) is not None

    async def done(self, job: Job) -> None:
        if (lease := self._lease(job)) is not None:
            await self._delete(lease.handle)
            self._leases.pop(job.owner, None)

    async def retry(self, job: Job, *, delay_seconds: float) -> None:
        if self._lease(job) is not None:
            body = Body(job.kind, job.tenant, job.subject, job.content, attempts=job.attempt)
            await self._send(body, delay_seconds)
            await self.done(job)

    async def depth(self) -> Depth:
        """How much waits and runs, about; of its age, only CloudWatch knows: it is told as 0."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = await self._call("GetQueueAttributes", AttributeNames=names)
        waiting, running = (int(told["Attributes"][name]) for name in names)
        return Depth(waiting, running, oldest_age_seconds=0.0)

    async def waiting(self, tenant: str) -> int:
        """How many of a tenant's runs wait; what changed in the last second may be missing."""
        request = {
            "TableName": self._table,
            "IndexName": WAITING_INDEX,
            "KeyConditionExpression": f"{WAITING} = :tenant",
            "ExpressionAttributeValues": {":tenant": {"S": tenant_key(tenant)}},
            "Select": "COUNT",
        }
        counted: int = (await self._dynamodb.call("Query", request))["Count"]
        return counted  # of the first megabyte, which are thousands

    async def _held(self, message: Message, until: float) -> Job | None:
        """The job, held until then; None if its time has not come: it is sent once more."""
        now = self._clock()
        if message.body.available_at > now:
            await self._send(message.body, message.body.available_at - now)
            await self._delete(message.handle)
            return None
        job = message.job()
        self._leases = {owner: each for owner, each in self._leases.items() if each.until > now}
        self._leases[job.owner] = Lease(message.handle, until)
        return job

    def _lease(self, job: Job) -> Lease | None:
        """What the owner has, unless it ran out."""
        lease = self._leases.get(job.owner)
        return lease if lease is not None and lease.until > self._clock() else None

    async def _send(self, body: Body, delay_seconds: float) -> None:
        is_long = delay_seconds > MAX_DELAY_SECONDS
        available_at = self._clock() + delay_seconds if is_long else 0.0
        await self._call(
            "SendMessage",
            MessageBody=replace(body, available_at=available_at).text(),
            DelaySeconds=ceil(min(delay_seconds, MAX_DELAY_SECONDS)),
        )

    async def _delete(self, handle: str) -> None:
        try:
            await self._call("DeleteMessage", ReceiptHandle=handle)
        except AwsError as error:
            if error.code not in GONE:
                raise

    async def _call(self, operation: str, **request: JSON) -> JSON:
        return await self._sqs.call(operation, {"QueueUrl": self._queue_url, **request})


def _record_of(received: JSON) -> JSON:
    """A message as ReceiveMessage gives it, in the words of a function's event."""
    return {
        "messageId": received["MessageId"],
        "receiptHandle": received["ReceiptHandle"],
        "body": received["Body"],
    }
