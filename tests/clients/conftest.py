"""Clients of the server, and the models that it serves them."""

from collections.abc import AsyncIterator, Iterator

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.clients.models import Models
from tests.server import KEY, OTHER_KEY, Server
from tests.upstreams.chat_completions import ChatUpstream


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


@pytest.fixture(scope="session")
def openai_models(upstream: ChatUpstream) -> Models:
    return Models("scripted", upstream)


@pytest.fixture(scope="session")
def generic_models(generic_upstream: ChatUpstream) -> Models:
    return Models("generic", generic_upstream)


@pytest.fixture
def models(openai_models: Models) -> Models:
    return openai_models


@pytest.fixture(params=["openai", "generic"])
def any_models(
    request: pytest.FixtureRequest, openai_models: Models, generic_models: Models
) -> Models:
    return openai_models if request.param == "openai" else generic_models
