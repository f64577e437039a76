"""A server with many workers, a narrow one that does one thing at a time, and their clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.background.asking import NARROW, SETTINGS
from tests.background.sharing import Process, process
from tests.clients.models import Models
from tests.clients.official import client, other_client
from tests.dialects.chat import CHAT
from tests.server import KEY, Server
from tests.upstreams.chat_completions import ChatUpstream

__all__ = ["client", "other_client"]


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


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    """Two that share a file."""
    with process(tmp_path) as one, process(tmp_path) as two:
        yield one, two
