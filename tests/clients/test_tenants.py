"""What one key has stored does not exist for another: the answers do not differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from openai import APIStatusError, OpenAI

from tests.clients.models import Models

type JSON = Any

UNKNOWN = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Ids:
    """The names by which a response may be asked for."""

    response: str
    item: str


type Attempt = Callable[[OpenAI, str, Ids], object]

ATTEMPTS: Mapping[str, tuple[Attempt, int]] = {
    "retrieve": (lambda client, _, ids: client.responses.retrieve(ids.response), 404),
    "stream": (
        lambda client, _, ids: list(client.responses.retrieve(ids.response, stream=True)),
        404,
    ),
    "join": (
        lambda client, _, ids: list(
            client.responses.retrieve(ids.response, stream=True, starting_after=1)
        ),
        404,
    ),
    "input items": (lambda client, _, ids: client.responses.input_items.list(ids.response), 404),
    "delete": (lambda client, _, ids: client.responses.delete(ids.response), 404),
    "cancel": (lambda client, _, ids: client.responses.cancel(ids.response), 404),
    "continue": (
        lambda client, model, ids: client.responses.create(
            model=model, input="?", previous_response_id=ids.response
        ),
        400,
    ),
    "continue in a stream": (
        lambda client, model, ids: list(
            client.responses.create(
                model=model, input="?", previous_response_id=ids.response, stream=True
            )
        ),
        400,
    ),
    "refer to an item": (
        lambda client, model, ids: client.responses.create(
            model=model, input=[{"type": "item_reference", "id": ids.item}]
        ),
        404,
    ),
}


def refusal_of(attempt: Attempt, client: OpenAI, model: str, ids: Ids) -> tuple[int, str]:
    """The status and the whole body, with the ids taken out."""
    with pytest.raises(APIStatusError) as raised:
        attempt(client, model, ids)
    body = raised.value.response.text
    return raised.value.status_code, body.replace(ids.response, "ID").replace(ids.item, "ID")


@pytest.mark.parametrize(("attempt", "status"), ATTEMPTS.values(), ids=ATTEMPTS)
def test_another_key_meets_what_does_not_exist(
    client: OpenAI, other_client: OpenAI, models: Models, attempt: Attempt, status: int
) -> None:
    model = models.saying()
    response = client.responses.create(model=model, input="Secret.")
    foreign = Ids(response.id, response.output[0].id or "")
    unknown = Ids(f"resp_{UNKNOWN}", f"msg_{UNKNOWN}")

    refused = refusal_of(attempt, other_client, model, foreign)

    assert refused == refusal_of(attempt, other_client, model, unknown)
    assert refused[0] == status
    assert client.responses.retrieve(response.id).output_text == "You said: Secret."


def test_a_running_response_does_not_exist_for_another_key(
    client: OpenAI, other_client: OpenAI
) -> None:
    with client.responses.create(model="demo", input="Secret.", stream=True) as stream:
        first = next(stream)
        assert first.type == "response.created"

        refused = [
            refusal_of(attempt, other_client, "demo", Ids(first.response.id, "msg_none"))[0]
            for attempt, _ in ATTEMPTS.values()
        ]
        rest = list(stream)

    assert refused == [status for _, status in ATTEMPTS.values()]
    assert rest[-1].type == "response.completed"


def test_each_key_may_do_with_its_own_what_it_likes(
    client: OpenAI, other_client: OpenAI, models: Models
) -> None:
    model = models.saying()

    for owner in (client, other_client):
        response = owner.responses.create(model=model, input="Mine.")
        item = response.output[0].id or ""
        for name, (attempt, _) in ATTEMPTS.items():
            if name not in ("delete", "cancel"):
                attempt(owner, model, Ids(response.id, item))
        owner.responses.delete(response.id)


def test_items_of_the_same_id_do_not_meet(
    client: OpenAI, other_client: OpenAI, models: Models
) -> None:
    model = models.saying()
    owners = {"Mine.": client, "Theirs.": other_client}
    for said, owner in owners.items():
        owner.responses.create(
            model=model,
            input=[{"type": "message", "id": "msg_same", "role": "user", "content": said}],  # type: ignore[list-item]
        )

    heard = [
        owner.responses.create(
            model=model, input=[{"type": "item_reference", "id": "msg_same"}]
        ).output_text
        for owner in owners.values()
    ]

    assert heard == ["You said: Mine.", "You said: Theirs."]
