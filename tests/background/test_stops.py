"""Ctrl-C and deadlines: what works in the background is given back, or ends in order."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.background.kept import attempts, is_quiet, jobs, kept
from tests.background.process import eventually, full_disk
from tests.background.receiver import Receiver, settings_for
from tests.background.scripted import Models
from tests.faults.asking import ask, replayed, retrieved
from tests.faults.folding import folded
from tests.faults.wire import DONE, Exchange, event_of
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import Reply, text
from tests.upstreams.chat_troubles import Stall

FOREVER_SECONDS = 60.0
GRACE_SECONDS = 10.0
WHOLE = text("one", " two", " three").paced(0.02)
STUCK = WHOLE.troubled(Stall(2, FOREVER_SECONDS))
SILENT = WHOLE.troubled(Stall("start", FOREVER_SECONDS))
SLOW = text(*(f"{number} " for number in range(20))).paced(0.1)


@pytest.fixture(scope="module")
def models(upstream: ChatUpstream) -> Models:
    return Models(upstream)


@pytest.fixture
def server(upstream: ChatUpstream, tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data", upstream.base_url, "retries = 0") as server:
        yield server
    assert "Traceback" not in server.log, server.log


def queued(server: Server, model: str) -> str:
    with ask(server, model, background=True, stream=False) as exchange:
        response_id: str = exchange.json()["id"]
        return response_id


def last_words(exchange: Exchange) -> tuple[list[bytes], bool]:
    """The events that still come, and whether the stream says that it is done."""
    frames: list[bytes] = []
    try:
        frames += exchange.frames()
    except (EOFError, ConnectionError):
        return frames, False
    return [frame for frame in frames if frame.startswith(b"event: ")], DONE in frames


def test_unread_work_is_given_back_as_often_as_the_server_stops(
    server: Server, models: Models
) -> None:
    stops = 4
    model = models.saying(*[STUCK] * stops, WHOLE)
    response_id = queued(server, model)

    for times in range(1, stops + 1):
        eventually(lambda: len(kept(server.data)[response_id].frames) > 4)
        assert server.interrupt() == 0
        assert jobs(server.data) == [("run", response_id, 1)]
        assert attempts(server.data) == {response_id: 0}
        assert models.times_asked(model) == times
        server.start()

    eventually(lambda: is_quiet(server.data))
    [after] = kept(server.data).values()
    after.check()
    assert after.response["output_text"] == "one two three"
    assert models.times_asked(model) == stops + 1


def test_what_is_given_back_is_not_begun_again_before_the_end(
    server: Server, models: Models
) -> None:
    model = models.saying(STUCK, WHOLE)
    response_id = queued(server, model)
    eventually(lambda: len(kept(server.data)[response_id].frames) > 4)

    with ask(server, models.saying(SLOW)) as exchange:
        exchange.until("output_text.delta")
        assert server.interrupt() == 0

    assert models.times_asked(model) == 1
    assert jobs(server.data) == [("run", response_id, 1)]
    server.start()
    eventually(lambda: is_quiet(server.data))
    assert retrieved(server, response_id)["output_text"] == "one two three"


def test_what_still_waits_is_not_begun_while_the_server_stops(
    upstream: ChatUpstream, models: Models, tmp_path: Path
) -> None:
    extra = "retries = 0\n[background]\nworkers = 1\n"
    first, second = models.saying(STUCK, WHOLE), models.saying(WHOLE)
    with Server(tmp_path / "one", upstream.base_url, extra) as server:
        running = queued(server, first)
        eventually(lambda: len(kept(server.data)[running].frames) > 4)
        waiting = queued(server, second)

        with ask(server, models.saying(SLOW)) as exchange:
            exchange.until("output_text.delta")
            assert server.interrupt() == 0

        assert sorted(jobs(server.data)) == sorted([("run", running, 1), ("run", waiting, 1)])
        assert models.times_asked(second) == 0
        server.start()
        eventually(lambda: is_quiet(server.data))
        assert {each.status for each in kept(server.data).values()} == {"completed"}


def test_work_that_was_read_fails_after_the_restart(server: Server, models: Models) -> None:
    model = models.saying(STUCK, WHOLE)

    with ask(server, model, background=True) as exchange:
        seen = exchange.until('" two"')
        assert server.interrupt() == 0
        more, says_done = last_words(exchange)
    server.start()

    assert not says_done, "a reader must know that there is more to come"
    seen += more
    response_id = event_of(seen[0])["response"]["id"]
    eventually(lambda: is_quiet(server.data))
    told = replayed(server, response_id)
    assert told[: len(seen)] == seen
    assert folded(told)["status"] == "failed"
    assert folded(told) == retrieved(server, response_id)
    assert models.times_asked(model) == 1


def test_what_waits_to_be_read_goes_on_after_the_restart(server: Server, models: Models) -> None:
    model = models.saying(SILENT, WHOLE)

    with ask(server, model, background=True) as exchange:
        seen = exchange.until("response.queued")
        eventually(lambda: models.times_asked(model) == 1)
        assert server.interrupt() == 0
        seen += exchange.rest()
    server.start()

    eventually(lambda: is_quiet(server.data))
    told = replayed(server, event_of(seen[0])["response"]["id"])
    assert told[: len(seen)] == seen
    assert folded(told)["status"] == "completed"


def test_a_receiver_that_does_not_answer_holds_nothing_up(
    upstream: ChatUpstream, models: Models, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        extra = f"retries = 0\n{settings_for(port)}"
        server = Server(tmp_path / "data", upstream.base_url, extra).start()
        response_id = queued(server, models.saying(WHOLE))
        with silent.accept()[0]:
            began = time.monotonic()
            assert server.interrupt() == 0
    assert time.monotonic() - began < GRACE_SECONDS  # fifteen without it
    assert jobs(server.data) == [("webhook", "hook", 1)]

    with Receiver(port) as receiver, server:
        eventually(lambda: is_quiet(server.data))

    assert {outcome for _, outcome in receiver.told_of(response_id)} == {"response.completed"}


ENDS: dict[str, tuple[Reply, str, str]] = {
    "incomplete in a text": (STUCK, "incomplete", "one two"),
    "incomplete before the first word": (SILENT, "incomplete", ""),
    "failed in a text": (STUCK, "failed", "one two"),
    "failed before the first word": (SILENT, "failed", ""),
}


@pytest.mark.parametrize("case", ENDS)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "unread"])
def test_when_time_is_up_a_response_ends_with_what_there_is(
    upstream: ChatUpstream, models: Models, tmp_path: Path, case: str, stream: bool
) -> None:
    reply, ends, said = ENDS[case]
    extra = f'retries = 0\n[background]\ndeadline_seconds = 1.0\ndeadline_ends = "{ends}"\n'
    model = models.saying(reply, WHOLE)
    with Server(tmp_path / "data", upstream.base_url, extra) as server:
        with ask(server, model, background=True, stream=stream) as exchange:
            told = list(exchange.events()) if stream else [exchange.json()]

        eventually(lambda: is_quiet(server.data))
        eventually(lambda: upstream.open_streams == 0)

        [after] = kept(server.data).values()
        after.check()
        assert not stream or after.frames == told
        assert (after.status, after.response["output_text"]) == (ends, said)
        if ends == "incomplete":
            assert after.response["incomplete_details"] == {"reason": "max_output_tokens"}
        else:
            assert after.response["error"]["code"] == "server_error"
        assert {item["status"] for item in after.response["output"]} <= {"incomplete"}
        assert models.times_asked(model) == 1


@pytest.mark.skipif(not hasattr(psutil.Process, "rlimit"), reason="only Linux limits a process")
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "unread"])
def test_a_full_disk_holds_the_work_up_and_does_not_end_the_worker(
    upstream: ChatUpstream, models: Models, tmp_path: Path, stream: bool
) -> None:
    extra = "retries = 0\n[background]\nworkers = 1\nlease_seconds = 3.0\n"
    first, second = models.saying(SLOW), models.saying(WHOLE)
    with Server(tmp_path / "data", upstream.base_url, extra) as server:
        with ask(server, first, background=True, stream=stream) as exchange:
            seen = exchange.until('"3 "') if stream else []
            response_id = event_of(seen[0])["response"]["id"] if stream else exchange.json()["id"]
            waiting = queued(server, second)
            eventually(lambda: len(kept(server.data)[response_id].frames) > 4)
            with full_disk(server):
                eventually(lambda: upstream.open_streams == 0)
                time.sleep(1.5)  # in which the worker looks for jobs
            more, says_done = last_words(exchange) if stream else ([], False)

        eventually(lambda: is_quiet(server.data))
        after = kept(server.data)
        for each in after.values():
            each.check()
        assert after[waiting].status == "completed"
        assert after[response_id].status == ("failed" if stream else "completed")
        assert not says_done
        told = after[response_id].frames
        assert not stream or told[: len(seen) + len(more)] == [*seen, *more]
        assert models.times_asked(first) == (1 if stream else 2)
