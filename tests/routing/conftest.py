"""A server with a primary and a secondary service."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from openai import OpenAI

from tests.server import KEY, Server
from tests.upstreams.chat_completions import ChatUpstream

SETTINGS = """
retries = 1
patience_seconds = 2.0

[fallbacks]
"scripted/primary" = ["second/secondary"]
"scripted/chained" = ["scripted/chained-again", "second/secondary"]

[aliases]
nickname = "scripted/primary"

[providers.second]
base_url = "{second}"
"""


@pytest.fixture(scope="session")
def upstreams() -> Iterator[tuple[ChatUpstream, ChatUpstream]]:
    with ChatUpstream() as primary, ChatUpstream(flavour="generic") as secondary:
        yield primary, secondary


@contextmanager
def routing(folder: Path, upstreams: tuple[ChatUpstream, ChatUpstream]) -> Iterator[OpenAI]:
    """The client of a server before both."""
    primary, secondary = upstreams
    settings = SETTINGS.format(second=secondary.base_url)
    with (
        Server(folder, primary.base_url, settings) as server,
        OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def shared_client(
    upstreams: tuple[ChatUpstream, ChatUpstream], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenAI]:
    with routing(tmp_path_factory.mktemp("routed"), upstreams) as client:
        yield client


@pytest.fixture
def client(shared_client: OpenAI, primary: ChatUpstream, secondary: ChatUpstream) -> OpenAI:
    """Of a server at which every failure was followed by an answer."""
    for model in ("scripted/primary", "scripted/chained", "second/secondary"):
        shared_client.responses.create(model=model, input="Are you there?")
    primary.forget()
    secondary.forget()
    return shared_client


@pytest.fixture
def own_client(primary: ChatUpstream, secondary: ChatUpstream, tmp_path: Path) -> Iterator[OpenAI]:
    """For a test after which a service is left alone for a while."""
    with routing(tmp_path, (primary, secondary)) as client:
        yield client


@pytest.fixture
def primary(upstreams: tuple[ChatUpstream, ChatUpstream]) -> ChatUpstream:
    upstreams[0].forget()
    return upstreams[0]


@pytest.fixture
def secondary(upstreams: tuple[ChatUpstream, ChatUpstream]) -> ChatUpstream:
    upstreams[1].forget()
    return upstreams[1]
