"""openai-python: turns that build on earlier ones, by their ids or in a conversation object."""

from collections.abc import Mapping
from typing import Any

import pytest
from openai import APIError, BadRequestError, OpenAI
from openai.types.responses import Response

from tests.clients.models import Models
from tests.clients.tools import THINKING, WEATHER, results_of
from tests.dialects.differences import speakers
from tests.upstreams.chat_replies import call, calls, text, thinking
from tests.upstreams.chat_troubles import Cut, Stall

type JSON = Any

CITIES = ["Oslo", "Rome", "Lima"]
RESULTS = [f'Sun: {{"city":"{city}"}}' for city in CITIES]


def created(client: OpenAI, is_streamed: bool, **asked: JSON) -> Response:
    """A response, at once or from a stream."""
    if is_streamed:
        with client.responses.stream(**asked) as stream:
            return stream.get_final_response()
    response: Response = client.responses.create(**asked)
    return response


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_chain_of_tool_calls_goes_on_at_once(
    client: OpenAI, any_models: Models, is_streamed: bool
) -> None:
    steps = [calls(call("get_weather", f'{{"city":"{city}"}}')) for city in CITIES]
    model = any_models.saying(*steps, text("Sun everywhere."))

    response = created(client, is_streamed, model=model, input="Weather?", tools=[WEATHER])
    for _ in CITIES:
        response = created(
            client,
            is_streamed,
            model=model,
            previous_response_id=response.id,
            input=results_of(response),
            tools=[WEATHER],
        )

    assert response.output_text == "Sun everywhere."
    told = any_models.history(model)
    assert [who for who, _ in told] == ["user", *["call", "result"] * 3]
    assert [said for who, said in told if who == "result"] == RESULTS


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_conversation_object_holds_a_chain_of_tool_calls(
    client: OpenAI, any_models: Models, is_streamed: bool
) -> None:
    steps = [calls(call("get_weather", f'{{"city":"{city}"}}')) for city in CITIES]
    model = any_models.saying(*steps, text("Sun everywhere."))
    conversation = client.conversations.create().id
    asked: JSON = {"model": model, "conversation": conversation, "tools": [WEATHER]}

    response = created(client, is_streamed, input="Weather?", **asked)
    for _ in CITIES:
        response = created(client, is_streamed, input=results_of(response), **asked)

    assert response.output_text == "Sun everywhere."
    told = any_models.history(model)
    assert [who for who, _ in told] == ["user", *["call", "result"] * 3]
    assert [said for who, said in told if who == "result"] == RESULTS


def test_signed_thinking_is_kept_in_a_conversation_object(
    client: OpenAI, vendors: Mapping[str, Models]
) -> None:
    models = vendors["anthropic"]
    step = thinking("Let me look.") + calls(call("get_weather", '{"city":"Oslo"}'))
    model = models.saying(step, text("Sun."))
    conversation = client.conversations.create().id
    asked: JSON = {"model": model, "conversation": conversation, "tools": [WEATHER]}

    first = client.responses.create(input="Weather?", reasoning=THINKING, **asked)
    client.responses.create(input=results_of(first), reasoning=THINKING, **asked)

    assert models.thoughts(model) == ["Let me look."]


def test_a_turn_can_follow_before_the_stream_before_is_closed(
    client: OpenAI, any_models: Models
) -> None:
    model = any_models.saying(text("One."), text("Two."), text("Three."))
    previous: str | None = None
    said: list[str] = []

    for _ in range(3):
        with client.responses.create(
            model=model, input="Next!", previous_response_id=previous, stream=True
        ) as stream:
            for event in stream:
                if event.type == "response.completed":
                    previous = event.response.id
                    said.append(event.response.output_text)
                    break

    assert said == ["One.", "Two.", "Three."]
    assert [said for _, said in any_models.history(model)] == [
        "Next!",
        "One.",
        "Next!",
        "Two.",
        "Next!",
    ]


def test_parallel_results_follow_their_calls(client: OpenAI, any_models: Models) -> None:
    wanted = [call("get_weather", f'{{"city":"{city}"}}') for city in CITIES]
    model = any_models.saying(text("Let me see.") + calls(*wanted), text("Sun everywhere."))
    first = client.responses.create(model=model, input="Weather?", tools=[WEATHER])

    client.responses.create(
        model=model,
        previous_response_id=first.id,
        input=results_of(first)[::-1],
        tools=[WEATHER],
    )

    told = any_models.history(model)
    assert [who for who, _ in told] == ["user", "assistant", *["call"] * 3, *["result"] * 3]
    assert {said for who, said in told if who == "result"} == {*RESULTS}


def test_calls_may_have_the_same_id_in_every_turn(client: OpenAI, any_models: Models) -> None:
    steps = [calls(call("get_weather", f'{{"city":"{city}"}}', id="call_0")) for city in CITIES]
    model = any_models.saying(*steps, text("Sun everywhere."))
    response = client.responses.create(model=model, input="Weather?", tools=[WEATHER])

    for _ in CITIES:
        response = client.responses.create(
            model=model,
            previous_response_id=response.id,
            input=results_of(response),
            tools=[WEATHER],
        )

    told = any_models.history(model)
    assert [said for who, said in told if who == "result"] == RESULTS


@pytest.mark.parametrize("any_models", speakers("broken call"), indirect=True)
def test_a_call_that_was_not_well_formed_can_be_answered(
    client: OpenAI, any_models: Models
) -> None:
    model = any_models.saying(calls(call("get_weather", '{"city":')), text("I see."))
    first = client.responses.create(model=model, input="Weather?", tools=[WEATHER])

    second = client.responses.create(
        model=model, previous_response_id=first.id, input=results_of(first), tools=[WEATHER]
    )

    assert second.output_text == "I see."


def test_instructions_are_not_inherited(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying()
    first = client.responses.create(model=model, input="One.", instructions="Sing.")

    second = client.responses.create(model=model, input="Two.", previous_response_id=first.id)

    assert second.instructions is None
    assert second.previous_response_id == first.id
    assert [who for who, _ in any_models.history(model)] == ["user", "assistant", "user"]


def test_a_conversation_may_change_its_model(
    client: OpenAI, models: Models, generic_models: Models
) -> None:
    one, other = models.saying(), generic_models.saying()
    first = client.responses.create(model=one, input="One.")

    client.responses.create(model=other, input="Two.", previous_response_id=first.id)

    told = generic_models.heard(other)[0]["messages"]
    assert [message["content"] for message in told] == ["One.", "You said: One.", "Two."]


def test_a_conversation_outlives_its_first_response(client: OpenAI, models: Models) -> None:
    model = models.saying()
    first = client.responses.create(model=model, input="One.")
    second = client.responses.create(model=model, input="Two.", previous_response_id=first.id)

    client.responses.delete(first.id)
    client.responses.create(model=model, input="Three.", previous_response_id=second.id)

    assert len(models.heard(model)[-1]["messages"]) == 5


def test_a_conversation_can_branch(client: OpenAI, models: Models) -> None:
    model = models.saying()
    root = client.responses.create(model=model, input="Root.")

    for word in ("Left.", "Right."):
        client.responses.create(model=model, input=word, previous_response_id=root.id)

    left, right = models.heard(model)[1:]
    assert left["messages"][:2] == right["messages"][:2]
    assert left["messages"][-1]["content"] == "Left."
    assert right["messages"][-1]["content"] == "Right."


def test_an_incomplete_response_can_be_continued(client: OpenAI, models: Models) -> None:
    model = models.saying(text("Once ", "upon").ending("length"), text(" a time."))
    first = client.responses.create(model=model, input="Tell!")

    second = client.responses.create(model=model, input="Go on.", previous_response_id=first.id)

    assert second.output_text == " a time."
    assert models.heard(model)[-1]["messages"][1]["content"] == "Once upon"


def test_a_failed_response_cannot_be_continued(client: OpenAI, models: Models) -> None:
    model = models.saying(text("Hel", "lo").troubled(Cut(1)))
    seen: list[JSON] = []
    with (
        pytest.raises(APIError),
        client.responses.create(model=model, input="Hello!", stream=True) as stream,
    ):
        seen.extend(event.to_dict() for event in stream)
    failed = seen[0]["response"]["id"]

    with pytest.raises(BadRequestError) as raised:
        client.responses.create(model=model, input="And?", previous_response_id=failed)

    assert raised.value.code == "previous_response_not_found"
    assert raised.value.param == "previous_response_id"


def test_a_running_response_cannot_be_continued(client: OpenAI, models: Models) -> None:
    model = models.saying(text("One, ", "two.").troubled(Stall(1, 60)))
    with client.responses.create(model=model, input="Count!", stream=True) as stream:
        first = next(stream)
    assert first.type == "response.created"

    with pytest.raises(BadRequestError) as raised:
        client.responses.create(model=model, input="And?", previous_response_id=first.response.id)

    client.responses.delete(first.response.id)
    assert raised.value.code == "previous_response_not_found"


def test_results_without_their_calls_are_refused(client: OpenAI, models: Models) -> None:
    model = models.saying()

    with pytest.raises(BadRequestError) as raised:
        client.responses.create(
            model=model,
            input=[{"type": "function_call_output", "call_id": "call_9", "output": "Sun."}],
        )

    assert raised.value.code == "tool_call_not_found"


def test_calls_without_their_results_are_refused(client: OpenAI, models: Models) -> None:
    model = models.saying(calls(call("get_weather", '{"city":"Oslo"}')))
    first = client.responses.create(model=model, input="Weather?", tools=[WEATHER])

    with pytest.raises(BadRequestError) as raised:
        client.responses.create(model=model, input="Well?", previous_response_id=first.id)

    assert raised.value.code == "tool_output_missing"
