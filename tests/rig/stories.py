"""Responses of a deployment that is disturbed: how they are watched, and what must be true of them.

Exactly one end; no event that somebody saw is unsaid; a number stands for one event for ever.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rejoinder.aws.table import META, PK, SK, response_key
from tests.background.kept import LIVE
from tests.faults.asking import ask, rejoin, replayed, retrieved
from tests.faults.folding import TERMINAL, folded
from tests.faults.wire import Exchange, event_of
from tests.rig.server import LambdaServer
from tests.rig.services import client, queue_url

type JSON = Any

TENANT = "dev"
WITHIN_SECONDS = 40.0
POLL_SECONDS = 0.05
DEPTHS = ("", "NotVisible", "Delayed")


def eventually(is_true: Callable[[], bool]) -> None:
    """Wait for what must come true."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(POLL_SECONDS)


def queued(server: LambdaServer, model: str, **more: JSON) -> str:
    """The id of a new background response."""
    with ask(server, model, background=True, stream=False, **more) as exchange:
        assert exchange.status == 200
        return str(exchange.json()["id"])


def id_in(frames: list[bytes]) -> str:
    """Of the response whose events these are."""
    return str(event_of(frames[0])["response"]["id"])


def numbers(frames: list[bytes]) -> list[int]:
    """The sequence numbers of events."""
    return [event_of(frame)["sequence_number"] for frame in frames]


def ended(server: LambdaServer, response_id: str) -> JSON:
    """The response when it has ended, which its readers bring about if nobody else does."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while (found := retrieved(server, response_id))["status"] in LIVE:
        assert time.monotonic() < deadline, f"it never ended: {found['status']}"
        time.sleep(POLL_SECONDS)
    return found


def told_whole(server: LambdaServer, response_id: str, seen: list[bytes]) -> JSON:
    """The response in the end, of which all that was seen is told again and is true."""
    response = ended(server, response_id)
    told = replayed(server, response_id)
    assert told[: len(seen)] == seen
    assert folded(told) == response
    return response


def told_with_a_gap(server: LambdaServer, response_id: str, seen: list[bytes]) -> JSON:
    """The same for a response whose last events were seen, but not recorded."""
    response = ended(server, response_id)
    told = replayed(server, response_id)
    known = dict(zip(numbers(seen), seen, strict=True))
    assert numbers(told) == sorted(set(numbers(told)))
    assert all(known.get(event_of(frame)["sequence_number"], frame) == frame for frame in told)
    ends = [frame for frame in told if event_of(frame)["type"] in TERMINAL]
    assert ends == told[-1:]
    assert event_of(told[-1])["response"] == response
    with rejoin(server, response_id, numbers(seen)[-1]) as exchange:
        rest = list(exchange.events())
    assert rest
    assert rest == told[-len(rest) :]
    return response


def status_of(server: LambdaServer, path: str, method: str = "POST") -> int:
    """The status of a request without a body."""
    with Exchange(server, path, method=method) as exchange:
        return exchange.status


class Backstage:
    """The deployment's table and queues, as only its operator sees them."""

    def __init__(self, server: LambdaServer) -> None:
        self._aws_url = server.aws_url
        self._dynamodb, self._sqs = (client(name, server.aws_url) for name in ("dynamodb", "sqs"))
        (self._table,) = self._dynamodb.list_tables()["TableNames"]

    def last_number(self, response_id: str) -> int:
        """Of the events that are recorded."""
        key = {PK: {"S": response_key(TENANT, response_id)}, SK: {"S": META}}
        found = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return int(found["Item"]["last"]["S"].partition("#")[0])

    def is_idle(self) -> bool:
        """Whether nothing waits, not even for later."""
        names = [f"ApproximateNumberOfMessages{depth}" for depth in DEPTHS]
        told = [
            self._sqs.get_queue_attributes(QueueUrl=self._url(name), AttributeNames=names)
            for name in ("QueueJobs", "QueueDead")
        ]
        return all(int(count) == 0 for each in told for count in each["Attributes"].values())

    @contextmanager
    def receives(self, times: int) -> Iterator[None]:
        """A message goes to the dead letters after so many receives."""
        url = self._url("QueueJobs")
        told = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        usual = json.loads(told["Attributes"]["RedrivePolicy"])
        self._redrive(usual | {"maxReceiveCount": times})
        try:
            yield
        finally:
            self._redrive(usual)

    def _redrive(self, policy: JSON) -> None:
        attributes = {"RedrivePolicy": json.dumps(policy)}
        self._sqs.set_queue_attributes(QueueUrl=self._url("QueueJobs"), Attributes=attributes)

    def _url(self, name: str) -> str:
        return queue_url(self._aws_url, name)
