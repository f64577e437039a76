"""Responses that are made in a conversation: what goes before them, and what they leave there."""

from typing import Any

from openai import OpenAI

from tests.clients.models import Models
from tests.clients.tools import WEATHER, results_of
from tests.conversations.asking import Ask
from tests.conversations.saying import begun, said, user
from tests.upstreams.chat_replies import call, calls, text, thinking

type JSON = Any


def test_a_conversation_goes_before_and_goes_on_at_once(
    client: OpenAI, models: Models, ask: Ask
) -> None:
    model = models.saying(text("Black."), text("Hot."), text("Now."))
    conversation_id = begun(client, "Tea!")

    for question in ("Colour?", "Heat?", "When?"):
        ask(client, model=model, input=question, conversation=conversation_id)

    whole = ["Tea!", "Colour?", "Black.", "Heat?", "Hot.", "When?", "Now."]
    assert said(client, conversation_id) == whole
    assert [words for _, words in models.history(model)] == whole[:-1]


def test_a_response_tells_its_conversation(client: OpenAI, models: Models, ask: Ask) -> None:
    model = models.saying(text("Yes."))
    conversation_id = begun(client)

    response = ask(client, model=model, input="Is it?", conversation={"id": conversation_id})

    assert response.conversation is not None
    assert response.conversation.id == conversation_id


def test_every_event_that_has_the_response_tells_its_conversation(
    client: OpenAI, models: Models
) -> None:
    model, conversation_id = models.saying(text("Yes.")), begun(client)

    events = list(
        client.responses.create(
            model=model, input="Is it?", conversation=conversation_id, stream=True
        )
    )

    told = [event.to_dict()["response"] for event in events if hasattr(event, "response")]
    assert len(told) == 3
    assert {each["conversation"]["id"] for each in told} == {conversation_id}  # type: ignore[index]


def test_the_items_of_a_response_are_those_of_its_conversation(
    client: OpenAI, models: Models
) -> None:
    model, conversation_id = models.saying(thinking("Hm.") + text("Yes.")), begun(client)

    response = client.responses.create(model=model, input="Is it?", conversation=conversation_id)

    own = list(client.responses.input_items.list(response.id))
    kept = list(client.conversations.items.list(conversation_id, order="asc"))
    assert [item.to_dict() for item in kept] == [
        item.to_dict() for item in [*own, *response.output]
    ]


def test_tools_are_called_and_answered_in_a_conversation(
    client: OpenAI, models: Models, ask: Ask
) -> None:
    step = calls(call("get_weather", '{"city":"Oslo"}'), call("get_weather", '{"city":"Rome"}'))
    model = models.saying(step, text("Sun."))
    conversation_id = begun(client)

    asked: JSON = {"model": model, "conversation": conversation_id, "tools": [WEATHER]}
    first = ask(client, **asked, input="Weather?")
    ask(client, **asked, input=results_of(first))

    assert said(client, conversation_id) == [
        "Weather?",
        "function_call",
        "function_call",
        "function_call_output",
        "function_call_output",
        "Sun.",
    ]


def test_an_incomplete_response_leaves_what_it_said(
    client: OpenAI, models: Models, ask: Ask
) -> None:
    model = models.saying(text("Once ", "upon").ending("length"))
    conversation_id = begun(client)

    response = ask(client, model=model, input="Tell!", conversation=conversation_id)

    assert response.status == "incomplete"
    assert said(client, conversation_id) == ["Tell!", "Once upon"]


def test_a_conversation_needs_no_new_input(client: OpenAI, models: Models) -> None:
    model, conversation_id = models.saying(text("Yes.")), begun(client, "Is it?")

    client.responses.create(model=model, conversation=conversation_id)

    assert said(client, conversation_id) == ["Is it?", "Yes."]


def test_instructions_are_not_part_of_a_conversation(client: OpenAI, models: Models) -> None:
    model, conversation_id = models.saying(text("Yes.")), begun(client)

    client.responses.create(
        model=model, input="Is it?", instructions="Be brief.", conversation=conversation_id
    )

    assert said(client, conversation_id) == ["Is it?", "Yes."]


def test_items_sent_again_stay_apart(client: OpenAI, models: Models) -> None:
    model, conversation_id = models.saying(text("Yes."), text("No.")), begun(client)
    question = user("Is it?", id="msg_mine")

    for _ in range(2):
        client.responses.create(model=model, input=[question], conversation=conversation_id)

    items = list(client.conversations.items.list(conversation_id))
    assert said(client, conversation_id) == ["Is it?", "Yes.", "Is it?", "No."]
    assert len({item.id for item in items}) == 4


def test_a_response_made_in_a_conversation_can_be_continued_by_its_id(
    client: OpenAI, models: Models
) -> None:
    model = models.saying(text("Black."), text("Hot."))
    conversation_id = begun(client, "Tea!")
    first = client.responses.create(model=model, input="Colour?", conversation=conversation_id)

    second = client.responses.create(
        model=model, input="Heat?", previous_response_id=first.id, instructions=None
    )

    assert second.conversation is None
    assert [words for _, words in models.history(model)] == ["Tea!", "Colour?", "Black.", "Heat?"]
    assert said(client, conversation_id) == ["Tea!", "Colour?", "Black."]


def test_items_of_conversations_can_be_referred_to(client: OpenAI, models: Models) -> None:
    model, conversation_id = models.saying(text("Yes.")), begun(client, "Tea!")
    (item,) = client.conversations.items.list(conversation_id)

    client.responses.create(
        model=model,
        input=[{"type": "item_reference", "id": item.id or ""}, user("Now?")],
    )

    assert [words for _, words in models.history(model)] == ["Tea!", "Now?"]


def test_a_reference_to_what_the_conversation_has_adds_nothing(
    client: OpenAI, models: Models
) -> None:
    model, conversation_id = models.saying(text("Yes.")), begun(client, "Tea!")
    (item,) = client.conversations.items.list(conversation_id)

    client.responses.create(
        model=model,
        input=[{"type": "item_reference", "id": item.id or ""}, user("Now?")],
        conversation=conversation_id,
    )

    assert said(client, conversation_id) == ["Tea!", "Now?", "Yes."]
    assert [words for _, words in models.history(model)] == ["Tea!", "Now?"]


def test_a_removed_item_is_not_told_again(client: OpenAI, models: Models) -> None:
    model, conversation_id = models.saying(text("Yes.")), begun(client, "A secret.", "Tea!")
    (_, secret) = client.conversations.items.list(conversation_id)

    client.conversations.items.delete(secret.id or "", conversation_id=conversation_id)
    client.responses.create(model=model, input="Now?", conversation=conversation_id)

    assert [words for _, words in models.history(model)] == ["Tea!", "Now?"]


def test_deleting_a_response_leaves_its_conversation(client: OpenAI, models: Models) -> None:
    model, conversation_id = models.saying(text("Yes.")), begun(client)
    response = client.responses.create(model=model, input="Is it?", conversation=conversation_id)

    client.responses.delete(response.id)

    assert said(client, conversation_id) == ["Is it?", "Yes."]


def test_a_request_sent_twice_is_said_once(client: OpenAI, models: Models) -> None:
    model, conversation_id = models.saying(text("Yes."), text("Again?")), begun(client)
    headers = {"Idempotency-Key": f"once in {conversation_id}"}

    first, second = (
        client.responses.create(
            model=model, input="Is it?", conversation=conversation_id, extra_headers=headers
        )
        for _ in range(2)
    )

    assert first.id == second.id
    assert said(client, conversation_id) == ["Is it?", "Yes."]
