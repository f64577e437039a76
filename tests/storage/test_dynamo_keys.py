"""Idempotency keys in DynamoDB: the contract of all, and what only a table can do."""

import pytest

from rejoinder.aws.client import AwsError
from rejoinder.aws.idempotency import DynamoKeys
from tests.storage.contract import ACME, HOUR, NOW, Clock
from tests.storage.moto_server import Aws
from tests.storage.queue_contract import FIRST, SECOND, KeysContract


@pytest.fixture
def keys(aws: Aws, clock: Clock) -> DynamoKeys:
    return DynamoKeys(aws.dynamodb, aws.table, clock)


class TestDynamoKeepsTheContractOfKeys(KeysContract):
    pass


async def test_a_request_whose_reply_was_lost_finds_its_own_key_free(keys: DynamoKeys) -> None:
    await keys.remember(ACME, "key", FIRST, expires_at=NOW + HOUR)

    assert await keys.remember(ACME, "key", FIRST, expires_at=NOW + HOUR) is None


@pytest.mark.parametrize(
    ("tenant", "key", "other_tenant", "other_key"),
    [
        ("acme", "x#K#y", "acme#K#x", "y"),
        ("a", "b", "a#K#b", ""),
        ("a%23K", "b", "a#K", "b"),
        ("a/b", "c", "a", "b#K#c"),
    ],
)
async def test_no_tenant_can_be_named_so_that_it_has_anothers_keys(
    keys: DynamoKeys, tenant: str, key: str, other_tenant: str, other_key: str
) -> None:
    await keys.remember(tenant, key, FIRST, expires_at=NOW + HOUR)

    assert await keys.remember(other_tenant, other_key, SECOND, expires_at=NOW + HOUR) is None


async def test_the_longest_keys_fit_in(keys: DynamoKeys) -> None:
    for key in ("🌌" * 255, "a" * 255):
        assert await keys.remember("Tromsø 🌌" * 5, key, FIRST, expires_at=NOW + HOUR) is None


async def test_a_key_is_removed_by_the_table_when_it_has_expired(
    aws: Aws, keys: DynamoKeys
) -> None:
    await keys.remember(ACME, "key", FIRST, expires_at=NOW + HOUR)

    (item,) = await aws.items()

    assert item["expires_at"] == {"N": str(NOW + HOUR)}


async def test_a_key_costs_one_request(aws: Aws, keys: DynamoKeys) -> None:
    await keys.remember(ACME, "key", FIRST, expires_at=NOW + HOUR)
    await keys.remember(ACME, "key", SECOND, expires_at=NOW + HOUR)

    assert [operation for _, operation, _, _ in aws.calls] == ["PutItem"]  # one was refused


async def test_a_table_that_is_gone_is_told(aws: Aws) -> None:
    keys = DynamoKeys(aws.dynamodb, "another")

    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        await keys.remember(ACME, "key", FIRST, expires_at=NOW + HOUR)
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        await keys.forget(ACME, "key", FIRST.response_id)
