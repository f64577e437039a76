"""A server with its clients, and an application without one."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.api.door import Door, opened
from tests.background.asking import SETTINGS
from tests.clients.models import Models
from tests.clients.official import client, other_client
from tests.conversations.asking import WAYS, Ask
from tests.dialects.chat import CHAT
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream

__all__ = ["client", "other_client"]


@pytest.fixture(scope="session")
def server(upstream: ChatUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("conversations"), upstream.base_url, SETTINGS) as server:
        yield server
    assert "Traceback" not in server.log, server.log


@pytest.fixture(scope="session")
def models(upstream: ChatUpstream) -> Models:
    return Models("scripted", upstream, CHAT)


@pytest.fixture(params=[*WAYS.values()], ids=[*WAYS])
def ask(request: pytest.FixtureRequest) -> Ask:
    asking: Ask = request.param
    return asking


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path) as door:
        yield door
