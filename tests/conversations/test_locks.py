"""One response at a time has the lock of a conversation, and lets go of it whatever happens."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from openai import (
    APIError,
    APIStatusError,
    BadRequestError,
    NotFoundError,
    OpenAI,
    Stream,
)
from openai.types.responses import ResponseStreamEvent

from tests.background.asking import SILENT, STALLING, WORDS, ended, running, slow, wait_until
from tests.clients.models import Models
from tests.conversations.asking import Ask, in_json
from tests.conversations.saying import begun, said, user
from tests.upstreams.chat_replies import failure, text
from tests.upstreams.chat_troubles import Cut

type JSON = Any


def check_locked(refused: BadRequestError, param: str) -> None:
    assert (refused.code, refused.param) == ("conversation_locked", param)
    assert refused.response.headers.get("x-should-retry") is None


def counting(
    client: OpenAI, model: str, conversation_id: str, **how: JSON
) -> Stream[ResponseStreamEvent]:
    """A response that is made for who reads its stream."""
    stream: Stream[ResponseStreamEvent] = client.responses.create(
        model=model, input="Count!", conversation=conversation_id, stream=True, **how
    )
    return stream


def check_free(client: OpenAI, models: Models, conversation_id: str) -> None:
    """It can be used at once, and has of what was before what it shall have."""
    before = said(client, conversation_id)

    client.responses.create(
        model=models.saying(text("Free.")), input="And now?", conversation=conversation_id
    )

    assert said(client, conversation_id) == [*before, "And now?", "Free."]


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_conversation_in_use_is_locked(client: OpenAI, models: Models, is_stored: bool) -> None:
    conversation_id = begun(client, "Tea!")
    (item,) = client.conversations.items.list(conversation_id)

    model = models.saying(STALLING)
    with counting(client, model, conversation_id, store=is_stored) as stream:
        next(iter(stream))
        with pytest.raises(BadRequestError) as asked:
            client.responses.create(model="demo", input="Hi.", conversation=conversation_id)
        with pytest.raises(BadRequestError) as added:
            client.conversations.items.create(conversation_id, items=[user("Hi.")])
        with pytest.raises(BadRequestError) as removed:
            client.conversations.items.delete(item.id or "", conversation_id=conversation_id)
        assert said(client, conversation_id) == ["Tea!"]
        client.conversations.update(conversation_id, metadata={"topic": "tea"})

    check_locked(asked.value, "conversation")
    check_locked(added.value, "conversation_id")
    check_locked(removed.value, "conversation_id")
    assert said(client, conversation_id) == ["Tea!"]


def test_of_many_who_ask_at_once_the_others_are_told_to_come_again(
    client: OpenAI, models: Models
) -> None:
    model, conversation_id = models.saying(*[slow(*WORDS)] * 6), begun(client)

    def ask(number: int) -> str:
        try:
            client.responses.create(
                model=model, input=f"Question {number}.", conversation=conversation_id
            )
        except BadRequestError as refused:
            check_locked(refused, "conversation")
            return "locked"
        return "answered"

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(ask, range(6)))

    answered = results.count("answered")
    assert answered >= 1
    assert said(client, conversation_id)[1::2] == ["".join(WORDS)] * answered


def test_a_queued_response_has_the_lock_until_it_is_cancelled(
    client: OpenAI, models: Models
) -> None:
    conversation_id = begun(client, "Tea!")
    queued = running(client, models, models.saying(SILENT), conversation=conversation_id)

    with pytest.raises(BadRequestError) as refused:
        client.responses.create(model="demo", input="Hi.", conversation=conversation_id)
    client.responses.cancel(queued.id)

    check_locked(refused.value, "conversation")
    assert said(client, conversation_id) == ["Tea!"]
    check_free(client, models, conversation_id)


@pytest.mark.parametrize("how", [{}, {"background": True}])
def test_a_deleted_response_lets_go_of_the_lock_and_says_nothing(
    client: OpenAI, models: Models, how: JSON
) -> None:
    conversation_id = begun(client, "Tea!")
    with counting(client, models.saying(STALLING), conversation_id, **how) as stream:
        for event in stream:
            if event.type == "response.created":
                response_id = event.response.id
            if event.type == "response.output_text.delta":
                break
        client.responses.delete(response_id)

        check_free(client, models, conversation_id)


def test_an_upstream_that_refuses_frees_the_conversation(
    client: OpenAI, models: Models, ask: Ask
) -> None:
    model, conversation_id = models.saying(failure(400)), begun(client, "Tea!")

    try:
        status = ask(client, model=model, input="Hi.", conversation=conversation_id).status
    except (APIStatusError, APIError):
        status = "failed"

    assert status == "failed"
    assert said(client, conversation_id) == ["Tea!"]
    check_free(client, models, conversation_id)


def test_an_upstream_that_breaks_frees_the_conversation(
    client: OpenAI, models: Models, ask: Ask
) -> None:
    model = models.saying(text("One, ", "two.").troubled(Cut(1)))
    conversation_id = begun(client, "Tea!")

    try:
        status = ask(client, model=model, input="Count!", conversation=conversation_id).status
    except APIError:
        status = "failed"

    assert status == "failed"
    assert said(client, conversation_id) == ["Tea!"]
    check_free(client, models, conversation_id)


def test_a_request_that_is_wrong_in_the_end_leaves_the_conversation_free(
    client: OpenAI, models: Models
) -> None:
    conversation_id = begun(client, "Tea!")
    lonely = {"type": "function_call_output", "call_id": "call_0", "output": "Sun."}

    with pytest.raises(BadRequestError) as refused:
        client.responses.create(
            model="demo",
            input=[lonely],  # type: ignore[list-item]
            conversation=conversation_id,
        )

    assert refused.value.code == "tool_call_not_found"
    check_free(client, models, conversation_id)


def test_a_reader_who_leaves_an_unstored_response_frees_the_conversation(
    client: OpenAI, models: Models
) -> None:
    conversation_id = begun(client, "Tea!")
    with counting(client, models.saying(STALLING), conversation_id, store=False) as stream:
        next(iter(stream))

    def is_free() -> bool:
        try:
            client.conversations.items.create(conversation_id, items=[user("Now.")])
        except BadRequestError:
            return False
        return True

    wait_until(is_free)
    assert said(client, conversation_id) == ["Tea!", "Now."]


def test_a_reader_who_leaves_a_stored_response_misses_nothing(
    client: OpenAI, models: Models
) -> None:
    conversation_id = begun(client)
    with counting(client, models.saying(slow(*WORDS)), conversation_id) as stream:
        response_id = next(event.response.id for event in stream if hasattr(event, "response"))

    assert ended(client, response_id).status == "completed"
    assert said(client, conversation_id) == ["Count!", "".join(WORDS)]


@pytest.mark.parametrize("how", [{}, {"background": True}, {"store": False}])
def test_a_conversation_that_is_deleted_meanwhile_does_not_stop_the_response(
    client: OpenAI, models: Models, how: JSON
) -> None:
    conversation_id = begun(client, "Tea!")

    with counting(client, models.saying(slow(*WORDS)), conversation_id, **how) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                client.conversations.delete(conversation_id)
                break
        last = [*stream][-1]

    assert last.type == "response.completed"
    assert last.response.output_text == "".join(WORDS)
    with pytest.raises(NotFoundError):
        client.conversations.retrieve(conversation_id)


def test_a_request_sent_again_joins_the_first_that_has_the_lock(
    client: OpenAI, models: Models
) -> None:
    model, conversation_id = models.saying(slow(*WORDS), text("Again?")), begun(client)
    asked: JSON = {
        "model": model,
        "input": "Count!",
        "conversation": conversation_id,
        "extra_headers": {"Idempotency-Key": f"joined in {conversation_id}"},
    }

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(in_json, client, **asked)
        assert models.upstream.wait_until(lambda: len(models.heard(model)) == 1)
        second = client.responses.create(**asked)

    assert second.id == first.result().id
    assert said(client, conversation_id) == ["Count!", "".join(WORDS)]
