"""A fresh upstream and a fresh application for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.anthropic.claude import UPSTREAM_KEY, Claude, answering
from tests.upstreams.anthropic import AnthropicUpstream


@pytest.fixture
def messages_api() -> Iterator[AnthropicUpstream]:
    with AnthropicUpstream(api_key=UPSTREAM_KEY) as upstream:
        yield upstream


@pytest.fixture
async def claude(messages_api: AnthropicUpstream, tmp_path: Path) -> AsyncIterator[Claude]:
    async with answering(tmp_path, messages_api) as claude:
        yield claude
