"""Access keys: those of the environment, and those of an agent that expire."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from rejoinder.aws.credentials import REFRESH_SECONDS, Credentials
from rejoinder.aws.signing import AccessKey
from rejoinder.errors import Unavailable
from tests.storage.contract import HOUR, NOW, Clock
from tests.unit.aws.scripted import Said, Scripted


def handed(key: str, lasts_seconds: int = HOUR) -> Said:
    """What the agent says."""
    until = datetime.fromtimestamp(NOW + lasts_seconds, UTC)
    return Said(
        body={
            "AccessKeyId": key,
            "SecretAccessKey": "a secret",
            "Token": "a token",
            "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )


def agents(agent: Scripted, **env: str) -> dict[str, str]:
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{agent.url}/v1/credentials", **env}


async def test_the_keys_of_the_environment_are_taken(
    transport: httpx.AsyncHTTPTransport,
) -> None:
    env = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}

    assert await Credentials(env, transport).current() == AccessKey("AKID", "s", "t")


@pytest.mark.parametrize("env", [{}, {"AWS_ACCESS_KEY_ID": "AKID"}])
async def test_without_any_nothing_can_be_signed(
    env: dict[str, str], transport: httpx.AsyncHTTPTransport
) -> None:
    with pytest.raises(Unavailable, match="No AWS credentials"):
        await Credentials(env, transport).current()


async def test_an_agent_hands_out_keys_that_last(transport: httpx.AsyncHTTPTransport) -> None:
    with Scripted(handed("FIRST"), handed("SECOND")) as agent:
        credentials = Credentials(agents(agent), transport, Clock())

        keys = [await credentials.current() for _ in range(3)]

    assert keys == 3 * [AccessKey("FIRST", "a secret", "a token", NOW + HOUR)]
    assert len(agent.requests) == 1
    assert agent.requests[0].path == "/v1/credentials"
    assert "authorization" not in agent.requests[0].headers


async def test_the_agent_is_told_its_token(
    transport: httpx.AsyncHTTPTransport, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("Basic of the file\n")
    with Scripted(handed("KEY")) as agent:
        plain = agents(agent, AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic of the variable")
        await Credentials(plain, transport, Clock()).current()
        filed = {**plain, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file)}
        await Credentials(filed, transport, Clock()).current()

    tokens = [request.headers["authorization"] for request in agent.requests]
    assert tokens == ["Basic of the variable", "Basic of the file"]


async def test_a_key_is_replaced_before_it_expires_and_once_for_all_who_ask(
    transport: httpx.AsyncHTTPTransport,
) -> None:
    clock = Clock()
    with Scripted(handed("FIRST"), handed("SECOND", 2 * HOUR)) as agent:
        credentials = Credentials(agents(agent), transport, clock)
        first = await asyncio.gather(*(credentials.current() for _ in range(20)))
        clock.now = NOW + HOUR - REFRESH_SECONDS
        second = await asyncio.gather(*(credentials.current() for _ in range(20)))

    assert {key.id for key in first} == {"FIRST"}
    assert {key.id for key in second} == {"SECOND"}
    assert len(agent.requests) == 2


async def test_a_key_that_cannot_be_replaced_is_used_until_it_expires(
    transport: httpx.AsyncHTTPTransport,
) -> None:
    clock = Clock()
    with Scripted(handed("FIRST"), Said(500, {}), "reset") as agent:
        credentials = Credentials(agents(agent), transport, clock)
        await credentials.current()
        clock.now = NOW + HOUR - 1

        assert (await credentials.current()).id == "FIRST"
        assert (await credentials.current()).id == "FIRST"
        clock.now = NOW + HOUR
        with pytest.raises(Unavailable):
            await credentials.current()


@pytest.mark.parametrize("said", [b"", b"<html>", b"{}", b'{"AccessKeyId": 1}'])
async def test_an_agent_that_says_something_else_hands_out_nothing(
    transport: httpx.AsyncHTTPTransport, said: bytes
) -> None:
    with Scripted(Said(body=said)) as agent, pytest.raises(Unavailable):
        await Credentials(agents(agent), transport, Clock()).current()


async def test_after_a_restore_the_keys_of_the_snapshot_are_not_used(
    transport: httpx.AsyncHTTPTransport,
) -> None:
    clock = Clock()
    with Scripted(handed("SNAPSHOT"), handed("RESTORED", 30 * HOUR)) as agent:
        credentials = Credentials(agents(agent), transport, clock)
        await credentials.current()
        clock.now = NOW + 24 * HOUR

        assert (await credentials.current()).id == "RESTORED"
