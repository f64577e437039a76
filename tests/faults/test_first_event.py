"""When events leave: the first with the upstream's acceptance, the others as they come."""

from itertools import takewhile

from tests.clients.models import Models
from tests.faults.asking import OUTPUT, ask, deleted, rejoin, replayed
from tests.faults.folding import folded
from tests.faults.wire import Exchange, event_of, frames_in
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import text
from tests.upstreams.chat_troubles import Stall
from tests.upstreams.framing import Framing

FOREVER_SECONDS = 60.0
SILENCE_SECONDS = 1.5  # several heartbeats of the server in conftest.py


def comments_before_text(exchange: Exchange) -> int:
    chunks = takewhile(lambda chunk: b"output_text.delta" not in chunk, exchange.chunks())
    return sum(chunk.startswith(b":") for chunk in chunks)


def test_the_first_events_leave_when_the_upstream_accepts(
    server: Server, models: Models, upstream: ChatUpstream
) -> None:
    model = models.saying(text(OUTPUT).troubled(Stall(0, FOREVER_SECONDS)))

    with ask(server, model) as exchange:
        first = exchange.chunk()
        assert upstream.open_streams == 1
        events = [event_of(frame) for frame in frames_in(first)]
        assert [event["type"] for event in events] == ["response.created", "response.in_progress"]
        assert deleted(server, events[0]["response"]["id"]) == 200


def test_a_stored_response_can_be_joined_before_its_first_word(
    server: Server, models: Models
) -> None:
    model = models.saying(text(OUTPUT).troubled(Stall(0, FOREVER_SECONDS)))

    with ask(server, model) as exchange:
        first = exchange.chunk()
        response_id = event_of(frames_in(first)[0])["response"]["id"]
        with rejoin(server, response_id) as other:
            assert other.chunk() == first
        assert deleted(server, response_id) == 200


def test_comments_fill_the_silence_of_an_upstream(server: Server, models: Models) -> None:
    model = models.saying(text("Hel", "lo").troubled(Stall(0, SILENCE_SECONDS)))

    with ask(server, model) as exchange:
        count = comments_before_text(exchange)

    assert count >= 2


def test_comments_fill_the_silence_before_an_upstream_accepts(
    server: Server, models: Models
) -> None:
    model = models.saying(text("Hel", "lo").troubled(Stall("start", 1.0 + SILENCE_SECONDS)))

    with ask(server, model) as exchange:
        assert exchange.chunk().startswith(b":")
        assert comments_before_text(exchange) >= 2


def test_comments_fill_the_silence_for_those_who_joined(server: Server, models: Models) -> None:
    model = models.saying(text("Hel", "lo").troubled(Stall(0, SILENCE_SECONDS)))

    with ask(server, model) as exchange:
        response_id = event_of(frames_in(exchange.chunk())[0])["response"]["id"]
        with rejoin(server, response_id) as other:
            assert comments_before_text(other) >= 2
        assert folded(replayed(server, response_id))["status"] == "completed"


def test_events_that_come_together_leave_together(server: Server, models: Models) -> None:
    words = [f"word{number} " for number in range(20)]
    model = models.saying(text(*words).framed(Framing(joined=len(words) + 1)))

    for store in True, False:
        with ask(server, model, store=store) as exchange:
            chunks = [*exchange.chunks()]
        together = [chunk.count(b"event: response.output_text.delta") for chunk in chunks]
        assert len(words) in together


def test_a_finished_stream_is_sent_again_in_one_piece(server: Server, models: Models) -> None:
    model = models.saying(text(*"A finished stream."))
    with ask(server, model) as exchange:
        told = b"".join(exchange.chunks())

    with rejoin(server, event_of(frames_in(told)[0])["response"]["id"]) as again:
        chunks = [*again.chunks()]

    assert chunks == [told]


def test_events_stay_whole_however_the_upstream_cuts_its_own(
    server: Server, models: Models
) -> None:
    said = text("Grüße ", "👋🏽 ", "\r\n\r\n", "event: x\ndata: {}\n\n", " ")
    cuts = Framing(bytes_per_write=7), Framing(split_characters=True), Framing(line_end="\r")

    for framing in cuts:
        with ask(server, models.saying(said.framed(framing))) as exchange:
            response = folded(exchange.events())
        assert response["output_text"] == "Grüße 👋🏽 \r\n\r\nevent: x\ndata: {}\n\n "
