"""Responses made in the background, as the documentation of the official client shows them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types.responses import Response, ResponseFormatTextJSONSchemaConfigParam

from tests.background.asking import FOREVER_SECONDS, STALLING, WORDS, ended, running, slow
from tests.clients.models import Models
from tests.clients.rows import ROWS, Row
from tests.clients.tools import WEATHER, WRITE, results_of
from tests.upstreams.chat_replies import (
    HttpReply,
    Usage,
    call,
    calls,
    failure,
    html,
    text,
    thinking,
)
from tests.upstreams.chat_troubles import Cut, Stall

type JSON = Any

SUM: ResponseFormatTextJSONSchemaConfigParam = {
    "type": "json_schema",
    "name": "sum",
    "schema": {"type": "object", "properties": {"result": {"type": "integer"}}},
    "strict": False,
}


def test_a_response_is_queued_and_polled_until_it_is_completed(
    client: OpenAI, models: Models
) -> None:
    model = models.saying(slow(*WORDS))

    queued = client.responses.create(model=model, input="Count!", background=True)
    response = ended(client, queued)

    assert (queued.status, queued.background, queued.output, queued.usage) == (
        "queued",
        True,
        [],
        None,
    )
    assert (response.id, response.status, response.background) == (queued.id, "completed", True)
    assert response.output_text == "".join(WORDS)
    assert response.completed_at is not None
    assert response.created_at == queued.created_at
    assert len(models.heard(model)) == 1


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_response_ends_as_it_would_in_the_foreground(
    client: OpenAI, models: Models, row: Row
) -> None:
    model = models.saying(row.reply, family=row.family)

    queued = client.responses.create(
        model=model, input="?", tools=[WEATHER, WRITE], background=True
    )
    response = ended(client, queued)

    assert response.status == row.order.split()[-1]
    assert (response.error is not None) == row.fails
    assert (response.incomplete_details is not None) == (response.status == "incomplete")
    assert [item.type for item in response.output] == types_of(row.order)


def types_of(order: str) -> list[str]:
    """The items of a row, by the events between their two ends."""
    kinds = {
        "text.delta": "message",
        "refusal.delta": "message",
        "args.delta": "function_call",
        "input.delta": "custom_tool_call",
        "summary.delta": "reasoning",
        "reasoning.delta": "reasoning",
    }
    return [kinds[word] for word in order.split() if word in kinds]


BROKEN: Mapping[str, tuple[HttpReply, str]] = {
    "500": (failure(500), "server_error"),
    "a proxy's page": (html(502), "server_error"),
    "overloaded": (failure(503), "server_error"),
    "busy": (failure(429, headers={"retry-after": "1"}), "rate_limit_exceeded"),
    "no quota": (failure(429, code="insufficient_quota"), "insufficient_quota"),
    "our key": (failure(401, "Bad key sk-12345678."), "server_error"),
    "model gone": (failure(404), "server_error"),
    "too long": (failure(400, code="context_length_exceeded"), "server_error"),
    "refused": (failure(400, "No tools here."), "server_error"),
}


@pytest.mark.parametrize(("reply", "code"), BROKEN.values(), ids=BROKEN)
def test_an_upstream_that_refuses_makes_a_failed_response(
    client: OpenAI, models: Models, reply: HttpReply, code: str
) -> None:
    model = models.saying(reply)

    response = ended(client, client.responses.create(model=model, input="?", background=True))

    assert response.status == "failed"
    assert response.error is not None
    assert response.error.code == code
    assert "sk-12345678" not in response.error.message
    assert (response.output, response.completed_at) == ([], None)


def test_an_upstream_that_breaks_leaves_what_it_said(client: OpenAI, models: Models) -> None:
    model = models.saying(text("Hel", "lo").troubled(Cut(1)))

    response = ended(client, client.responses.create(model=model, input="?", background=True))

    assert response.status == "failed"
    assert response.output_text == "Hel"


def test_a_running_response_shows_the_items_that_are_done(client: OpenAI, models: Models) -> None:
    said = thinking("Well.") + text("One, ", "two.")
    model = models.saying(said.troubled(Stall(2, FOREVER_SECONDS)))
    with client.responses.create(
        model=model, input="Count!", background=True, stream=True
    ) as stream:
        first = next(stream)
        assert first.type == "response.created"
        for event in stream:
            if event.type == "response.output_text.delta":
                break

    shown = client.responses.retrieve(first.response.id)

    client.responses.delete(first.response.id)
    assert (shown.status, shown.completed_at, shown.usage) == ("in_progress", None, None)
    assert [item.type for item in shown.output] == ["reasoning"]


def test_tools_are_called_and_answered_in_the_background(client: OpenAI, models: Models) -> None:
    model = models.saying(
        calls(call("get_weather", '{"city":"Oslo"}'), call("get_weather", '{"city":"Rome"}')),
        text("Sun everywhere."),
    )

    first = ended(
        client,
        client.responses.create(model=model, input="Weather?", tools=[WEATHER], background=True),
    )
    second = ended(
        client,
        client.responses.create(
            model=model,
            input=results_of(first),
            tools=[WEATHER],
            previous_response_id=first.id,
            background=True,
        ),
    )

    assert [item.type for item in first.output] == ["function_call"] * 2
    assert (second.status, second.output_text) == ("completed", "Sun everywhere.")
    assert second.previous_response_id == first.id
    roles = [message["role"] for message in models.heard(model)[1]["messages"]]
    assert roles == ["user", "assistant", "tool", "tool"]


def test_structured_output_is_made_in_the_background(client: OpenAI, models: Models) -> None:
    model = models.saying(text('{"result":', " 4}"))

    queued = client.responses.create(
        model=model, input="2 + 2?", text={"format": SUM}, background=True
    )
    response = ended(client, queued)

    assert response.status == "completed", response.error
    assert json.loads(response.output_text) == {"result": 4}
    assert models.heard(model)[0]["response_format"]["type"] == "json_schema"


def test_a_model_thinks_in_the_background(client: OpenAI, models: Models) -> None:
    model = models.saying(thinking("Well, ", "well.") + text("Yes."))

    response = ended(
        client,
        client.responses.create(
            model=model, input="?", reasoning={"effort": "low"}, background=True
        ),
    )

    reasoning, message = response.output
    assert reasoning.type == "reasoning"
    assert [part.text for part in reasoning.summary] == ["Well, well."]
    assert message.type == "message"


def test_what_it_cost_is_told_in_the_end(client: OpenAI, models: Models) -> None:
    model = models.saying(text("Yes.").costing(Usage(61, 48, cached=10, reasoning=7)))

    queued = client.responses.create(model=model, input="?", background=True)
    usage = ended(client, queued).usage

    assert queued.usage is None
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (61, 48, 109)
    assert usage.input_tokens_details.cached_tokens == 10
    assert usage.output_tokens_details.reasoning_tokens == 7


def test_what_was_asked_is_echoed_from_the_first_word_to_the_last(
    client: OpenAI, models: Models
) -> None:
    asked: JSON = {"temperature": 0.5, "metadata": {"job": "42"}, "instructions": "Be brief."}

    queued = client.responses.create(model=models.saying(), input="?", background=True, **asked)
    response = ended(client, queued)

    for each in (queued, response):
        told = each.to_dict()
        assert {name: told[name] for name in asked} == asked


def test_the_items_of_the_request_are_there_while_it_runs(client: OpenAI, models: Models) -> None:
    response = running(client, models, models.saying(STALLING))

    while_running = client.responses.input_items.list(response.id).data
    client.responses.cancel(response.id)
    after = client.responses.input_items.list(response.id).data

    [item] = while_running
    assert item.type == "message"
    assert [each.to_dict() for each in after] == [item.to_dict()]


@pytest.mark.parametrize("status", ["running", "cancelled", "failed"])
def test_only_what_came_to_its_end_can_be_continued(
    client: OpenAI, models: Models, status: str
) -> None:
    replies = (failure(500), text("Yes.")) if status == "failed" else (STALLING, text("Yes."))
    model = models.saying(*replies)
    first = running(client, models, model)
    if status != "running":
        client.responses.cancel(first.id) if status == "cancelled" else ended(client, first)

    for background in (False, True):
        with pytest.raises(BadRequestError) as raised:
            client.responses.create(
                model=model,
                input="And?",
                previous_response_id=first.id,
                background=background,
            )
        assert raised.value.code == "previous_response_not_found"
        assert raised.value.param == "previous_response_id"

    client.responses.delete(first.id)


def test_a_background_response_can_be_continued_in_the_foreground(
    client: OpenAI, models: Models
) -> None:
    model = models.saying()
    first = ended(client, client.responses.create(model=model, input="One.", background=True))

    second = client.responses.create(model=model, input="Two.", previous_response_id=first.id)

    assert second.background is False
    heard = [message["content"] for message in models.heard(model)[1]["messages"]]
    assert heard == ["One.", "You said: One.", "Two."]


def test_what_is_not_stored_cannot_be_made_in_the_background(
    client: OpenAI, models: Models
) -> None:
    model = models.saying()

    for is_streamed in (False, True):
        with pytest.raises(BadRequestError) as raised:
            client.responses.create(
                model=model, input="?", background=True, store=False, stream=is_streamed
            )
        assert raised.value.param == "background"

    assert models.heard(model) == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"model": "nobody/knows"}, "model_not_found"),
        ({"temperature": 3}, "decimal_above_max_value"),
        ({"previous_response_id": "resp_none"}, "previous_response_not_found"),
        ({"tools": [{"type": "file_search"}]}, "unsupported_tool_type"),
    ],
)
def test_a_mistake_is_told_at_once(client: OpenAI, models: Models, wrong: JSON, code: str) -> None:
    body = {"model": models.saying(), "input": "?", "background": True} | wrong

    with pytest.raises(BadRequestError) as raised:
        client.post("/responses", body=body, cast_to=object)

    assert raised.value.code == code


def test_another_key_meets_nothing(client: OpenAI, other_client: OpenAI, models: Models) -> None:
    response = running(client, models, models.saying(STALLING))

    for attempt in (
        other_client.responses.retrieve,
        other_client.responses.cancel,
        other_client.responses.delete,
        other_client.responses.input_items.list,
    ):
        with pytest.raises(NotFoundError):
            attempt(response.id)

    assert client.responses.retrieve(response.id).status == "in_progress"
    assert client.responses.cancel(response.id).status == "cancelled"


def test_the_demo_runs_in_the_background_too(client: OpenAI) -> None:
    queued = client.responses.create(model="demo", input="Hello!", background=True)

    response = ended(client, queued)

    assert response.status == "completed"
    assert response.output_text


def test_many_run_at_the_same_time(client: OpenAI, models: Models) -> None:
    model = models.saying(slow("One, ", "two."))

    queued = [
        client.responses.create(model=model, input=f"{number}?", background=True)
        for number in range(20)
    ]
    found: list[Response] = [ended(client, each) for each in queued]

    assert [each.output_text for each in found] == ["One, two."] * 20
    assert len({each.id for each in found}) == 20


def test_the_description_says_that_there_is_background(client: OpenAI) -> None:
    described = client.get("/responses", cast_to=object)

    assert isinstance(described, dict)
    assert described["capabilities"]["background"] is True
