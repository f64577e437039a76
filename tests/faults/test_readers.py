"""Several readers of one response, wherever they join and however slowly they read."""

from concurrent.futures import ThreadPoolExecutor

from tests.clients.models import Models
from tests.faults.asking import OUTPUT, ask, rejoin, replayed
from tests.faults.folding import folded
from tests.faults.wire import event_of
from tests.server import Server
from tests.upstreams.chat_replies import call, calls, text, thinking

WORDS = [OUTPUT, *(f" {number}" for number in range(40))]
CITY = call("get_weather", '{"city":', '"Os', 'lo"}')
LONG_WORD = "x" * 8_000
LONG_WORDS = 800  # six megabytes: more than all buffers between two sockets hold
SMALL_BUFFER_BYTES = 4_096


def test_readers_who_join_at_any_number_are_told_the_same(server: Server, models: Models) -> None:
    said = thinking("Well, ", "well.") + text(*WORDS) + calls(CITY)
    model = models.saying(said.paced(0.01))
    afters = [None, 0, 1, 2, 5, 8, 13, 21, 34, 55, 5_000]

    with ask(server, model) as exchange, ThreadPoolExecutor(len(afters)) as pool:
        seen = exchange.until("output_text.delta")
        response_id = event_of(seen[0])["response"]["id"]
        joined = [pool.submit(replayed, server, response_id, after) for after in afters]
        told = [*seen, *exchange.events()]
        heard = [each.result() for each in joined]

    assert folded(told)["status"] == "completed"
    wanted = [told[0 if after is None else after + 1 :] for after in afters]
    assert heard == wanted
    assert [replayed(server, response_id, after) for after in afters] == wanted


def test_a_stream_can_be_left_and_joined_again_and_again(server: Server, models: Models) -> None:
    model = models.saying((text(*WORDS) + calls(CITY)).paced(0.01))
    with ask(server, model) as exchange:
        seen = [*exchange.until("response.in_progress")]
    response_id = event_of(seen[0])["response"]["id"]

    while b"response.completed" not in seen[-1]:
        with rejoin(server, response_id, len(seen) - 1) as again:
            seen += again.until("event: ")

    assert seen == replayed(server, response_id)
    assert folded(seen)["output_text"] == "".join(WORDS)


def test_a_slow_reader_stops_nobody(server: Server, models: Models) -> None:
    model = models.saying(text(*[LONG_WORD] * LONG_WORDS))
    with ask(server, model) as exchange:
        seen = exchange.until("response.in_progress")
        response_id = event_of(seen[0])["response"]["id"]
        with rejoin(server, response_id, receive_buffer_bytes=SMALL_BUFFER_BYTES) as slow:
            assert slow.status == 200
            told = [*seen, *exchange.events()]
            assert folded(told)["output_text"] == LONG_WORD * LONG_WORDS
            late = [*slow.events()]

    assert late == told
