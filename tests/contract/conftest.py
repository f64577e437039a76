"""The models of one vendor at a time, behind the real server, and a bare client at its door."""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.clients.models import Models
from tests.contract.door import Door
from tests.server import KEY, OTHER_KEY, Server


@pytest.fixture
def vendor(request: pytest.FixtureRequest, vendors: Mapping[str, Models]) -> Models:
    return vendors[request.param]


@pytest.fixture(scope="session")
def at_door(server: Server) -> Iterator[Door]:
    with httpx.Client(base_url=server.base_url, timeout=30) as http:
        yield Door(http, KEY)


@pytest.fixture(scope="session")
def other_tenant(server: Server) -> Iterator[Door]:
    with httpx.Client(base_url=server.base_url, timeout=30) as http:
        yield Door(http, OTHER_KEY)
