"""A server with many workers, a narrow one that does one thing at a time, and their clients."""

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.background.asking import NARROW, SETTINGS
from tests.clients.models import Models
from tests.dialects.chat import CHAT
from tests.server import KEY, OTHER_KEY, Server
from tests.upstreams.chat_completions import ChatUpstream


@pytest.fixture(scope="session")
def upstream() -> Iterator[ChatUpstream]:
    """One of their own: what deployed functions still read at another must not be counted."""
    with ChatUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def server(upstream: ChatUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("background"), upstream.base_url, SETTINGS) as server:
        yield server
    assert "Traceback" not in server.log, server.log


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="session")
def other_client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.base_url, api_key=OTHER_KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="session")
def models(upstream: ChatUpstream) -> Models:
    return Models("scripted", upstream, CHAT)


@pytest.fixture(scope="session")
def narrow_server(
    upstream: ChatUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("narrow"), upstream.base_url, NARROW) as server:
        yield server
    assert "Traceback" not in server.log, server.log


@pytest.fixture(scope="session")
def narrow_client(narrow_server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=narrow_server.base_url, api_key=KEY, max_retries=0) as client:
        yield client
