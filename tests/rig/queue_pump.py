"""The event source mapping of a queue: receives, invokes with a batch of one, deletes on success.

What fails stays in the queue until its visibility ends, and the queue itself moves it to its dead
letters after `max_receive_count` receipts. A mapping that is throttled tries again by and by (a
guess). As SQS may, the pump can be told to deliver twice, or late. Sources: "Using Lambda with
Amazon SQS" and "Handling errors for an SQS event source" of AWS's guide.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from tests.rig.fleet import Fleet
from tests.rig.invocations import FunctionError, Invocation, Throttled
from tests.rig.processes import Say
from tests.rig.services import client, queue_arn, queue_url
from tests.rig.stack import REGION, Queue

type JSON = Any
type Twice = Literal["never", "together", "afterwards"]

POLL_SECONDS = 1
RETRY_SECONDS = 0.1


@dataclass(slots=True)
class Mischief:
    """What a standard queue may do to deliveries, and seldom does."""

    twice: Twice = "never"
    delay_seconds: float = 0.0
    is_paused: bool = False


class QueuePump:
    """Carries the messages of one queue to its function."""

    def __init__(self, queue: Queue, fleet: Fleet, endpoint: str, say: Say) -> None:
        self.queue = queue
        self.mischief = Mischief()
        self._fleet = fleet
        self._say = say
        self._url = queue_url(endpoint, queue.name)
        self._sqs = client("sqs", endpoint)
        self._free = asyncio.Semaphore(min(queue.at_a_time, fleet.function.concurrency))
        self._delivering: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to poll."""
        self._polling = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """Stop; what was being delivered comes back when its visibility ends."""
        for task in (self._polling, *self._delivering):
            task.cancel()
        await asyncio.gather(self._polling, *self._delivering, return_exceptions=True)

    async def _poll(self) -> None:
        while True:
            await self._free.acquire()
            message = None if self.mischief.is_paused else await self._receive()
            if message is None:
                self._free.release()
                await asyncio.sleep(RETRY_SECONDS if self.mischief.is_paused else 0)
                continue
            task = asyncio.create_task(self._carry(message))
            self._delivering.add(task)
            task.add_done_callback(self._delivering.discard)

    async def _receive(self) -> JSON:
        try:
            reply = await asyncio.to_thread(
                self._sqs.receive_message,
                QueueUrl=self._url,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=POLL_SECONDS,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        except (BotoCoreError, ClientError) as error:
            self._say(self.queue.name, f"cannot receive: {error}")
            await asyncio.sleep(POLL_SECONDS)
            return None
        return next(iter(reply.get("Messages", [])), None)

    async def _carry(self, message: JSON) -> None:
        twice = self.mischief.twice
        try:
            await asyncio.sleep(self.mischief.delay_seconds)
            while self.mischief.is_paused:  # noqa: ASYNC110, tests set it
                await asyncio.sleep(RETRY_SECONDS)
            at_once = 2 if twice == "together" else 1
            done = await asyncio.gather(*(self._deliver(message) for _ in range(at_once)))
            if any(done):
                await self._delete(message)
            if twice == "afterwards":
                await self._deliver(message)
        finally:
            self._free.release()

    async def _deliver(self, message: JSON) -> bool:
        """Invoke the function; whether the message is done with."""
        event = json.dumps({"Records": [self._record(message)]}).encode()
        name, message_id = self.queue.name, message["MessageId"]
        try:
            invocation = await self._invoked(event)
            self._say(name, f"{message_id} → {self._fleet.function.name} {invocation.id}")
            is_done = self._is_done(await invocation.result(), message_id)
        except FunctionError as error:
            self._say(name, f"{message_id} failed: {error}")
            return False
        self._say(name, f"{message_id} {'is done' if is_done else 'comes back'}")
        return is_done

    async def _invoked(self, event: bytes) -> Invocation:
        while True:
            try:
                return self._fleet.invoke(event)
            except Throttled:
                await asyncio.sleep(RETRY_SECONDS)

    def _is_done(self, result: bytes, message_id: str) -> bool:
        """Whether the answer counts as success: an answer that is not understood does not."""
        if not self.queue.reports_item_failures:
            return True
        try:
            told = json.loads(result)
            failures = (told or {}).get("batchItemFailures") or []
            failed = [failure["itemIdentifier"] for failure in failures]
        except (ValueError, AttributeError, KeyError, TypeError):
            return False
        if any(identifier != message_id for identifier in failed):
            self._say(self.queue.name, f"batchItemFailures names others: {failed}")
        return not failed

    async def _delete(self, message: JSON) -> None:
        await asyncio.to_thread(
            self._sqs.delete_message, QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"]
        )

    def _record(self, message: JSON) -> JSON:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": message.get("MessageAttributes", {}),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn(self.queue.name),
            "awsRegion": REGION,
        }
