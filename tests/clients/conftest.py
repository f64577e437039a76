"""Clients of the server, and the models that it serves them."""

from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.clients.models import Models
from tests.dialects.differences import DIALECTS
from tests.server import KEY, OTHER_KEY, Server


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="session")
def other_client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.base_url, api_key=OTHER_KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(server: Server) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def models(vendors: Mapping[str, Models]) -> Models:
    return vendors["chat"]


@pytest.fixture
def generic_models(vendors: Mapping[str, Models]) -> Models:
    return vendors["generic chat"]


@pytest.fixture(params=DIALECTS)
def any_models(request: pytest.FixtureRequest, vendors: Mapping[str, Models]) -> Models:
    return vendors[request.param]
