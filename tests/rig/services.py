"""Table, queues, bucket and secret, in moto's server; made as the stack says."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from typing import Any, Self

import boto3
from botocore.config import Config

from tests.rig.stack import ACCOUNT, REGION, Queue, Stack
from tests.server import UNMEASURED

type JSON = Any

RETENTION_SECONDS = 14 * 24 * 3600


class Moto(AbstractContextManager["Moto"]):
    """The server's process; it ends with us, for it reads a pipe of ours."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.rig.moto_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is not for it
            env=os.environ | UNMEASURED,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("moto's server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid


def queue_url(endpoint: str, name: str) -> str:
    """Where moto keeps a queue."""
    return f"{endpoint}/{ACCOUNT}/{name}"


def queue_arn(name: str) -> str:
    """What a queue is called in AWS."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def client(service: str, endpoint: str) -> JSON:
    """A client of boto3, for the rig's own work."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="rig",
        aws_secret_access_key="rig",
        config=Config(max_pool_connections=64, retries={"mode": "standard"}),
    )


async def create(stack: Stack, endpoint: str) -> None:
    """Make all that the stack keeps its state in."""
    await asyncio.to_thread(_create, stack, endpoint)


def _create(stack: Stack, endpoint: str) -> None:
    """What is there already stays as it is."""
    dynamodb, s3 = client("dynamodb", endpoint), client("s3", endpoint)
    secrets = client("secretsmanager", endpoint)
    place = {"LocationConstraint": REGION}
    for table in stack.tables:
        with suppress(dynamodb.exceptions.ResourceInUseException):
            dynamodb.create_table(**table)
    for bucket in stack.buckets:
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    for name, content in stack.secrets.items():
        with suppress(secrets.exceptions.ResourceExistsException):
            secrets.create_secret(Name=name, SecretString=content)
    _create_queues(stack.queues, client("sqs", endpoint))


def _create_queues(queues: Iterable[Queue], sqs: JSON) -> None:
    for queue in sorted(queues, key=lambda queue: bool(queue.dead_letters_to)):
        attributes = {
            "VisibilityTimeout": str(queue.visibility_seconds),
            "MessageRetentionPeriod": str(RETENTION_SECONDS),
        }
        if queue.dead_letters_to:
            redrive = {
                "deadLetterTargetArn": queue_arn(queue.dead_letters_to),
                "maxReceiveCount": queue.max_receive_count,
            }
            attributes["RedrivePolicy"] = json.dumps(redrive)
        sqs.create_queue(QueueName=queue.name, Attributes=attributes)
