"""openai-python: items of earlier turns, sent again by reference or as they came."""

from collections.abc import Sequence
from typing import Any

import pytest
from openai import NotFoundError, OpenAI
from openai.types.responses import ResponseInputItemParam

from tests.clients.models import Models
from tests.clients.tools import THINKING, WEATHER, results_of
from tests.upstreams.chat_replies import call, calls, text, thinking

type JSON = Any


def test_items_can_be_sent_by_reference(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(
        thinking("A tool.") + text("Let me see.") + calls(call("get_weather", '{"city":"Oslo"}')),
        text("Sun."),
    )
    first = client.responses.create(
        model=model, input="Weather?", tools=[WEATHER], reasoning=THINKING
    )
    references: list[ResponseInputItemParam] = [
        {"type": "item_reference", "id": item.id or ""} for item in first.output
    ]

    second = client.responses.create(
        model=model,
        input=[{"role": "user", "content": "Weather?"}, *references, *results_of(first)],
        tools=[WEATHER],
    )

    assert second.output_text == "Sun."
    assert any_models.history(model) == [
        ("user", "Weather?"),
        ("assistant", "Let me see."),
        ("call", 'get_weather {"city":"Oslo"}'),
        ("result", 'Sun: {"city":"Oslo"}'),
    ]


def test_items_can_be_sent_back_as_they_came(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(
        thinking("A tool.") + calls(call("get_weather", '{"city":"Oslo"}')), text("Sun.")
    )
    first = client.responses.create(
        model=model,
        input="Weather?",
        tools=[WEATHER],
        store=False,
        reasoning=THINKING,
        include=["reasoning.encrypted_content"],
    )

    second = client.responses.create(
        model=model,
        input=[
            {"role": "user", "content": "Weather?"},
            *(item.to_dict() for item in first.output),  # type: ignore[list-item]
            *results_of(first),
        ],
        tools=[WEATHER],
        store=False,
    )

    assert second.output_text == "Sun."
    assert [who for who, _ in any_models.history(model)] == ["user", "call", "result"]


def test_items_of_a_deleted_response_are_not_found(client: OpenAI, models: Models) -> None:
    model = models.saying()
    first = client.responses.create(
        model=model,
        input=[{"type": "message", "id": "msg_of_mine", "role": "user", "content": "Hello!"}],  # type: ignore[list-item]
    )

    client.responses.delete(first.id)

    for item_id in ("msg_of_mine", first.output[0].to_dict()["id"]):
        with pytest.raises(NotFoundError):
            client.responses.create(
                model=model, input=[{"type": "item_reference", "id": str(item_id)}]
            )


def test_an_unknown_item_is_not_found(client: OpenAI, models: Models) -> None:
    model = models.saying()

    with pytest.raises(NotFoundError) as raised:
        client.responses.create(model=model, input=[{"type": "item_reference", "id": "msg_none"}])

    assert raised.value.code == "item_not_found"


@pytest.mark.parametrize("manner", ["chain", "references", "items"])
def test_thinking_goes_back_to_models_that_want_it(
    client: OpenAI, generic_models: Models, manner: str
) -> None:
    model = generic_models.saying(
        thinking("Oslo first.") + calls(call("get_weather", '{"city":"Oslo"}')),
        text("Sun."),
        family="thinker",
    )
    first = client.responses.create(model=model, input="Weather?", tools=[WEATHER])
    before: Sequence[JSON] = {
        "chain": [],
        "references": [
            {"role": "user", "content": "Weather?"},
            *({"type": "item_reference", "id": item.to_dict()["id"]} for item in first.output),
        ],
        "items": [
            {"role": "user", "content": "Weather?"},
            *(item.to_dict() for item in first.output),
        ],
    }[manner]

    client.responses.create(
        model=model,
        input=[*before, *results_of(first)],
        previous_response_id=first.id if manner == "chain" else None,
        tools=[WEATHER],
    )

    _, assistant, _ = generic_models.heard(model)[-1]["messages"]
    assert assistant["reasoning_content"] == "Oslo first."
