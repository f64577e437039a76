"""A disk on which nothing more can be written: no reader is cut off, and it mends itself.

The server's own limit on the size of its files stands in for the disk; it is set from outside.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile

import psutil
import pytest

from tests.clients.models import Models
from tests.faults.asking import (
    OUTPUT,
    ask,
    check_log,
    rejoin,
    replayed,
    retrieved,
    wait_until,
)
from tests.faults.database import statuses
from tests.faults.folding import folded
from tests.faults.wire import event_of
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import text

pytestmark = pytest.mark.skipif(
    not hasattr(psutil.Process, "rlimit"), reason="only Linux limits another process"
)

ROOM_BYTES = 60_000
LONG_WORD = f"{OUTPUT} " + "x" * 2_000
UNWRITTEN = "The response could not be stored."


@pytest.fixture(scope="module")
def server(
    upstream: ChatUpstream, settings: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("disk"), upstream.base_url, settings) as server:
        yield server
    check_log(server, may_fail=True)


@contextmanager
def full_disk(server: Server, *, room_bytes: int = 0) -> Iterator[None]:
    """No file of the server's can grow, beyond a little room."""
    used = max(path.stat().st_size for path in server.data.iterdir())
    process, no_limit = psutil.Process(server.pid), (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY)
    process.rlimit(psutil.RLIMIT_FSIZE, (used + room_bytes, psutil.RLIM_INFINITY))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, no_limit)


def count_of_same(told: list[bytes], again: list[bytes]) -> int:
    """How many events from the first on are the same."""
    pairs = zip(told, again, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@pytest.fixture(autouse=True)
def warm(server: Server, models: Models) -> None:
    """Let the store's files be the largest, and nothing be in the making."""
    with ask(server, models.saying(text(*[LONG_WORD] * 50))) as exchange:
        assert folded(exchange.events())["status"] == "completed"


def test_a_stream_that_cannot_be_stored_any_more_ends_as_failed(
    server: Server, models: Models
) -> None:
    with ask(server, models.saying(text(*[LONG_WORD] * 300).paced(0.002))) as exchange:
        seen = exchange.until("response.in_progress")
        response_id = event_of(seen[0])["response"]["id"]
        with rejoin(server, response_id) as other:
            assert other.status == 200
            with full_disk(server, room_bytes=ROOM_BYTES):
                told = [*seen, *exchange.events()]
                assert [*other.events()] == told

    response = folded(told)
    assert response["status"] == "failed"
    assert response["error"]["message"] == UNWRITTEN
    again = replayed(server, response_id)

    assert folded(again)["status"] == "failed"
    assert 2 < count_of_same(told, again) < len(told)
    assert retrieved(server, response_id)["status"] == "failed"


def test_a_stream_of_which_nothing_can_be_stored_fails_in_order(
    server: Server, models: Models
) -> None:
    with full_disk(server), ask(server, models.saying(text(OUTPUT))) as exchange:
        response = folded(exchange.events())

    assert response["status"] == "failed"
    assert response["error"]["message"] == UNWRITTEN
    assert retrieved(server, response["id"])["error"]["code"] == "response_not_found"


def test_what_is_not_stored_needs_no_disk(server: Server, models: Models) -> None:
    with full_disk(server), ask(server, models.saying(text(OUTPUT)), store=False) as exchange:
        assert folded(exchange.events())["status"] == "completed"


def test_when_there_is_room_again_all_goes_on(server: Server, models: Models) -> None:
    with full_disk(server):
        for _ in range(5):
            with ask(server, models.saying(text(OUTPUT))) as exchange:
                assert folded(exchange.events())["status"] == "failed"

    with ask(server, models.saying(text(OUTPUT))) as exchange:
        told = [*exchange.events()]

    assert folded(told)["status"] == "completed"
    assert replayed(server, folded(told)["id"]) == told
    wait_until(lambda: "in_progress" not in statuses(server))
