"""The local server finds Claude by a key in the environment."""

from pathlib import Path

import pytest
from openai import OpenAI

from rejoinder_local.config import Config
from tests.server import KEY, Server
from tests.upstreams.anthropic import AnthropicUpstream
from tests.upstreams.chat_replies import text

SONNET = "claude-sonnet-4-5"


def test_a_key_switches_claude_on(tmp_path: Path) -> None:
    config = Config.from_env({"ANTHROPIC_API_KEY": "sk-ant-1", "DATA": str(tmp_path)})

    provider = config.settings.providers["anthropic"]
    assert (provider.dialect, provider.models) == ("anthropic", ("claude-*",))
    assert provider.base_url == "https://api.anthropic.com/v1"
    assert provider.api_key_env == "ANTHROPIC_API_KEY"


@pytest.mark.parametrize(
    "root", ["http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/v1"]
)
def test_the_address_may_be_another_with_or_without_its_version(tmp_path: Path, root: str) -> None:
    env = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": root, "DATA": str(tmp_path)}

    config = Config.from_env(env)

    assert config.settings.providers["anthropic"].base_url == "http://127.0.0.1:1/v1"


def test_the_server_serves_all_models_that_it_finds(tmp_path: Path) -> None:
    with AnthropicUpstream(api_key="sk-ant-1") as upstream:
        many = [f"claude-opus-4-{number}" for number in range(30)]
        for model in [*many, SONNET]:
            upstream.on(model, text("Hello ", "from Claude."))
        root = upstream.base_url.removesuffix("/v1")
        env = {"ANTHROPIC_API_KEY": "sk-ant-1", "ANTHROPIC_BASE_URL": root}
        with (
            Server(tmp_path, env=env) as server,
            OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client,
        ):
            assert upstream.wait_until(lambda: bool(upstream.requests))
            with client.responses.stream(model=SONNET, input="Hi") as stream:
                response = stream.get_final_response()
            listed = {model.id for model in client.models.list()}

    assert response.output_text == "Hello from Claude."
    assert {*many, SONNET} <= listed
