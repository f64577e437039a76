"""openai-python: conversations made, read, changed and deleted."""

from collections.abc import Callable

import pytest
from openai import BadRequestError, NotFoundError, OpenAI

from tests.clients.models import Models
from tests.conversations.saying import begun, said, user
from tests.server import KEY, Server
from tests.upstreams.chat_replies import text


def test_a_conversation_is_what_it_was_made_of(client: OpenAI) -> None:
    made = client.conversations.create(items=[user("Hello.")], metadata={"topic": "tea"})

    assert made.id.startswith("conv_")
    assert made.object == "conversation"
    assert made.metadata == {"topic": "tea"}
    assert client.conversations.retrieve(made.id) == made
    assert said(client, made.id) == ["Hello."]


def test_a_conversation_may_begin_with_nothing(client: OpenAI) -> None:
    made = client.conversations.create()

    page = client.conversations.items.list(made.id)

    assert made.metadata == {}
    assert (page.data, page.has_more, page.last_id) == ([], False, None)


def test_metadata_are_replaced(client: OpenAI) -> None:
    made = client.conversations.create(metadata={"a": "1"})

    changed = client.conversations.update(made.id, metadata={"b": "2"})

    assert changed.metadata == {"b": "2"}
    assert client.conversations.retrieve(made.id) == changed
    assert client.conversations.update(made.id, metadata=None).metadata == {}


def test_a_deleted_conversation_is_gone(client: OpenAI) -> None:
    conversation_id = begun(client, "Hello.")

    deleted = client.conversations.delete(conversation_id)

    assert deleted.to_dict() == {
        "id": conversation_id,
        "object": "conversation.deleted",
        "deleted": True,
    }
    for use in (client.conversations.retrieve, client.conversations.items.list):
        with pytest.raises(NotFoundError) as refused:
            use(conversation_id)
        assert refused.value.code == "conversation_not_found"


def test_added_items_come_last_and_get_ids(client: OpenAI) -> None:
    conversation_id = begun(client, "One.")

    added = client.conversations.items.create(
        conversation_id, items=[user("Two."), user("Three.", id="msg_mine")]
    )

    assert added.object == "list"
    assert added.has_more is False
    first, last = added.data
    assert (added.first_id, added.last_id) == (first.id, last.id)
    assert (first.id or "").startswith("msg_")
    assert last.id == "msg_mine"
    assert said(client, conversation_id) == ["One.", "Two.", "Three."]


def test_all_kinds_of_items_are_kept(client: OpenAI) -> None:
    made = client.conversations.create(
        items=[
            {"role": "developer", "content": "Be brief."},
            user("Weather?"),
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "Hm"}],
            },
            {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "Sun."},
            {"role": "assistant", "content": "Sun."},
        ]
    )

    assert said(client, made.id) == [
        "Be brief.",
        "Weather?",
        "reasoning",
        "function_call",
        "function_call_output",
        "Sun.",
    ]


def test_items_are_listed_newest_first_unless_asked_otherwise(client: OpenAI) -> None:
    conversation_id = begun(client, "One.", "Two.")

    newest_first = [item.id for item in client.conversations.items.list(conversation_id)]
    oldest_first = [
        item.id for item in client.conversations.items.list(conversation_id, order="asc")
    ]

    assert newest_first == oldest_first[::-1]
    assert len(newest_first) == 2


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_pager_turns_all_pages(client: OpenAI, order: str) -> None:
    conversation_id = begun(client, *map(str, range(20)))
    client.conversations.items.create(conversation_id, items=[user("20"), user("21")])

    page = client.conversations.items.list(conversation_id, order=order, limit=5)  # type: ignore[arg-type]
    found = [item.to_dict()["content"][0]["text"] for item in page]  # type: ignore[index]

    numbers = [str(number) for number in range(22)]
    assert found == (numbers if order == "asc" else numbers[::-1])
    assert page.has_more is True


def test_an_item_is_retrieved_by_its_id(client: OpenAI) -> None:
    conversation_id = begun(client, "One.", "Two.")
    items = list(client.conversations.items.list(conversation_id))

    found = client.conversations.items.retrieve(items[0].id or "", conversation_id=conversation_id)

    assert found == items[0]


def test_a_deleted_item_is_gone_and_its_conversation_is_given(client: OpenAI) -> None:
    conversation_id = begun(client, "One.", "Two.")
    (newest, _) = client.conversations.items.list(conversation_id)

    left = client.conversations.items.delete(newest.id or "", conversation_id=conversation_id)

    assert left == client.conversations.retrieve(conversation_id)
    assert said(client, conversation_id) == ["One."]
    with pytest.raises(NotFoundError) as refused:
        client.conversations.items.retrieve(newest.id or "", conversation_id=conversation_id)
    assert refused.value.code == "item_not_found"


@pytest.mark.parametrize("item_id", ["a/b c", "ünï?code#1", "%2e", "items/x"])
def test_ids_that_clients_gave_may_look_like_anything(client: OpenAI, item_id: str) -> None:
    conversation_id = client.conversations.create(items=[user("Odd.", id=item_id)]).id

    found = client.conversations.items.retrieve(item_id, conversation_id=conversation_id)

    assert found.id == item_id


def test_an_id_that_is_taken_is_replaced(client: OpenAI) -> None:
    conversation_id = client.conversations.create(items=[user("One.", id="msg_1")]).id

    added = client.conversations.items.create(conversation_id, items=[user("Two.", id="msg_1")])

    assert (added.data[0].id or "").startswith("msg_")
    assert added.data[0].id != "msg_1"
    assert said(client, conversation_id) == ["One.", "Two."]


def test_a_reference_is_kept_as_what_it_stands_for(client: OpenAI, models: Models) -> None:
    answer = client.responses.create(model=models.saying(text("Tea.")), input="What?")
    reference = {"type": "item_reference", "id": answer.output[0].id}

    made = client.conversations.create(items=[reference])  # type: ignore[list-item]
    client.conversations.items.create(made.id, items=[reference, user("And?")])  # type: ignore[list-item]

    assert said(client, made.id) == ["Tea.", "And?"]


def test_sealed_thinking_is_shown_to_who_asks_for_it(client: OpenAI) -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"}
    conversation_id = client.conversations.create(items=[thought]).id  # type: ignore[list-item]

    (hidden,) = client.conversations.items.list(conversation_id)
    (shown,) = client.conversations.items.list(
        conversation_id, include=["reasoning.encrypted_content"]
    )

    assert "encrypted_content" not in hidden.to_dict()
    assert shown.to_dict()["encrypted_content"] == "sealed"


def test_everything_is_there_by_the_other_prefix_too(server: Server, client: OpenAI) -> None:
    conversation_id = begun(client, "Hello.")

    with OpenAI(base_url=f"{server.url}/v1/openai", api_key=KEY, max_retries=0) as other:
        assert said(other, conversation_id) == ["Hello."]
        other.conversations.delete(conversation_id)

    with pytest.raises(NotFoundError):
        client.conversations.retrieve(conversation_id)


def test_tenants_know_nothing_of_each_other(client: OpenAI, other_client: OpenAI) -> None:
    conversation_id = begun(client, "Mine.")
    (item,) = client.conversations.items.list(conversation_id)
    item_id, theirs = item.id or "", other_client.conversations

    uses: list[Callable[[], object]] = [
        lambda: theirs.retrieve(conversation_id),
        lambda: theirs.update(conversation_id, metadata={}),
        lambda: theirs.delete(conversation_id),
        lambda: theirs.items.list(conversation_id),
        lambda: theirs.items.create(conversation_id, items=[user("Theirs.")]),
        lambda: theirs.items.retrieve(item_id, conversation_id=conversation_id),
        lambda: theirs.items.delete(item_id, conversation_id=conversation_id),
        lambda: other_client.responses.create(
            model="demo", input="Hello.", conversation=conversation_id
        ),
    ]
    for use in uses:
        with pytest.raises(NotFoundError) as refused:
            use()
        assert refused.value.code == "conversation_not_found"
    with pytest.raises(NotFoundError) as unknown:
        theirs.create(items=[{"type": "item_reference", "id": item_id}])
    assert unknown.value.code == "item_not_found"
    assert said(client, conversation_id) == ["Mine."]


def test_an_unknown_place_to_go_on_from_is_refused(client: OpenAI) -> None:
    conversation_id = begun(client, "One.")

    with pytest.raises(BadRequestError) as refused:
        client.conversations.items.list(conversation_id, after="msg_0")

    assert refused.value.param == "after"
