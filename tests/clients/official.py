"""openai-python at the server of a folder, for two tenants: fixtures that conftests import."""

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.server import KEY, OTHER_KEY, Server


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="session")
def other_client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.base_url, api_key=OTHER_KEY, max_retries=0) as client:
        yield client
