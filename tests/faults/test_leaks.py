"""What is left of streams that were aborted: nothing."""

from itertools import cycle

import psutil
import pytest

from tests.clients.models import Models
from tests.faults.asking import OUTPUT, ask, deleted, replayed, wait_until
from tests.faults.folding import folded
from tests.faults.wire import event_of
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import text
from tests.upstreams.chat_troubles import Cut, ErrorFrame, Reset, Stall
from tests.upstreams.framing import Framing

STREAMS = 200
SPARE_FILES = 5  # connections to the upstream that are kept for the next request, and the like
FOREVER_SECONDS = 60.0


def test_aborted_streams_leave_nothing_open(
    server: Server, models: Models, upstream: ChatUpstream
) -> None:
    process = psutil.Process(server.pid)
    whens = cycle([0, 1])
    with ask(server, models.saying(text(OUTPUT))) as exchange:
        assert folded(exchange.events())
    files, threads, before = process.num_fds(), process.num_threads(), upstream.disconnects

    for _, when in zip(range(STREAMS), whens, strict=False):
        model = models.saying(text(OUTPUT, " more").troubled(Stall(when, FOREVER_SECONDS)))
        with ask(server, model, store=False) as exchange:
            exchange.until("output_text.delta" if when else "response.in_progress")

    assert upstream.wait_until(lambda: upstream.disconnects - before >= STREAMS)
    wait_until(lambda: process.num_fds() <= files + SPARE_FILES)
    assert process.num_threads() <= threads + 1
    wait_until(lambda: upstream.open_streams == 0)
    with ask(server, models.saying(text(OUTPUT))) as exchange:
        assert folded(exchange.events())["status"] == "completed"


def test_stored_streams_that_nobody_reads_leave_nothing_open(
    server: Server, models: Models, upstream: ChatUpstream
) -> None:
    process = psutil.Process(server.pid)
    with ask(server, models.saying(text(OUTPUT))) as exchange:
        assert folded(exchange.events())
    files, ids = process.num_fds(), []

    for _ in range(STREAMS // 4):
        said = text(OUTPUT, " more").paced(0.2).framed(Framing(chunked=False))  # and closes
        with ask(server, models.saying(said)) as exchange:
            ids.append(event_of(exchange.until("output_text.delta")[0])["response"]["id"])

    assert {folded(replayed(server, each))["status"] for each in ids} == {"completed"}
    wait_until(lambda: process.num_fds() <= files + SPARE_FILES)
    wait_until(lambda: upstream.open_streams == 0)


@pytest.mark.parametrize("trouble", [Reset(1), Cut(1), ErrorFrame(1)], ids=["rst", "cut", "error"])
def test_upstreams_that_break_leave_nothing_open(
    server: Server, models: Models, upstream: ChatUpstream, trouble: Reset | Cut | ErrorFrame
) -> None:
    process = psutil.Process(server.pid)
    model, healthy = models.saying(text(OUTPUT).troubled(trouble)), models.saying(text(OUTPUT))
    with ask(server, healthy) as exchange:
        assert folded(exchange.events())
    files = process.num_fds()

    for _ in range(STREAMS // 4):
        with ask(server, model) as exchange:
            assert folded(exchange.events())["status"] == "failed"
        with ask(server, healthy, store=False) as exchange:
            assert folded(exchange.events())["status"] == "completed"

    wait_until(lambda: process.num_fds() <= files + SPARE_FILES)
    wait_until(lambda: upstream.open_streams == 0)


def test_deleted_responses_leave_nothing_open(
    server: Server, models: Models, upstream: ChatUpstream
) -> None:
    process = psutil.Process(server.pid)
    model = models.saying(text(OUTPUT, " more").troubled(Stall(1, FOREVER_SECONDS)))
    files = process.num_fds()

    for _ in range(STREAMS // 4):
        with ask(server, model) as exchange:
            seen = exchange.until("output_text.delta")
            assert deleted(server, event_of(seen[0])["response"]["id"]) == 200

    assert upstream.wait_until(lambda: upstream.open_streams == 0)
    wait_until(lambda: process.num_fds() <= files + SPARE_FILES)
