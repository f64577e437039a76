"""A server with little patience between clients who leave and upstreams that fail."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.models import Models
from tests.faults.asking import UPSTREAM_KEY, check_log, heal
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream

SETTINGS = """
heartbeat_seconds = 0.25
patience_seconds = 1.0
retries = 0

[providers.hasty]
base_url = "{upstream}"
timeout_seconds = 0.3
api_key = "{key}"

[providers.absent]
base_url = "http://127.0.0.1:{closed_port}/v1"

[providers.rootless]
base_url = "{root}"

[providers.overlong]
base_url = "{upstream}/chat/completions"

[models."raw-*"]
reasoning_output = "raw"
"""

type MakeServer = Callable[..., Server]


@pytest.fixture(scope="session")
def upstream() -> Iterator[ChatUpstream]:
    """One of their own: what deployed functions still read at another must not be counted."""
    with ChatUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def settings(upstream: ChatUpstream) -> Iterator[str]:
    with socket.socket() as bound:  # and never listening: who connects is refused
        bound.bind(("127.0.0.1", 0))
        yield SETTINGS.format(
            upstream=upstream.base_url,
            root=upstream.base_url.removesuffix("/v1").replace("//", f"//user:{UPSTREAM_KEY}@"),
            closed_port=bound.getsockname()[1],
            key=UPSTREAM_KEY,
        )


@pytest.fixture(scope="session")
def shared_server(
    upstream: ChatUpstream, settings: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("faults"), upstream.base_url, settings) as server:
        yield server
    check_log(server)


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    heal(shared_server)
    yield shared_server
    check_log(shared_server)


@pytest.fixture
def own_server(upstream: ChatUpstream, settings: str, tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "own", upstream.base_url, settings) as server:
        yield server
    check_log(server)


@pytest.fixture(scope="session")
def models(upstream: ChatUpstream) -> Models:
    return Models("scripted", upstream)
