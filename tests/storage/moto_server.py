"""AWS on the loopback: moto's server in this process, one for all tests, on the tests' clock.

A test that asks for `aws` gets a table, a queue, a bucket and a secret of its own, and our own
clients for them. `aws.calls` holds all calls of JSON services that worked, so that their
capacity can be counted.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec.json import encode

from rejoinder.aws.bucket import Bucket
from rejoinder.aws.client import Service
from rejoinder.aws.credentials import Credentials
from rejoinder.aws.table import TABLE, TIME_TO_LIVE

type JSON = Any

REGION = "us-east-1"
ENV = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "an example"}
SECRET = {"master": "m" * 64, "OPENAI_API_KEY": "sk-openai"}


@dataclass
class Aws:
    """What a deployment has, for one test."""

    endpoint: str
    transport: httpx.AsyncBaseTransport
    credentials: Credentials
    calls: list[tuple[str, str, JSON, JSON]] = field(default_factory=list)
    name: str = field(default_factory=lambda: f"rejoinder-{uuid4().hex}")
    queue_url: str = ""
    secret_arn: str = ""

    def __post_init__(self) -> None:
        self.dynamodb = self.service("dynamodb")
        self.sqs = self.service("sqs")
        self.secrets = self.service("secretsmanager")
        self.bucket = Bucket(
            self.transport,
            self.credentials,
            name=self.bucket_name,
            region=REGION,
            endpoint=self.endpoint,
        )

    @property
    def table(self) -> str:
        """The table's name."""
        return self.name

    @property
    def bucket_name(self) -> str:
        """The bucket's name."""
        return self.name

    def service(self, name: str) -> Service:
        """A client of a JSON service; its calls are noted."""
        return Service(
            self.transport,
            self.credentials,
            name=name,
            region=REGION,
            endpoint=self.endpoint,
            on_call=lambda *call: self.calls.append(call),
        )

    async def create(self) -> None:
        """Make the table, the queue, the bucket and the secret."""
        await self.dynamodb.call("CreateTable", {"TableName": self.table, **TABLE})
        await self.dynamodb.call(
            "UpdateTimeToLive",
            {"TableName": self.table, "TimeToLiveSpecification": TIME_TO_LIVE},
        )
        queue = await self.sqs.call("CreateQueue", {"QueueName": self.name})
        self.queue_url = queue["QueueUrl"]
        secret = {"Name": self.name, "SecretString": encode(SECRET).decode()}
        self.secret_arn = (await self.secrets.call("CreateSecret", secret))["ARN"]
        async with httpx.AsyncClient() as client:
            (await client.put(f"{self.endpoint}/{self.bucket_name}")).raise_for_status()
        self.calls.clear()

    async def items(self) -> list[dict[str, JSON]]:
        """Everything in the table, as DynamoDB writes it."""
        scanned = await self.dynamodb.call(
            "Scan", {"TableName": self.table, "ConsistentRead": True}
        )
        items: list[dict[str, JSON]] = scanned["Items"]
        return items


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    from tests.storage.moto_wire import serving

    with serving() as endpoint:
        yield endpoint


@pytest.fixture
async def aws(moto_endpoint: str) -> AsyncIterator[Aws]:
    async with httpx.AsyncHTTPTransport() as transport:
        aws = Aws(moto_endpoint, transport, Credentials(ENV, transport))
        await aws.create()
        yield aws


def set_queues_to(clock: Callable[[], float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the queues' time be a test's; it goes on a little whenever somebody looks."""
    ticks = count()

    def now_seconds(_: object = None) -> float:
        return clock() + next(ticks) / 1_000_000

    monkeypatch.setattr("moto.sqs.models.unix_time", now_seconds)
    monkeypatch.setattr("moto.sqs.models.unix_time_millis", lambda: now_seconds() * 1000)
