"""openai-python: what is kept, how it is read again, joined again and deleted."""

from itertools import islice
from typing import Any

import pytest
from openai import APIError, NotFoundError, OpenAI
from openai.types.responses import ResponseInputParam

from tests.clients.models import Models
from tests.clients.rows import ROWS, Row
from tests.clients.tools import PIXEL, THINKING, WEATHER, WRITE
from tests.upstreams.chat_replies import text, thinking
from tests.upstreams.chat_troubles import Stall

type JSON = Any

WORDS = [f"{number} " for number in range(12)]
INPUT: ResponseInputParam = [
    {"role": "user", "content": "One."},
    {"role": "assistant", "content": "Two."},
    {"role": "user", "content": [{"type": "input_image", "image_url": PIXEL, "detail": "low"}]},
    {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "Nothing."},
]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_response_can_be_retrieved_at_once(
    client: OpenAI, models: Models, is_streamed: bool
) -> None:
    model = models.saying(thinking("Well.") + text("Yes."))

    if is_streamed:
        with client.responses.stream(model=model, input="Is it?") as stream:
            response_id = stream.get_final_response().id
    else:
        response_id = client.responses.create(model=model, input="Is it?").id
    kept = client.responses.retrieve(response_id)

    assert kept.id == response_id
    assert kept.output_text == "Yes."
    assert kept.completed_at is not None


def test_what_was_created_is_what_is_retrieved(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(thinking("Well.") + text("Yes."))

    created = client.responses.create(
        model=model, input="Is it?", metadata={"job": "42"}, reasoning=THINKING
    )
    kept = client.responses.retrieve(created.id)

    assert kept.to_dict() == created.to_dict()


@pytest.mark.parametrize("row", [row for row in ROWS.values() if not row.fails])
def test_a_finished_stream_can_be_joined_at_every_event(
    client: OpenAI, models: Models, row: Row
) -> None:
    model = models.saying(row.reply, family=row.family)
    told: list[JSON] = [
        event.to_dict()
        for event in client.responses.create(
            model=model, input="?", tools=[WEATHER, WRITE], stream=True
        )
    ]
    response_id = told[0]["response"]["id"]

    whole = [event.to_dict() for event in client.responses.retrieve(response_id, stream=True)]
    tails = [
        [
            event.to_dict()
            for event in client.responses.retrieve(response_id, stream=True, starting_after=after)
        ]
        for after in range(len(told))
    ]

    assert whole == told
    assert tails == [told[after + 1 :] for after in range(len(told))]


def test_a_stream_that_was_left_is_joined_where_it_was_left(
    client: OpenAI, any_models: Models
) -> None:
    model = any_models.saying(text(*WORDS).paced(0.02))
    with client.responses.create(model=model, input="Count!", stream=True) as stream:
        seen = list(islice(stream, 6))
    assert seen[0].type == "response.created"
    response_id, after = seen[0].response.id, seen[-1].sequence_number

    rest = list(client.responses.retrieve(response_id, stream=True, starting_after=after))

    numbers = [event.sequence_number for event in [*seen, *rest]]
    assert numbers == [*range(len(numbers))]
    pieces = [event.delta for event in [*seen, *rest] if event.type == "response.output_text.delta"]
    assert pieces == WORDS
    assert rest[-1].type == "response.completed"
    assert rest[-1].response.output_text == "".join(WORDS)


def test_the_helper_joins_a_running_stream(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text(*WORDS).paced(0.02))
    with client.responses.create(model=model, input="Count!", stream=True) as stream:
        seen = list(islice(stream, 6))
    assert seen[0].type == "response.created"

    with client.responses.stream(
        response_id=seen[0].response.id, starting_after=seen[-1].sequence_number
    ) as joined:
        rest = list(joined)
        final = joined.get_final_response()

    assert rest[0].sequence_number == seen[-1].sequence_number + 1
    assert final.output_text == "".join(WORDS)


def test_two_readers_read_the_same(client: OpenAI, models: Models) -> None:
    model = models.saying(text(*WORDS).paced(0.02))

    with client.responses.create(model=model, input="Count!", stream=True) as stream:
        first = next(stream)
        assert first.type == "response.created"
        second = client.responses.retrieve(first.response.id, stream=True)
        told = [first.to_dict(), *(event.to_dict() for event in stream)]
        again = [event.to_dict() for event in second]

    assert again == told


def test_a_running_response_can_be_retrieved(client: OpenAI, models: Models) -> None:
    model = models.saying(text("One, ", "two.").troubled(Stall(1, 60)))
    with client.responses.create(model=model, input="Count!", stream=True) as stream:
        first = next(stream)
    assert first.type == "response.created"

    running = client.responses.retrieve(first.response.id)

    client.responses.delete(first.response.id)
    assert running.status == "in_progress"
    assert running.usage is None
    assert running.completed_at is None


def test_a_deleted_response_is_gone_everywhere(client: OpenAI, models: Models) -> None:
    model = models.saying()
    response = client.responses.create(model=model, input="Hello!")

    client.responses.delete(response.id)

    with pytest.raises(NotFoundError):
        client.responses.retrieve(response.id)
    with pytest.raises(NotFoundError):
        client.responses.retrieve(response.id, stream=True)
    with pytest.raises(NotFoundError):
        client.responses.input_items.list(response.id)
    with pytest.raises(NotFoundError):
        client.responses.delete(response.id)
    with pytest.raises(APIError, match="not stored") as raised:
        client.responses.create(model=model, input="And?", previous_response_id=response.id)
    assert raised.value.code == "previous_response_not_found"


def test_deleting_says_so(client: OpenAI, models: Models) -> None:
    response = client.responses.create(model=models.saying(), input="Hello!")

    raw = client.responses.with_raw_response.delete(response.id)

    assert raw.http_response.json() == {"id": response.id, "object": "response", "deleted": True}


def test_deleting_a_running_response_stops_it(client: OpenAI, models: Models) -> None:
    model = models.saying(text("One, ", "two.").troubled(Stall(1, 60)))
    with client.responses.create(model=model, input="Count!", stream=True) as stream:
        first = next(stream)
        assert first.type == "response.created"

        client.responses.delete(first.response.id)

        with pytest.raises(APIError, match="deleted"):
            list(stream)
    assert models.upstream.wait_until(lambda: models.upstream.open_streams == 0)
    with pytest.raises(NotFoundError):
        client.responses.retrieve(first.response.id)


def test_unstored_responses_leave_nothing(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("Yes."))

    response = client.responses.create(model=model, input="Is it?", store=False)
    with client.responses.stream(model=model, input="Is it?", store=False) as stream:
        streamed = stream.get_final_response()

    assert response.output_text == streamed.output_text == "Yes."
    for response_id in (response.id, streamed.id):
        with pytest.raises(NotFoundError):
            client.responses.retrieve(response_id)
        with pytest.raises(NotFoundError):
            client.responses.retrieve(response_id, stream=True)
        with pytest.raises(NotFoundError):
            client.responses.input_items.list(response_id)
        with pytest.raises(APIError):
            client.responses.create(model=model, input="And?", previous_response_id=response_id)
    with pytest.raises(NotFoundError):
        client.responses.create(
            model=model, input=[{"type": "item_reference", "id": response.output[0].id or ""}]
        )


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 4, 5, 100])
def test_the_pager_reads_all_input_items(
    client: OpenAI, models: Models, limit: int, order: str
) -> None:
    response = client.responses.create(model=models.saying(), input=INPUT)

    page = client.responses.input_items.list(
        response.id, limit=limit, order="asc" if order == "asc" else "desc"
    )
    items = list(page)

    assert len(page.data) == min(limit, len(INPUT))
    types = ["message", "message", "message", "function_call", "function_call_output"]
    assert [item.type for item in items] == (types if order == "asc" else types[::-1])
    assert len({item.id for item in items}) == len(INPUT)


def test_input_items_are_listed_from_the_newest(client: OpenAI, models: Models) -> None:
    response = client.responses.create(model=models.saying(), input=INPUT)

    newest = client.responses.input_items.list(response.id).data[0]
    last = client.responses.input_items.list(response.id, order="asc").data[-1]

    assert newest.to_dict() == last.to_dict()
    assert newest.type == "function_call_output"
    assert newest.output == "Nothing."


def test_the_items_listed_can_be_sent_again(client: OpenAI, models: Models) -> None:
    model = models.saying()
    response = client.responses.create(model=model, input=INPUT)
    items = list(client.responses.input_items.list(response.id, order="asc"))

    client.responses.create(model=model, input=[item.to_dict() for item in items])  # type: ignore[misc]

    first, second = models.heard(model)
    assert first["messages"] == second["messages"]
