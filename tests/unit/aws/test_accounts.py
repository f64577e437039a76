"""API keys: whose they are, and for how long an answer is believed."""

import pytest

from rejoinder.aws.accounts import KNOWN_SECONDS, UNKNOWN_SECONDS, Accounts, digest_of
from rejoinder.aws.secrets import Secrets
from rejoinder.aws.table import api_key_key
from tests.storage.contract import ACME, Clock
from tests.storage.moto_server import Aws

KEY = "sk-rj-abcdefgh-" + 43 * "x"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def secrets(aws: Aws) -> Secrets:
    return Secrets(aws.secrets, aws.secret_arn)


@pytest.fixture
def accounts(aws: Aws, secrets: Secrets, clock: Clock) -> Accounts:
    return Accounts(aws.dynamodb, aws.table, secrets, clock)


async def give(aws: Aws, secrets: Secrets, key: str = KEY, tenant: str = ACME) -> None:
    digest = digest_of(key, await secrets.pepper())
    item = api_key_key(digest) | {"tenant": {"S": tenant}, "name": {"S": "ours"}}
    await aws.dynamodb.call("PutItem", {"TableName": aws.table, "Item": item})


async def revoke(aws: Aws, secrets: Secrets, key: str = KEY) -> None:
    digest = digest_of(key, await secrets.pepper())
    request = {"TableName": aws.table, "Key": api_key_key(digest)}
    await aws.dynamodb.call("DeleteItem", request)


def asked(aws: Aws) -> int:
    return sum(operation == "GetItem" for _, operation, _, _ in aws.calls)


async def test_a_key_stands_for_its_tenant(aws: Aws, secrets: Secrets, accounts: Accounts) -> None:
    await give(aws, secrets)
    await give(aws, secrets, "another", "Tromsø 🌌")

    assert await accounts.tenant_of_key(KEY) == ACME
    assert await accounts.tenant_of_key("another") == "Tromsø 🌌"


@pytest.mark.parametrize("key", ["", KEY[:-1], KEY + "x", KEY.upper(), "ÿ", 5000 * "x"])
async def test_another_key_stands_for_nobody(
    aws: Aws, secrets: Secrets, accounts: Accounts, key: str
) -> None:
    await give(aws, secrets)

    assert await accounts.tenant_of_key(key) is None


async def test_no_key_is_in_the_table(aws: Aws, secrets: Secrets) -> None:
    await give(aws, secrets)

    assert KEY not in str(await aws.items())


async def test_a_key_is_looked_up_once_a_minute(
    aws: Aws, secrets: Secrets, accounts: Accounts, clock: Clock
) -> None:
    await give(aws, secrets)
    await accounts.tenant_of_key(KEY)
    clock.now += KNOWN_SECONDS - 1
    await accounts.tenant_of_key(KEY)

    assert asked(aws) == 1
    clock.now += 1
    await accounts.tenant_of_key(KEY)
    assert asked(aws) == 2


async def test_a_revoked_key_is_good_for_a_minute_at_most(
    aws: Aws, secrets: Secrets, accounts: Accounts, clock: Clock
) -> None:
    await give(aws, secrets)
    await accounts.tenant_of_key(KEY)
    await revoke(aws, secrets)

    clock.now += KNOWN_SECONDS

    assert await accounts.tenant_of_key(KEY) is None


async def test_a_new_key_is_good_at_once_and_after_seconds_if_it_was_tried_before(
    aws: Aws, secrets: Secrets, accounts: Accounts, clock: Clock
) -> None:
    await accounts.tenant_of_key(KEY)
    await give(aws, secrets)
    await give(aws, secrets, "fresh")

    assert await accounts.tenant_of_key("fresh") == ACME
    assert await accounts.tenant_of_key(KEY) is None
    clock.now += UNKNOWN_SECONDS
    assert await accounts.tenant_of_key(KEY) == ACME


async def test_only_so_many_answers_are_remembered(
    aws: Aws, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rejoinder.aws.accounts.MAX_REMEMBERED", 2)
    for key in ("one", "two", "three"):
        await accounts.tenant_of_key(key)

    await accounts.tenant_of_key("three")
    await accounts.tenant_of_key("two")
    assert asked(aws) == 3
    await accounts.tenant_of_key("one")
    assert asked(aws) == 4
