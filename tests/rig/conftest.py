"""Small functions of the tests' own, running on the rig."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.rig.rig import Rig
from tests.rig.services import Moto
from tests.rig.small import Lines, Small


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    with Moto() as moto:
        yield moto


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
async def small(tmp_path: Path, moto: Moto, lines: Lines) -> AsyncIterator[Small]:
    small = Small(tmp_path, Rig(moto.url, lines.say), lines)
    yield small
    await small.rig.stop()
    assert not small.is_alive()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client
