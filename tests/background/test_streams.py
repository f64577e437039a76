"""Background responses as streams: while they are made, joined anywhere, and afterwards."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pytest
from openai import APIError, OpenAI

from tests.background.asking import (
    STALLING,
    WORDS,
    ended,
    event_of,
    frames,
    frames_in,
    post,
    running,
    slow,
)
from tests.clients.models import Models
from tests.clients.rows import ROWS, order_of
from tests.clients.tools import WEATHER, WRITE
from tests.server import OTHER_KEY, Server
from tests.upstreams.chat_replies import call, calls, failure, text, thinking

type JSON = Any

ORDERS = {
    name: row.order.replace("C P", "C queued P")
    for name, row in ROWS.items()
    if name != "upstream refuses late"
} | {"upstream refuses late": "C queued error failed"}  # nothing was accepted: never in progress


@pytest.mark.parametrize("name", ROWS)
def test_the_events_of_each_case_come_in_their_order(
    server: Server, models: Models, name: str
) -> None:
    model = models.saying(ROWS[name].reply, family=ROWS[name].family)

    answer = post(
        server, model=model, input="?", tools=[WEATHER, WRITE], background=True, stream=True
    )

    events = [event_of(frame) for frame in frames_in(answer)]
    assert order_of(events) == ORDERS[name]
    assert [event["sequence_number"] for event in events] == [*range(len(events))]
    shown = [event["response"] for event in events if "response" in event]
    assert [each["status"] for each in shown][:2] == ["queued"] * 2
    assert {each["background"] for each in shown} == {True}
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert events[-1]["response"]["output"] == done


def test_what_was_streamed_is_what_is_retrieved(client: OpenAI, models: Models) -> None:
    model = models.saying(thinking("Well.") + text("Yes."))

    with client.responses.create(model=model, input="?", background=True, stream=True) as stream:
        *_, last = stream
    assert last.type == "response.completed"

    assert client.responses.retrieve(last.response.id).to_dict() == last.response.to_dict()


def test_a_finished_run_is_joined_at_every_event_byte_for_byte(
    server: Server, models: Models
) -> None:
    said = thinking("Well, ", "well.") + text("One, ", "two.") + calls(call("get_weather", "{}"))
    model = models.saying(said)
    answer = post(server, model=model, input="?", tools=[WEATHER], background=True, stream=True)
    told = frames_in(answer)
    response_id = event_of(told[0])["response"]["id"]

    assert len(told) > 15
    assert frames(server, response_id) == told
    for after in range(len(told) + 2):
        assert frames(server, response_id, after) == told[after + 1 :]


def test_a_run_that_nobody_streamed_is_streamed_later(
    server: Server, client: OpenAI, models: Models
) -> None:
    model = models.saying(slow(*WORDS))
    response = ended(client, client.responses.create(model=model, input="?", background=True))

    events = [event_of(frame) for frame in frames(server, response.id)]

    assert order_of(events) == "C queued P +0 [0 text.delta text.done 0] -0 completed"
    pieces = [each["delta"] for each in events if each["type"] == "response.output_text.delta"]
    assert pieces == WORDS
    assert events[-1]["response"]["id"] == response.id


def test_many_readers_join_a_run_where_they_like_and_read_the_same(
    server: Server, client: OpenAI, models: Models
) -> None:
    response = running(client, models, models.saying(slow(*WORDS)))
    places = [None, 0, 1, 2, 3, 5, 8, 13, None, 4]

    with ThreadPoolExecutor(len(places)) as readers:
        tails = list(readers.map(lambda after: frames(server, response.id, after), places))

    told = frames(server, response.id)
    assert event_of(told[-1])["type"] == "response.completed"
    for after, tail in zip(places, tails, strict=True):
        assert tail == told[0 if after is None else after + 1 :]


def test_the_client_joins_while_it_runs_and_after(client: OpenAI, models: Models) -> None:
    model = models.saying(slow(*WORDS))
    with client.responses.create(
        model=model, input="Count!", background=True, stream=True
    ) as stream:
        seen = list(islice(stream, 6))
    assert seen[0].type == "response.created"
    response_id, after = seen[0].response.id, seen[-1].sequence_number

    joined = list(client.responses.retrieve(response_id, stream=True, starting_after=after))
    again = list(client.responses.retrieve(response_id, stream=True, starting_after=after))

    told = [event.to_dict() for event in joined]
    assert [event.to_dict() for event in again] == told
    numbers = [event.sequence_number for event in [*seen, *joined]]
    assert numbers == [*range(len(numbers))]
    assert joined[-1].type == "response.completed"
    assert joined[-1].response.output_text == "".join(WORDS)
    assert len(models.heard(model)) == 1


def test_the_helper_makes_one_and_joins_it(client: OpenAI, models: Models) -> None:
    model = models.saying(slow(*WORDS))
    with client.responses.stream(model=model, input="Count!", background=True) as stream:
        seen = list(islice(stream, 8))
    assert seen[0].type == "response.created"

    with client.responses.stream(
        response_id=seen[0].response.id, starting_after=seen[-1].sequence_number
    ) as joined:
        rest = list(joined)
        final = joined.get_final_response()

    assert rest[0].sequence_number == seen[-1].sequence_number + 1
    assert (final.status, final.output_text) == ("completed", "".join(WORDS))


def test_nobody_needs_to_read(client: OpenAI, models: Models) -> None:
    model = models.saying(slow(*WORDS))
    with client.responses.create(
        model=model, input="Count!", background=True, stream=True
    ) as stream:
        first = next(stream)
    assert first.type == "response.created"

    assert ended(client, first.response.id).output_text == "".join(WORDS)


def test_a_failure_is_told_at_the_end_of_the_stream(client: OpenAI, models: Models) -> None:
    model = models.saying(failure(429))
    seen: list[JSON] = []

    with (
        pytest.raises(APIError) as raised,
        client.responses.create(model=model, input="?", background=True, stream=True) as stream,
    ):
        seen.extend(event.to_dict() for event in stream)

    assert order_of(seen) == "C queued"
    assert raised.value.code == "rate_limit_exceeded"
    failed = ended(client, seen[0]["response"]["id"])
    assert failed.status == "failed"


def test_a_reader_waits_while_the_response_does(
    narrow_server: Server, narrow_client: OpenAI, models: Models
) -> None:
    occupying = running(narrow_client, models, models.saying(STALLING))
    model = models.saying(text("Yes."))
    stream = narrow_client.responses.create(model=model, input="?", background=True, stream=True)
    first: list[JSON] = [event.to_dict() for event in islice(stream, 2)]

    waiting = narrow_client.responses.retrieve(first[0]["response"]["id"])
    narrow_client.responses.cancel(occupying.id)
    rest = [event.to_dict() for event in stream]

    assert waiting.status == "queued"
    assert order_of([*first, *rest]) == "C queued P +0 [0 text.delta text.done 0] -0 completed"


def test_padding_is_left_out_when_nobody_wants_it(
    server: Server, client: OpenAI, models: Models
) -> None:
    asked: JSON = {"model": models.saying(text("Yes.")), "input": "?", "background": True}
    bare = post(server, **asked, stream=True, stream_options={"include_obfuscation": False})
    padded = frames_in(post(server, **asked, stream=True))
    response_id = event_of(padded[0])["response"]["id"]

    unpadded = client.responses.retrieve(response_id, stream=True, include_obfuscation=False)

    assert not any("obfuscation" in event_of(frame) for frame in frames_in(bare))
    assert any("obfuscation" in event_of(frame) for frame in padded)
    assert not any("obfuscation" in event.to_dict() for event in unpadded)


def test_a_stream_is_of_its_tenant_only(server: Server, client: OpenAI, models: Models) -> None:
    asked: JSON = {"model": models.saying(), "input": "Mine.", "background": True, "stream": True}
    owners: Sequence[JSON] = ({}, {"key": OTHER_KEY})

    told = [frames_in(post(server, **asked, **owner)) for owner in owners]

    first, second = (event_of(each[0])["response"]["id"] for each in told)
    assert first != second
    assert client.responses.retrieve(first).status == "completed"
    with pytest.raises(APIError, match="No response"):
        client.responses.retrieve(second, stream=True)
