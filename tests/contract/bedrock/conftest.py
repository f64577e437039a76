"""A fresh Bedrock and a fresh application for each test; no request may be found wrong."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.bedrock.door import Door, opened
from tests.upstreams.bedrock import BedrockUpstream


@pytest.fixture
def bedrock() -> Iterator[BedrockUpstream]:
    with BedrockUpstream() as upstream:
        yield upstream


@pytest.fixture
async def asked(bedrock: BedrockUpstream, tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(bedrock, tmp_path) as door:
        yield door
    assert bedrock.refusals == []
