"""openai-python: streams, raw and through the `responses.stream()` helper."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import APIError, OpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.clients.models import Models
from tests.clients.rows import CASES, COMPLETED, FAILING, ROWS, order_of
from tests.clients.tools import THINKING, TOOLS, WEATHER
from tests.dialects.differences import speakers
from tests.upstreams.chat_replies import call, calls, refusal, text, thinking

type JSON = Any

EVENTS: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)


def frames_of(client: OpenAI, model: str) -> list[str]:
    """The stream as it is on the wire, cut at the blank lines."""
    with client.responses.with_streaming_response.create(
        model=model, input="Hello!", tools=TOOLS, reasoning=THINKING, stream=True
    ) as raw:
        assert raw.headers["content-type"] == "text/event-stream; charset=utf-8"
        return "".join(raw.iter_text()).split("\n\n")


def events_of(frames: list[str]) -> Iterator[JSON]:
    """The events of a stream; comments and the last word are left out."""
    for frame in frames:
        if frame.startswith("event: "):
            name, _, data = frame.removeprefix("event: ").partition("\ndata: ")
            event = json.loads(data)
            assert event["type"] == name
            yield event


@pytest.mark.parametrize(("any_models", "name"), CASES, indirect=["any_models"])
def test_the_events_of_each_case_come_in_their_order(
    client: OpenAI, any_models: Models, name: str
) -> None:
    row = ROWS[name]
    model = any_models.saying(row.reply, family=row.family)

    frames = frames_of(client, model)

    events = list(events_of(frames))
    assert order_of(events) == row.order_at(any_models.name)
    assert [event["sequence_number"] for event in events] == [*range(len(events))]
    assert frames[-2:] == ["data: [DONE]", ""]


@pytest.mark.parametrize(("any_models", "name"), CASES, indirect=["any_models"])
def test_the_last_event_holds_the_items_that_were_done(
    client: OpenAI, any_models: Models, name: str
) -> None:
    row = ROWS[name]
    model = any_models.saying(row.reply, family=row.family)

    events = list(events_of(frames_of(client, model)))

    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert events[-1]["response"]["output"] == done
    stored = client.responses.retrieve(events[0]["response"]["id"])
    assert stored.to_dict() == Response.construct(**events[-1]["response"]).to_dict()


@pytest.mark.parametrize(("any_models", "name"), CASES, indirect=["any_models"])
def test_every_event_has_the_type_that_the_client_declares(
    client: OpenAI, any_models: Models, name: str
) -> None:
    row = ROWS[name]
    model = any_models.saying(row.reply, family=row.family)

    events = list(events_of(frames_of(client, model)))

    for event in events:
        EVENTS.validate_python(_without_nulls(event))


def _without_nulls(told: JSON) -> JSON:
    """The SDK's types do not say of every field that it may be null."""
    if isinstance(told, dict):
        return {key: _without_nulls(value) for key, value in told.items() if value is not None}
    return [_without_nulls(value) for value in told] if isinstance(told, list) else told


@pytest.mark.parametrize(("any_models", "name"), COMPLETED, indirect=["any_models"])
def test_the_helper_reaches_the_final_response(
    client: OpenAI, any_models: Models, name: str
) -> None:
    row = ROWS[name]
    model = any_models.saying(row.reply, family=row.family)

    with client.responses.stream(
        model=model, input="Hello!", tools=TOOLS, reasoning=THINKING
    ) as stream:
        final = stream.get_final_response()

    assert final.status == "completed"
    kept = client.responses.retrieve(final.id)
    assert [item.to_dict()["id"] for item in final.output] == [
        item.to_dict()["id"] for item in kept.output
    ]
    assert final.output_text == kept.output_text


@pytest.mark.parametrize(("any_models", "name"), FAILING, indirect=["any_models"])
def test_a_failure_within_a_stream_is_raised(client: OpenAI, any_models: Models, name: str) -> None:
    row = ROWS[name]
    model = any_models.saying(row.reply, family=row.family)
    seen: list[JSON] = []

    with (
        pytest.raises(APIError) as raised,
        client.responses.create(model=model, input="Hello!", stream=True) as stream,
    ):
        seen.extend(event.to_dict() for event in stream)

    assert f"{order_of(seen)} error failed" == row.order
    assert raised.value.code == "server_error"
    assert client.responses.retrieve(seen[0]["response"]["id"]).status == "failed"


def test_the_helper_gathers_text(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("Hel", "lo", " 👋"))

    with client.responses.stream(model=model, input="Hello!") as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()

    assert pieces == ["Hel", "lo", " 👋"]
    assert final.output_text == "Hello 👋"


def test_the_helper_gathers_parallel_calls(client: OpenAI, any_models: Models) -> None:
    cities = ["Oslo", "Rome", "Lima"]
    wanted = [call("get_weather", '{"city":', f'"{city}"}}') for city in cities]
    model = any_models.saying(calls(*wanted, interleaved=True))

    with client.responses.stream(model=model, input="Weather?", tools=[WEATHER]) as stream:
        snapshots = [
            event.snapshot
            for event in stream
            if event.type == "response.function_call_arguments.delta"
        ]
        final = stream.get_final_response()

    made = [item for item in final.output if item.type == "function_call"]
    assert [json.loads(item.arguments) for item in made] == [{"city": city} for city in cities]
    assert len({item.call_id for item in made}) == len(cities)
    assert snapshots[-1] == '{"city":"Lima"}'


@pytest.mark.parametrize("any_models", speakers("refusal"), indirect=True)
def test_the_helper_gathers_a_refusal(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(refusal("I will ", "not."))

    with client.responses.stream(model=model, input="Do it!") as stream:
        final = list(stream)[-1]

    assert final.type in ("response.completed", "response.incomplete")
    [message] = final.response.output
    assert message.type == "message"
    [part] = message.content
    assert part.type == "refusal"
    assert part.refusal == "I will not."


def test_the_helper_gathers_thinking(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(thinking("Well, ", "well.") + text("Yes."))

    with client.responses.stream(model=model, input="Is it?", reasoning=THINKING) as stream:
        thought = "".join(
            event.delta for event in stream if event.type == "response.reasoning_summary_text.delta"
        )
        final = stream.get_final_response()

    assert thought == "Well, well."
    assert [item.type for item in final.output] == ["reasoning", "message"]


def test_padding_is_left_out_when_nobody_wants_it(client: OpenAI, models: Models) -> None:
    model = models.saying(text("Hel", "lo"))

    padded = client.responses.create(model=model, input="Hello!", stream=True)
    plain = client.responses.create(
        model=model, input="Hello!", stream=True, stream_options={"include_obfuscation": False}
    )

    assert any("obfuscation" in event.to_dict() for event in padded)
    assert not any("obfuscation" in event.to_dict() for event in plain)
