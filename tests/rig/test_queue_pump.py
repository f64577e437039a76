"""The event source mapping: what is done is deleted, what fails comes back, the dead are told."""

import json
from typing import Any

import pytest

from tests.rig.queue_pump import Mischief, Twice
from tests.rig.services import Moto, client, queue_url
from tests.rig.small import Small, queue_pair, until
from tests.rig.stack import Queue

type JSON = Any

NOTES = """
    import json, os
    from pathlib import Path

    def handle(event, context):
        (record,) = event["Records"]
        count = record["attributes"]["ApproximateReceiveCount"]
        with Path(os.environ["FOLDER"], "noted").open("a") as file:
            file.write(f"{count}:{record['body']}\\n")
        Path(os.environ["FOLDER"], "record").write_text(json.dumps(record))
        return outcome(record)

    def outcome(record):
"""
SUCCEEDS = f"{NOTES}        return {{'batchItemFailures': []}}\n"
REPORTS = (
    f"{NOTES}        return {{'batchItemFailures': [{{'itemIdentifier': record['messageId']}}]}}\n"
)
RAISES = f"{NOTES}        raise RuntimeError('no')\n"
SUCCEEDS_LATER = f"""{NOTES}        if record["attributes"]["ApproximateReceiveCount"] == "1":
            raise RuntimeError("not yet")
"""


class Sqs:
    """The queues of a test, as a client of SQS sees them."""

    def __init__(self, moto: Moto, queues: tuple[Queue, Queue]) -> None:
        self._client = client("sqs", moto.url)
        self._urls = [queue_url(moto.url, queue.name) for queue in queues]

    def send(self, body: str) -> None:
        self._client.send_message(QueueUrl=self._urls[0], MessageBody=body)

    def number(self, which: int = 0) -> int:
        """How many messages there are, seen or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self._client.get_queue_attributes(QueueUrl=self._urls[which], AttributeNames=names)
        return sum(int(told["Attributes"][name]) for name in names)


def noted(small: Small) -> list[str]:
    return small.read("noted").split()


async def test_a_message_that_is_done_is_deleted(small: Small, moto: Moto) -> None:
    queues = queue_pair("worker")
    small.buffered("worker", SUCCEEDS)
    await small.start(queues=queues)
    sqs = Sqs(moto, queues)

    sqs.send("job")

    await until(lambda: noted(small) == ["1:job"] and sqs.number() == 0)


async def test_a_record_has_all_that_lambda_gives(small: Small, moto: Moto) -> None:
    queues = queue_pair("worker")
    small.buffered("worker", SUCCEEDS)
    await small.start(queues=queues)

    Sqs(moto, queues).send("job")
    await until(lambda: bool(small.read("record")))

    record: JSON = json.loads(small.read("record"))
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(f":{queues[0].name}")
    assert {"messageId", "receiptHandle", "md5OfBody", "awsRegion"} <= record.keys()
    assert {"SentTimestamp", "ApproximateFirstReceiveTimestamp"} <= record["attributes"].keys()


@pytest.mark.parametrize("code", [SUCCEEDS_LATER, REPORTS])
async def test_a_message_that_fails_comes_back_when_its_visibility_ends(
    small: Small, moto: Moto, code: str
) -> None:
    queues = queue_pair("worker", visibility_seconds=1)
    small.buffered("worker", code)
    await small.start(queues=queues)

    Sqs(moto, queues).send("job")

    await until(lambda: noted(small)[:2] == ["1:job", "2:job"])


async def test_a_message_that_fails_too_often_goes_to_the_dead_letters_consumer(
    small: Small, moto: Moto
) -> None:
    queues = queue_pair("worker", "dlq", visibility_seconds=1, max_receive_count=2)
    small.buffered("worker", RAISES)
    small.buffered("dlq", SUCCEEDS.replace('"noted"', '"dead"'))
    await small.start(queues=queues)
    sqs = Sqs(moto, queues)

    sqs.send("job")

    await until(lambda: ":job" in small.read("dead") and sqs.number(1) == 0)
    assert noted(small) == ["1:job", "2:job"]
    assert sqs.number() == 0


@pytest.mark.parametrize("twice", ["together", "afterwards"])
async def test_the_pump_can_deliver_twice(small: Small, moto: Moto, twice: Twice) -> None:
    queues = queue_pair("worker")
    small.buffered("worker", SUCCEEDS)
    await small.start(queues=queues)
    small.rig.pumps[queues[0].name].mischief = Mischief(twice=twice)
    sqs = Sqs(moto, queues)

    sqs.send("job")

    await until(lambda: len(noted(small)) == 2 and sqs.number() == 0)


async def test_a_paused_pump_delivers_when_it_goes_on(small: Small, moto: Moto) -> None:
    queues = queue_pair("worker")
    small.buffered("worker", SUCCEEDS)
    await small.start(queues=queues)
    pump = small.rig.pumps[queues[0].name]
    pump.mischief.is_paused = True
    sqs = Sqs(moto, queues)
    sqs.send("job")

    waiting = sqs.number()
    pump.mischief.is_paused = False

    assert waiting == 1
    await until(lambda: noted(small) == ["1:job"])


async def test_a_worker_that_is_killed_leaves_its_message_in_the_queue(
    small: Small, moto: Moto
) -> None:
    queues = queue_pair("worker", visibility_seconds=1)
    waits = f"""{NOTES}        import time
        while not Path(os.environ["FOLDER"], "go").exists():
            time.sleep(0.005)
    """
    small.buffered("worker", waits)
    await small.start(queues=queues)
    sqs = Sqs(moto, queues)
    sqs.send("job")
    await until(lambda: noted(small) == ["1:job"])

    small.fleet("worker").kill_working()
    small.touch("go")

    await until(lambda: noted(small) == ["1:job", "2:job"] and sqs.number() == 0)
