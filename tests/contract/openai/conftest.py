"""The application in this process, over a strict Responses upstream on real HTTP."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.openai.door import Door, opened
from tests.upstreams.responses import ResponsesUpstream


@pytest.fixture
def upstream() -> Iterator[ResponsesUpstream]:
    with ResponsesUpstream(api_key="sk-upstream") as upstream:
        yield upstream


@pytest.fixture
async def door(tmp_path: Path, upstream: ResponsesUpstream) -> AsyncIterator[Door]:
    async with opened(tmp_path, upstream.base_url) as door:
        yield door
