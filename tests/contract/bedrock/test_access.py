"""How Bedrock is switched on, and who we say we are there."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.credentials import RefreshableCredentials

from rejoinder.errors import UpstreamAuth
from rejoinder.providers.bedrock.signing import SigV4, configured_region
from rejoinder.services import found_services
from rejoinder.settings import SettingsError
from tests.contract.bedrock.door import CLAUDE, HAIKU, opened, said
from tests.server import Server
from tests.upstreams.bedrock import BedrockUpstream
from tests.upstreams.bedrock_replies import text

type JSON = Any


@pytest.mark.parametrize(
    "env",
    [
        {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S", "AWS_REGION": "eu-west-1"},
        {"AWS_PROFILE": "work", "AWS_DEFAULT_REGION": "eu-west-1"},
        {"AWS_BEARER_TOKEN_BEDROCK": "key", "AWS_REGION": "eu-west-1"},
    ],
)
def test_credentials_with_a_region_switch_it_on(env: dict[str, str]) -> None:
    assert found_services(env)["bedrock"].dialect == "bedrock"


def test_a_region_alone_does_not() -> None:
    assert "bedrock" not in found_services({"AWS_REGION": "eu-west-1"})
    assert "bedrock" not in found_services({"AWS_ACCESS_KEY_ID": "A"})


async def test_without_a_region_the_settings_are_wrong(
    bedrock: BedrockUpstream, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="region"):
        async with opened(bedrock, tmp_path, env={}):
            pass


async def test_the_region_may_come_from_a_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = eu-central-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    assert configured_region({}, "work") == "eu-central-1"
    assert configured_region({}, "nobody") == ""


async def test_credentials_may_come_from_a_profile(
    bedrock: BedrockUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, file = bedrock.account, tmp_path / "credentials"
    keys = f"aws_access_key_id={account.key_id}\naws_secret_access_key={account.secret}\n"
    file.write_text(f"[work]\n{keys}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    profile: JSON = {"aws_profile": "work", "region": account.region}

    async with opened(bedrock, tmp_path, env={}, **profile) as door:
        assert said(await door.create(CLAUDE)) == "You said: Hello"


async def test_an_unknown_profile_is_the_operators_to_mend(
    bedrock: BedrockUpstream, tmp_path: Path
) -> None:
    profile: JSON = {"aws_profile": "nobody", "region": "us-east-1"}
    async with opened(bedrock, tmp_path, env={}, **profile) as door:
        status, error = await door.refused(CLAUDE)

    assert (status, error["code"]) == (500, "upstream_auth")


async def test_no_credentials_at_all_are_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(UpstreamAuth):
        await SigV4("us-east-1", {}).ready()


async def test_credentials_are_renewed_in_a_thread_and_once_for_all_who_wait() -> None:
    threads: list[str] = []

    def renew() -> dict[str, str]:
        threads.append(threading.current_thread().name)
        soon = datetime.now(UTC) + timedelta(hours=1)
        return {
            "access_key": f"K{len(threads)}",
            "secret_key": "S",
            "token": "T",
            "expiry_time": soon.isoformat(),
        }

    stale = {**renew(), "expiry_time": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()}
    access = SigV4("us-east-1", {})
    access._source = RefreshableCredentials.create_from_metadata(stale, renew, "test")

    await asyncio.gather(*(access.ready() for _ in range(5)))
    await access.ready()

    assert access._frozen.access_key == "K2"
    assert len(threads) == 2
    assert threads[1] != threading.main_thread().name


def test_the_seeds_name_works_on_the_real_server(tmp_path: Path) -> None:
    with BedrockUpstream() as upstream:
        upstream.on(HAIKU, text("Hel", "lo"))
        env = upstream.account.env | {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": upstream.base_url}
        with Server(tmp_path, env=env) as server:
            bearer = {"authorization": "Bearer sk-test"}
            body = {"model": "anthropic.claude-haiku-4-5", "input": "Hi", "stream": True}
            answer = httpx.post(f"{server.base_url}/responses", json=body, headers=bearer)
            listed = httpx.get(f"{server.base_url}/models", headers=bearer).json()

    assert '"output_text":"Hello"' in answer.text
    assert "anthropic.claude-haiku-4-5" in [model["id"] for model in listed["data"]]
