"""Lambda freezes an environment between requests, and a clock that is not the wall's may stop."""

import sys
import time
from collections.abc import AsyncIterator, Iterator
from importlib import import_module

import httpx
import pytest

from rejoinder.aws.accounts import KNOWN_SECONDS
from rejoinder.aws.secrets import KEPT_SECONDS
from rejoinder.deployment.connections import KEEPALIVE_SECONDS, Pool
from rejoinder.providers.circuits import FAILURES_TO_OPEN, OPEN_SECONDS
from tests.functions.cloud import KEY, UPSTREAM_KEY, Cloud, streaming
from tests.unit.aws.scripted import Said, Scripted
from tests.upstreams.chat_replies import text


class Wall:
    """The time of day, which goes on while everything else stands still."""

    def __init__(self) -> None:
        self._time = time.time
        self.frozen_seconds = 0.0

    def __call__(self) -> float:
        return self._time() + self.frozen_seconds


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """The time of what is imported from now on."""
    wall = Wall()
    monkeypatch.setattr(time, "time", wall)
    for name in ("rejoinder.deployment", "rejoinder.providers.circuits"):
        monkeypatch.setattr(name, sys.modules[name])  # and so put back afterwards
        monkeypatch.delitem(sys.modules, name)
    return wall


def test_a_key_that_was_revoked_meanwhile_opens_nothing(cloud: Cloud, wall: Wall) -> None:
    with streaming() as stream:
        before = stream.ask("GET", "/v1/models")
        cloud.revoke(KEY)
        wall.frozen_seconds = KNOWN_SECONDS
        after = stream.ask("GET", "/v1/models")

    assert (before.status_code, after.status_code) == (200, 401)


def test_a_secret_that_was_changed_meanwhile_is_read(cloud: Cloud, wall: Wall) -> None:
    model = cloud.models.saying(text("Hello"))
    cloud.keep_secret({"SCRIPTED_API_KEY": "sk-not-yet"})
    with streaming() as stream:
        stream.ask("GET", "/v1/models")
        cloud.keep_secret({"SCRIPTED_API_KEY": UPSTREAM_KEY})
        wall.frozen_seconds = KEPT_SECONDS
        made = stream.create(model=model, input="Hello")

    assert made.status_code == 200, made.text


def test_a_service_that_was_down_is_tried_again(wall: Wall) -> None:
    circuits = import_module("rejoinder.providers.circuits").Circuits()
    for _ in range(FAILURES_TO_OPEN):
        circuits.failed("scripted/model")

    before = circuits.admits("scripted/model")
    wall.frozen_seconds = OPEN_SECONDS

    assert not before
    assert circuits.admits("scripted/model")


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted(Said()) as server:
        yield server


@pytest.fixture
async def pool(walls: Wall) -> AsyncIterator[Pool]:
    async with Pool(walls) as pool:
        yield pool


@pytest.fixture
def walls() -> Wall:
    return Wall()


async def asked(pool: Pool, url: str) -> httpx.Response:
    return await pool.handle_async_request(httpx.Request("GET", url))


async def test_a_connection_is_used_again(pool: Pool, server: Scripted) -> None:
    for _ in range(3):
        await (await asked(pool, server.url)).aread()

    assert server.connections == 1


async def test_what_was_idle_while_all_stood_still_is_not_used_again(
    pool: Pool, walls: Wall, server: Scripted
) -> None:
    for _ in range(3):
        await (await asked(pool, server.url)).aread()
        walls.frozen_seconds += KEEPALIVE_SECONDS + 1

    assert server.connections == 3


async def test_short_times_of_standing_still_add_up(
    pool: Pool, walls: Wall, server: Scripted
) -> None:
    for _ in range(4):
        await (await asked(pool, server.url)).aread()
        walls.frozen_seconds += KEEPALIVE_SECONDS * 0.4

    assert server.connections == 2


async def test_a_connection_that_is_being_read_is_left_alone(
    pool: Pool, walls: Wall, server: Scripted
) -> None:
    reply = await asked(pool, server.url)
    walls.frozen_seconds += KEEPALIVE_SECONDS + 1

    other = await asked(pool, server.url)

    assert await reply.aread() == await other.aread() == b"{}"
    assert server.connections == 2
