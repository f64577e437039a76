"""The real server over scripted upstreams, one of each dialect per test process."""

import ssl
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from _pytest.nodeid import NodeId

from tests.clients.models import Models
from tests.dialects.anthropic import ANTHROPIC
from tests.dialects.bedrock import BEDROCK, NOVA
from tests.dialects.chat import CHAT
from tests.dialects.responses import RESPONSES
from tests.server import Server
from tests.upstreams.anthropic import AnthropicUpstream
from tests.upstreams.bedrock import BedrockUpstream
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.responses import ResponsesUpstream

UPSTREAM_KEY = "sk-upstream"
SETTINGS = """
patience_seconds = 1.0
retries = 0

[providers.generic]
base_url = "{generic}"

[providers.relayed]
dialect = "openai"
base_url = "{relayed}"
api_key = "sk-upstream"

[providers.claude]
dialect = "anthropic"
base_url = "{claude}"
api_key = "sk-upstream"

[providers.aws]
dialect = "bedrock"
base_url = "{aws}"
api_key = "sk-upstream"
region = "us-east-1"

[models."*raw-*"]
reasoning_output = "raw"

[models."thinker-*"]
sends_reasoning_back = true

[fallbacks]
"relayed/gpt-5-falls" = ["claude/claude-sonnet-4-5-caught"]
"claude/claude-sonnet-4-5-falls" = ["aws/us.amazon.nova-2-lite-caught"]
"aws/anthropic.claude-sonnet-4-5-falls" = ["generic/caught"]
"generic/falls" = ["relayed/gpt-5-caught"]
"""

TESTS = Path(__file__).parent
OUTSIDE = ("clients", "rig", "routing", "upstreams")  # no line of the product runs in their tests


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let coverage, which takes as long as what it watches, rest where it can find nothing.

    And have groups: pytest 9.2 does not see where xdist 3.8 notes them (its issue 1386).
    """
    for item in items:
        if item.path.relative_to(TESTS).parts[0] in OUTSIDE:
            item.add_marker(pytest.mark.no_cover)
        if grouped := getattr(item, "_nodeid", None):
            setattr(item, "_id", NodeId.parse(grouped))  # noqa: B010, it is not declared


@pytest.fixture(scope="session", autouse=True)
def certificates() -> Iterator[None]:
    """Read once: nothing here speaks TLS, but each client would take 20 ms for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session")
def upstream() -> Iterator[ChatUpstream]:
    with ChatUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def generic_upstream() -> Iterator[ChatUpstream]:
    with ChatUpstream(flavour="generic") as upstream:
        yield upstream


@pytest.fixture(scope="session")
def relayed_upstream() -> Iterator[ResponsesUpstream]:
    with ResponsesUpstream(api_key=UPSTREAM_KEY) as upstream:
        yield upstream


@pytest.fixture(scope="session")
def claude_upstream() -> Iterator[AnthropicUpstream]:
    with AnthropicUpstream(api_key=UPSTREAM_KEY) as upstream:
        yield upstream


@pytest.fixture(scope="session")
def aws_upstream() -> Iterator[BedrockUpstream]:
    with BedrockUpstream(api_key=UPSTREAM_KEY) as upstream:
        yield upstream


@pytest.fixture(scope="session")
def server_settings(
    generic_upstream: ChatUpstream,
    relayed_upstream: ResponsesUpstream,
    claude_upstream: AnthropicUpstream,
    aws_upstream: BedrockUpstream,
) -> str:
    return SETTINGS.format(
        generic=generic_upstream.base_url,
        relayed=relayed_upstream.base_url,
        claude=claude_upstream.base_url,
        aws=aws_upstream.base_url,
    )


@pytest.fixture(scope="session")
def local_server(
    upstream: ChatUpstream, server_settings: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), upstream.base_url, server_settings) as server:
        yield server


@pytest.fixture(scope="session")
def server(local_server: Server) -> Server:
    return local_server


@pytest.fixture(scope="session")
def vendors(
    upstream: ChatUpstream,
    generic_upstream: ChatUpstream,
    relayed_upstream: ResponsesUpstream,
    claude_upstream: AnthropicUpstream,
    aws_upstream: BedrockUpstream,
) -> Mapping[str, Models]:
    """By the names that the tables of differences use."""
    every = [
        Models("scripted", upstream, CHAT, "chat"),
        Models("generic", generic_upstream, CHAT, "generic chat"),
        Models("relayed", relayed_upstream, RESPONSES, "openai"),
        Models("claude", claude_upstream, ANTHROPIC, "anthropic"),
        Models("aws", aws_upstream, BEDROCK, "bedrock"),
        Models("aws", aws_upstream, NOVA, "nova"),
    ]
    return {models.name: models for models in every}
