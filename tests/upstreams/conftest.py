"""A fresh upstream for each test, and the official client at its door."""

from collections.abc import Iterator

import httpx
import pytest
from openai import OpenAI

from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.responses import ResponsesUpstream


@pytest.fixture
def upstream() -> Iterator[ChatUpstream]:
    with ChatUpstream() as upstream:
        yield upstream


@pytest.fixture
def client(upstream: ChatUpstream) -> Iterator[OpenAI]:
    with OpenAI(base_url=upstream.base_url, api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as http:
        yield http


@pytest.fixture
def responses() -> Iterator[ResponsesUpstream]:
    with ResponsesUpstream() as upstream:
        yield upstream


@pytest.fixture
def responses_client(responses: ResponsesUpstream) -> Iterator[OpenAI]:
    with OpenAI(base_url=responses.base_url, api_key="any", max_retries=0) as client:
        yield client
