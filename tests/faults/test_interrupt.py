"""Ctrl-C: what is short is finished, what is long ends as failed, and nothing is cut off."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients.models import Models
from tests.faults.asking import OUTPUT, ask, replayed, retrieved
from tests.faults.database import statuses
from tests.faults.folding import folded
from tests.faults.wire import Exchange, event_of
from tests.server import KEY, Server
from tests.upstreams.chat_replies import call, calls, text
from tests.upstreams.chat_troubles import Stall

FOREVER_SECONDS = 60.0
GRACE_SECONDS = 5.0
LONG = text(f"{OUTPUT} ", "and ", "more").troubled(Stall(2, FOREVER_SECONDS))
SHORT = text(*(f"{number} " for number in range(20))).paced(0.05)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def interrupted(server: Server, pool: ThreadPoolExecutor) -> Future[int]:
    """The exit status of a server that begins to stop now."""
    ending = pool.submit(server.interrupt)
    while _accepts(server):
        time.sleep(0.02)
    return ending


def _accepts(server: Server) -> bool:
    try:
        with Exchange(server, "/health") as exchange:
            return exchange.status > 0
    except (OSError, EOFError):
        return False


def test_a_server_whose_words_nobody_reads_any_more_stops_in_order(tmp_path: Path) -> None:
    env = os.environ | {"DATA": str(tmp_path), "PORT": "0", "DEV_KEY": KEY}
    command = [sys.executable, "-m", "rejoinder_local", "serve"]
    with subprocess.Popen(
        command, env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        while "Ctrl-C" not in server.stdout.readline():
            assert server.poll() is None
        server.stdout.close()
        server.send_signal(signal.SIGINT)

        said = server.stderr.read()

    assert server.returncode == 0
    assert "Traceback" not in said
    assert "Exception" not in said


def test_short_streams_are_finished(
    own_server: Server, models: Models, pool: ThreadPoolExecutor
) -> None:
    model = models.saying(SHORT)

    with (
        ask(own_server, model) as stored,
        ask(own_server, model, store=False) as unstored,
        ask(own_server, model, stream=False) as json,
        ask(own_server, model, stream=False, store=False) as unstored_json,
    ):
        seen = [stored.until("output_text.delta"), unstored.until("output_text.delta")]
        ending = interrupted(own_server, pool)
        told = [[*seen[0], *stored.events()], [*seen[1], *unstored.events()]]
        responses = [*map(folded, told), json.json(), unstored_json.json()]

    assert ending.result() == 0
    assert [response["status"] for response in responses] == ["completed"] * 4
    own_server.start()
    assert replayed(own_server, responses[0]["id"]) == told[0]
    assert retrieved(own_server, responses[2]["id"])["output_text"] == responses[2]["output_text"]


UNFINISHED = {
    "text": LONG,
    "call": calls(call("get_weather", '{"city":', '"Oslo"}')).troubled(Stall(2, FOREVER_SECONDS)),
    "silence": text(OUTPUT).troubled(Stall(0, FOREVER_SECONDS)),
}


def test_long_streams_end_as_failed(
    own_server: Server, models: Models, pool: ThreadPoolExecutor
) -> None:
    with ExitStack() as stack:
        readers = [
            stack.enter_context(ask(own_server, models.saying(reply)))
            for reply in UNFINISHED.values()
        ]
        json = stack.enter_context(ask(own_server, models.saying(LONG), stream=False))
        seen = [reader.until("response.in_progress") for reader in readers]
        ending = interrupted(own_server, pool)
        told = [[*early, *reader.events()] for early, reader in zip(seen, readers, strict=True)]
        status, error = json.status, json.json()["error"]

    assert ending.result() == 0
    assert (status, error["code"]) == (503, "upstream_unavailable")
    responses = [folded(frames) for frames in told]
    assert [response["status"] for response in responses] == ["failed"] * len(told)
    for failure in error, *(response["error"] for response in responses):
        assert failure["message"].startswith("The server was stopped")
    own_server.start()
    assert [replayed(own_server, response["id"]) for response in responses] == told
    assert statuses(own_server) == ["failed"] * len(told)


def test_long_streams_that_are_not_stored_end_as_failed_too(
    own_server: Server, models: Models, pool: ThreadPoolExecutor
) -> None:
    model = models.saying(LONG)
    with (
        ask(own_server, model, store=False) as exchange,
        ask(own_server, model, store=False, stream=False) as json,
    ):
        seen = exchange.until("output_text.delta")
        ending = interrupted(own_server, pool)
        told = [*seen, *exchange.events()]
        assert (json.status, json.json()["error"]["code"]) == (503, "upstream_unavailable")

    assert ending.result() == 0
    assert folded(told)["status"] == "failed"


def test_a_reader_who_does_not_read_holds_nothing_up(
    own_server: Server, models: Models, pool: ThreadPoolExecutor
) -> None:
    model = models.saying(text(*["x" * 8_000] * 800))
    with ask(own_server, model) as exchange:
        seen = exchange.until("response.in_progress")
        assert interrupted(own_server, pool).result() == 0

    own_server.start()
    assert folded(replayed(own_server, event_of(seen[0])["response"]["id"]))


def test_a_second_interrupt_ends_it_at_once(
    own_server: Server, models: Models, pool: ThreadPoolExecutor
) -> None:
    model = models.saying(LONG)
    with ask(own_server, model) as stored, ask(own_server, model, store=False) as unstored:
        seen = stored.until("output_text.delta")
        unstored.until("output_text.delta")
        ending = interrupted(own_server, pool)
        began = time.monotonic()
        os.kill(own_server.pid, signal.SIGINT)
        status = ending.result()
        seen += stored.rest()

    assert time.monotonic() - began < GRACE_SECONDS  # ten without it
    assert status in (0, 130)
    own_server.start()
    told = replayed(own_server, event_of(seen[0])["response"]["id"])
    assert told[: len(seen)] == seen
    assert folded(told)["status"] == "failed"


def test_idle_connections_hold_nothing_up(own_server: Server, pool: ThreadPoolExecutor) -> None:
    with Exchange(own_server, "/health") as idle:
        assert idle.status == 200
        began = time.monotonic()
        assert own_server.interrupt() == 0

    assert time.monotonic() - began < GRACE_SECONDS


def test_sigterm_is_as_good(own_server: Server, models: Models) -> None:
    with ask(own_server, models.saying(SHORT)) as exchange:
        seen = exchange.until("output_text.delta")
        os.kill(own_server.pid, signal.SIGTERM)
        told = [*seen, *exchange.events()]

    assert folded(told)["status"] == "completed"
