"""Clients who go away: what is stored goes on, what is not stops at once."""

import pytest

from tests.clients.models import Models
from tests.faults.asking import OUTPUT, ask, replayed, retrieved, wait_until
from tests.faults.database import kept
from tests.faults.folding import folded
from tests.faults.wire import event_of
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import text
from tests.upstreams.chat_troubles import Stall, When

FOREVER_SECONDS = 60.0
WORDS = [OUTPUT, *(f" {number}" for number in range(30))]


def leaves(upstream: ChatUpstream, before: int) -> bool:
    return upstream.wait_until(lambda: upstream.disconnects > before)


@pytest.mark.parametrize("when", [0, 1])
def test_an_unstored_stream_that_nobody_reads_is_not_made(
    server: Server, models: Models, upstream: ChatUpstream, when: When
) -> None:
    model = models.saying(text(*WORDS).troubled(Stall(when, FOREVER_SECONDS)))
    before = upstream.disconnects

    with ask(server, model, store=False) as exchange:
        exchange.until("output_text.delta" if when else "response.in_progress")

    assert leaves(upstream, before)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
def test_an_upstream_that_did_not_answer_yet_is_left_as_well(
    server: Server, models: Models, upstream: ChatUpstream, stream: bool
) -> None:
    model = models.saying(text(*WORDS).troubled(Stall("start", FOREVER_SECONDS)))
    before = upstream.disconnects

    with ask(server, model, store=False, stream=stream):
        wait_until(lambda: bool(models.heard(model)))

    assert leaves(upstream, before)


def test_unstored_json_that_nobody_awaits_is_not_made(
    server: Server, models: Models, upstream: ChatUpstream
) -> None:
    model = models.saying(text(*WORDS).troubled(Stall(1, FOREVER_SECONDS)))
    before = upstream.disconnects

    with ask(server, model, store=False, stream=False):
        wait_until(lambda: bool(models.heard(model)))

    assert leaves(upstream, before)


def test_a_stored_stream_goes_on_without_its_reader(
    server: Server, models: Models, upstream: ChatUpstream
) -> None:
    model = models.saying(text(*WORDS).paced(0.02))
    before = upstream.disconnects

    with ask(server, model) as exchange:
        seen = exchange.until("output_text.delta")
    response_id = event_of(seen[0])["response"]["id"]
    told = replayed(server, response_id)

    assert told[: len(seen)] == seen
    response = folded(told)
    assert response["status"] == "completed"
    assert response["output_text"] == "".join(WORDS)
    assert retrieved(server, response_id) == response
    assert upstream.disconnects == before


@pytest.mark.parametrize("when", ["start", 0, 1])
def test_stored_json_is_made_for_whoever_asks_later(
    server: Server, models: Models, upstream: ChatUpstream, when: When
) -> None:
    model = models.saying(text(*WORDS).troubled(Stall(when, 0.5)))
    before = upstream.disconnects

    with ask(server, model, stream=False):
        wait_until(lambda: bool(models.heard(model)))
    wait_until(lambda: bool(kept(server, model)))

    [response] = kept(server, model)
    assert response["status"] == "completed"
    assert retrieved(server, response["id"]) == response
    assert folded(replayed(server, response["id"])) == response
    assert upstream.disconnects == before


def test_a_stored_stream_that_was_left_before_it_began_is_made(
    server: Server, models: Models
) -> None:
    model = models.saying(text(*WORDS).troubled(Stall("start", 0.5)))

    with ask(server, model):
        wait_until(lambda: bool(models.heard(model)))
    wait_until(lambda: [each["status"] for each in kept(server, model)] == ["completed"])

    assert kept(server, model)[0]["output_text"] == "".join(WORDS)
