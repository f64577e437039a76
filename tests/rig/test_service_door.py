"""The door to AWS: it relays, counts, and refuses when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.rig.service_door import ServiceDoor
from tests.rig.services import Moto, client

type JSON = Any


@pytest.fixture
async def door(moto: Moto) -> AsyncIterator[tuple[ServiceDoor, str]]:
    door = ServiceDoor(moto.url)
    yield door, await door.start()
    await door.stop()


async def in_thread(call: JSON, **arguments: JSON) -> JSON:
    return await asyncio.to_thread(call, **arguments)


async def test_what_goes_through_the_door_is_what_the_service_says(
    door: tuple[ServiceDoor, str],
) -> None:
    sqs = client("sqs", door[1])

    made = await in_thread(sqs.create_queue, QueueName="through-the-door")
    sent = await in_thread(sqs.send_message, QueueUrl=made["QueueUrl"], MessageBody="\N{SNOWMAN}")
    got = await in_thread(sqs.receive_message, QueueUrl=made["QueueUrl"])

    assert got["Messages"][0]["MessageId"] == sent["MessageId"]
    assert got["Messages"][0]["Body"] == "\N{SNOWMAN}"
    assert door[0].calls == {"CreateQueue": 1, "SendMessage": 1, "ReceiveMessage": 1}


async def test_an_object_goes_through_the_door(door: tuple[ServiceDoor, str]) -> None:
    s3 = client("s3", door[1])
    place = {"LocationConstraint": "eu-west-1"}
    await in_thread(s3.create_bucket, Bucket="door", CreateBucketConfiguration=place)
    content = bytes(range(256)) * 1000

    await in_thread(s3.put_object, Bucket="door", Key="a/b c", Body=content)
    got = await in_thread(s3.get_object, Bucket="door", Key="a/b c")

    assert got["Body"].read() == content


async def test_a_jammed_door_refuses_as_dynamodb_does(door: tuple[ServiceDoor, str]) -> None:
    dynamodb = client("dynamodb", door[1])
    door[0].throttle("ListTables", 2)

    told = await in_thread(dynamodb.list_tables)

    assert "TableNames" in told
    assert told["ResponseMetadata"]["RetryAttempts"] == 2
    assert door[0].calls["ListTables"] == 3
