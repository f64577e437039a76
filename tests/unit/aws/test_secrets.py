"""The one secret: fetched seldom, and what is derived from it."""

import asyncio
import hmac
from typing import Any

import httpx
import pytest
from msgspec.json import encode

from rejoinder.aws.client import AwsError, Service
from rejoinder.aws.credentials import Credentials
from rejoinder.aws.secrets import APART_SECONDS, KEPT_SECONDS, Secrets
from rejoinder.errors import Unavailable
from tests.storage.contract import Clock
from tests.storage.moto_server import ENV, REGION, SECRET, Aws
from tests.unit.aws.scripted import Said, Scripted, refused

type JSON = Any


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def secrets(aws: Aws, clock: Clock) -> Secrets:
    return Secrets(aws.secrets, aws.secret_arn, clock)


def scripted(transport: httpx.AsyncHTTPTransport, server: Scripted, clock: Clock) -> Secrets:
    credentials = Credentials(ENV, transport)
    service = Service(
        transport, credentials, name="secretsmanager", region=REGION, endpoint=server.url
    )
    return Secrets(service, "arn", clock)


async def change(aws: Aws, **members: str) -> None:
    """Write another version of the secret."""
    text = encode({**SECRET, **members}).decode()
    await aws.secrets.call("PutSecretValue", {"SecretId": aws.secret_arn, "SecretString": text})


def fetched(aws: Aws) -> int:
    return sum(operation == "GetSecretValue" for _, operation, _, _ in aws.calls)


async def test_its_members_are_told_but_for_the_master(secrets: Secrets) -> None:
    assert await secrets.members() == {"OPENAI_API_KEY": "sk-openai"}


async def test_keys_are_derived_from_the_master(secrets: Secrets) -> None:
    master = SECRET["master"].encode()

    assert await secrets.seal_key() == hmac.digest(master, b"seal", "sha256")
    assert await secrets.pepper() == hmac.digest(master, b"keys", "sha256")
    assert len(await secrets.seal_key()) == 32


async def test_it_is_fetched_once_for_all_who_ask(aws: Aws, secrets: Secrets) -> None:
    await asyncio.gather(*(secrets.members() for _ in range(20)), secrets.pepper())
    await secrets.seal_key()

    assert fetched(aws) == 1


async def test_a_change_is_seen_after_five_minutes(
    aws: Aws, secrets: Secrets, clock: Clock
) -> None:
    await secrets.members()
    await change(aws, OPENAI_API_KEY="sk-new")

    clock.now += KEPT_SECONDS - 1
    before = await secrets.members()
    clock.now += 1

    assert before["OPENAI_API_KEY"] == "sk-openai"
    assert (await secrets.members())["OPENAI_API_KEY"] == "sk-new"


async def test_a_change_is_seen_at_once_on_demand_but_not_asked_for_all_the_time(
    aws: Aws, secrets: Secrets, clock: Clock
) -> None:
    await secrets.members()
    await change(aws, OPENAI_API_KEY="sk-new")
    clock.now += APART_SECONDS

    for _ in range(5):
        await secrets.refresh()

    assert (await secrets.members())["OPENAI_API_KEY"] == "sk-new"
    assert fetched(aws) == 2


async def test_the_old_one_is_good_while_there_is_no_newer(
    transport: httpx.AsyncHTTPTransport, clock: Clock
) -> None:
    with Scripted(Said(body={"SecretString": encode(SECRET).decode()}), refused("No")) as server:
        secrets = scripted(transport, server, clock)
        await secrets.members()
        clock.now += KEPT_SECONDS

        assert await secrets.members() == {"OPENAI_API_KEY": "sk-openai"}
        assert await secrets.members() == {"OPENAI_API_KEY": "sk-openai"}

    assert len(server.requests) == 2


async def test_who_may_not_read_it_is_told(
    transport: httpx.AsyncHTTPTransport, clock: Clock
) -> None:
    with (
        Scripted(refused("AccessDeniedException")) as server,
        pytest.raises(AwsError, match="AccessDeniedException"),
    ):
        await scripted(transport, server, clock).members()


@pytest.mark.parametrize(
    "said",
    [{}, {"SecretString": "no JSON"}, {"SecretString": "{}"}, {"SecretString": '{"master": 1}'}],
)
async def test_another_kind_of_secret_is_no_use(
    transport: httpx.AsyncHTTPTransport, clock: Clock, said: JSON
) -> None:
    with Scripted(Said(body=said)) as server, pytest.raises(Unavailable, match="master"):
        await scripted(transport, server, clock).members()
