"""The log of deliveries in DynamoDB: the contract of all, and what only a table can do."""

import pytest

from rejoinder.aws.deliveries import DynamoDeliveries
from tests.storage.contract import ACME, HOUR, NOW, Clock
from tests.storage.moto_server import Aws
from tests.storage.queue_contract import DeliveriesContract, delivery


@pytest.fixture
def log(aws: Aws, clock: Clock) -> DynamoDeliveries:
    return DynamoDeliveries(aws.dynamodb, aws.table, clock)


class TestDynamoKeepsTheContractOfDeliveries(DeliveriesContract):
    pass


async def test_those_of_one_second_are_told_in_their_order(log: DynamoDeliveries) -> None:
    noted = [delivery(1, outcome=str(status)) for status in range(500, 520)]
    for each in noted:
        await log.note(each, expires_at=NOW + HOUR)

    assert await log.deliveries(ACME, limit=100) == noted[::-1]


async def test_what_has_expired_takes_no_place(log: DynamoDeliveries, clock: Clock) -> None:
    await log.note(delivery(1), expires_at=NOW + HOUR)
    for attempt in range(2, 8):
        await log.note(delivery(attempt), expires_at=NOW + 10)
    clock.now = NOW + 10

    assert await log.deliveries(ACME, limit=2) == [delivery(1)]


async def test_a_delivery_is_removed_by_the_table_when_it_has_expired(
    aws: Aws, log: DynamoDeliveries
) -> None:
    await log.note(delivery(1), expires_at=NOW + HOUR)

    (item,) = await aws.items()

    assert item["expires_at"] == {"N": str(NOW + HOUR)}
