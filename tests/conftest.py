"""The real server over scripted upstreams, one of each per test process."""

from collections.abc import Iterator

import pytest

from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream

SETTINGS = """
patience_seconds = 1.0
retries = 0

[providers.generic]
base_url = "{generic}"

[models."raw-*"]
reasoning_output = "raw"

[models."thinker-*"]
sends_reasoning_back = true
"""


@pytest.fixture(scope="session")
def upstream() -> Iterator[ChatUpstream]:
    with ChatUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def generic_upstream() -> Iterator[ChatUpstream]:
    with ChatUpstream(flavour="generic") as upstream:
        yield upstream


@pytest.fixture(scope="session")
def server(
    upstream: ChatUpstream,
    generic_upstream: ChatUpstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    settings = SETTINGS.format(generic=generic_upstream.base_url)
    with Server(tmp_path_factory.mktemp("server"), upstream.base_url, settings) as server:
        yield server
