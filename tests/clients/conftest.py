"""Clients of both servers, the local one and the deployment, and the models that they serve.

On the deployment a test runs for the first dialect that it knows, and all in one process of xdist
(`--dist loadgroup`): a dialect is the same code wherever it runs, and a rig takes a whole machine.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from openai import AsyncOpenAI

from tests.clients.models import Models
from tests.clients.official import client, other_client
from tests.dialects.differences import DIALECTS
from tests.rig.server import LambdaServer
from tests.server import KEY, Server
from tests.upstreams.chat_completions import ChatUpstream

__all__ = ["client", "other_client"]

type JSON = Any

SPEAKERS = {"any_models", "vendor"}  # the parameters that are dialects
SERVERS = ("local", pytest.param("lambda", marks=pytest.mark.xdist_group("rig")))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what repeats a test on the deployment, for one more dialect."""
    known: set[str] = set()
    kept: list[pytest.Item] = []
    repeated: list[pytest.Item] = []
    for item in items:
        params: Mapping[str, JSON] = getattr(getattr(item, "callspec", None), "params", {})
        if params.get("server") != "lambda" or SPEAKERS.isdisjoint(params):
            kept.append(item)
            continue
        others = {name: value for name, value in params.items() if name not in SPEAKERS}
        test = f"{item.nodeid.partition('[')[0]} {others}"
        (repeated if test in known else kept).append(item)
        known.add(test)
    items[:] = kept
    config.hook.pytest_deselected(items=repeated)


@pytest.fixture(scope="session")
def lambda_server(
    upstream: ChatUpstream, server_settings: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LambdaServer]:
    folder = tmp_path_factory.mktemp("lambda")
    with LambdaServer(folder, upstream.base_url, server_settings) as server:
        yield server


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    """Where clients ask; a test that only one of them can pass says so by this parameter."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


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
