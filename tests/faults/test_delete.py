"""Responses that are deleted while they are made."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.clients.models import Models
from tests.faults.asking import (
    OUTPUT,
    PROMPT,
    ask,
    deleted,
    rejoin,
    replayed,
    retrieved,
    wait_until,
)
from tests.faults.database import counts, file_of
from tests.faults.folding import folded
from tests.faults.wire import Exchange, event_of
from tests.server import OTHER_KEY, Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import Reply, call, calls, text, thinking
from tests.upstreams.chat_troubles import Stall

type JSON = Any

FOREVER_SECONDS = 60.0
CITY = call("get_weather", '{"city":', '"Os', 'lo"}')
RUNNING = {
    "before a word": text(OUTPUT).troubled(Stall(0, FOREVER_SECONDS)),
    "in a text": text(OUTPUT, " more").troubled(Stall(1, FOREVER_SECONDS)),
    "in a call": (text(OUTPUT) + calls(CITY)).troubled(Stall(3, FOREVER_SECONDS)),
    "in a thought": thinking(OUTPUT, " more").troubled(Stall(1, FOREVER_SECONDS)),
    "in haste": text(*[OUTPUT] * 5_000).paced(0.001),
}


@pytest.mark.parametrize("reply", RUNNING.values(), ids=RUNNING)
def test_a_response_that_is_deleted_is_stopped_and_gone(
    server: Server, models: Models, upstream: ChatUpstream, reply: Reply
) -> None:
    model = models.saying(reply)
    before = upstream.disconnects

    with ask(server, model) as exchange:
        seen = exchange.until("response.in_progress")
        response_id = event_of(seen[0])["response"]["id"]
        with rejoin(server, response_id) as other:
            assert other.status == 200
            assert deleted(server, response_id) == 200
            told = [[*seen, *exchange.events()], [*other.events()]]

    assert upstream.wait_until(lambda: upstream.disconnects > before)
    assert told[0] == told[1]
    response = folded(told[0])
    assert response["status"] == "failed"
    assert "deleted" in response["error"]["message"]
    assert retrieved(server, response_id)["error"]["code"] == "response_not_found"
    with rejoin(server, response_id) as nobody:
        assert nobody.status == 404
    assert deleted(server, response_id) == 404


def test_of_many_who_delete_one_succeeds(server: Server, models: Models) -> None:
    model = models.saying(RUNNING["in a text"])

    with ask(server, model) as exchange, ThreadPoolExecutor(8) as pool:
        seen = exchange.until("output_text.delta")
        response_id = event_of(seen[0])["response"]["id"]
        told = [*pool.map(lambda _: deleted(server, response_id), range(8))]
        assert folded([*seen, *exchange.events()])["status"] == "failed"

    assert sorted(told) == [200] + [404] * 7


def test_another_may_not_delete_it(server: Server, models: Models) -> None:
    model = models.saying(text(OUTPUT, " more").paced(0.5))

    with ask(server, model) as exchange:
        seen = exchange.until("output_text.delta")
        response_id = event_of(seen[0])["response"]["id"]
        path = f"/v1/responses/{response_id}"
        with Exchange(server, path, method="DELETE", key=OTHER_KEY) as other:
            assert other.status == 404
        assert folded([*seen, *exchange.events()])["status"] == "completed"


def test_after_a_sweep_nothing_is_left(own_server: Server, models: Models) -> None:
    for reply in (*RUNNING.values(), text(OUTPUT)):
        with ask(own_server, models.saying(reply)) as exchange:
            seen = exchange.until("response.in_progress")
            assert deleted(own_server, event_of(seen[0])["response"]["id"]) == 200

    own_server.restart()  # it sweeps as it starts
    wait_until(lambda: set(counts(own_server).values()) == {0})

    own_server.stop()
    assert OUTPUT.encode() not in file_of(own_server)
    assert PROMPT.encode() not in file_of(own_server)


def test_a_crash_after_a_deletion_brings_nothing_back(own_server: Server, models: Models) -> None:
    with ask(own_server, models.saying(RUNNING["in a text"])) as exchange:
        seen = exchange.until("output_text.delta")
        response_id = event_of(seen[0])["response"]["id"]
        assert deleted(own_server, response_id) == 200
        own_server.kill()

    own_server.start()

    assert retrieved(own_server, response_id)["error"]["code"] == "response_not_found"


def test_what_followed_a_deleted_response_stays(server: Server, models: Models) -> None:
    model = models.saying(text(OUTPUT))
    with ask(server, model) as exchange:
        first = folded(exchange.events())
    with ask(server, model, previous_response_id=first["id"]) as exchange:
        second = folded(exchange.events())

    assert deleted(server, first["id"]) == 200

    assert folded(replayed(server, second["id"])) == second
    with ask(server, model, previous_response_id=second["id"]) as exchange:
        assert folded(exchange.events())["status"] == "completed"
    assert [message["role"] for message in models.heard(model)[-1]["messages"]] == [
        *["user", "assistant"] * 2,
        "user",
    ]
