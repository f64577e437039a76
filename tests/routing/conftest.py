"""A server with a primary, a secondary and a service that is not there."""

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.server import KEY, Server
from tests.upstreams.chat_completions import ChatUpstream

SETTINGS = """
retries = 1

[fallbacks]
"scripted/primary" = ["second/secondary"]
"scripted/chained" = ["scripted/chained-again", "second/secondary"]
"dead/model" = ["second/secondary"]

[aliases]
nickname = "scripted/primary"

[providers.second]
base_url = "{second}"

[providers.dead]
base_url = "http://127.0.0.1:1/v1"

"""


@pytest.fixture
def primary() -> Iterator[ChatUpstream]:
    with ChatUpstream() as upstream:
        yield upstream


@pytest.fixture
def secondary() -> Iterator[ChatUpstream]:
    with ChatUpstream(flavour="generic") as upstream:
        yield upstream


@pytest.fixture
def routed(
    primary: ChatUpstream, secondary: ChatUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    settings = SETTINGS.format(second=secondary.base_url)
    with Server(tmp_path_factory.mktemp("routed"), primary.base_url, settings) as server:
        yield server


@pytest.fixture
def client(routed: Server) -> OpenAI:
    return OpenAI(base_url=routed.base_url, api_key=KEY, max_retries=0)
