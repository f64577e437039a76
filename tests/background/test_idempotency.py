"""A request that comes twice under one Idempotency-Key is answered by one response."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import APIStatusError, BadRequestError, NotFoundError, OpenAI, RateLimitError
from openai.types.responses import Response

from rejoinder.errors import InvalidRequest
from rejoinder.idempotency import KEPT_SECONDS, Idempotency, IdempotencyKey
from rejoinder.runs import Runs
from rejoinder_local.idempotency import SQLiteKeys
from rejoinder_local.store import SQLiteStore
from tests.background.asking import (
    MAX_WAITING,
    STALLING,
    WORDS,
    busy,
    ended,
    event_of,
    frames,
    frames_in,
    post,
    slow,
)
from tests.background.cutting import CuttingProxy
from tests.clients.models import Models
from tests.clients.rows import order_of
from tests.server import KEY, OTHER_KEY, Server
from tests.storage.contract import ACME, NOW, Clock, Run, whole_run
from tests.upstreams.chat_replies import call, calls, failure, text, thinking
from tests.upstreams.chat_troubles import Stall

type JSON = Any

_numbers = count()


@pytest.fixture
def key() -> JSON:
    """The header with a key of its own."""
    return {"Idempotency-Key": f"key-{next(_numbers)}"}


def test_the_same_request_gets_the_same_response(client: OpenAI, models: Models, key: JSON) -> None:
    model = models.saying(text("Yes."), text("No."))

    answers = [client.responses.create(model=model, input="?", extra_headers=key) for _ in range(3)]

    assert answers[0].output_text == "Yes."
    assert [each.to_dict() for each in answers] == [answers[0].to_dict()] * 3
    assert len(models.heard(model)) == 1


@pytest.mark.parametrize("include", [[], ["reasoning.encrypted_content"]])
def test_what_was_shown_the_first_time_is_shown_again(
    server: Server, models: Models, key: JSON, include: list[str]
) -> None:
    model = models.saying(thinking("Well.") + text("Yes."), family="thinker")
    asked: JSON = {"model": model, "input": "?", "include": include, "headers": key}

    first, second = post(server, **asked), post(server, **asked)

    assert first.json()["output"][0]["type"] == "reasoning"
    assert second.content == first.content
    assert ("encrypted_content" in first.json()["output"][0]) == bool(include)


def test_who_asks_while_the_response_is_made_waits_for_it(
    server: Server, models: Models, key: JSON
) -> None:
    model = models.saying(slow(*WORDS))

    with ThreadPoolExecutor(5) as askers:
        answers = list(
            askers.map(lambda _: post(server, model=model, input="?", headers=key), range(5))
        )

    assert {each.status_code for each in answers} == {200}
    assert {each.content for each in answers} == {answers[0].content}
    assert answers[0].json()["output_text"] == "".join(WORDS)
    assert len(models.heard(model)) == 1


@pytest.mark.parametrize("background", [False, True])
def test_streams_under_one_key_are_one_stream(
    server: Server, models: Models, key: JSON, *, background: bool
) -> None:
    model = models.saying(slow(*WORDS))
    asked: JSON = {"model": model, "input": "?", "stream": True, "background": background}

    with ThreadPoolExecutor(4) as askers:
        answers = list(askers.map(lambda _: post(server, **asked, headers=key), range(4)))
    later = post(server, **asked, headers=key)

    stream = frames_in(answers[0])
    assert event_of(stream[-1])["response"]["output_text"] == "".join(WORDS)
    for each in [*answers, later]:
        assert frames_in(each) == stream
    assert frames(server, event_of(stream[0])["response"]["id"]) == stream
    assert len(models.heard(model)) == 1


def test_a_background_response_is_found_again_as_it_stands(
    client: OpenAI, models: Models, key: JSON
) -> None:
    model = models.saying(slow(*WORDS))
    asked: JSON = {"model": model, "input": "?", "background": True, "extra_headers": key}

    first = client.responses.create(**asked)
    second = client.responses.create(**asked)
    done = ended(client, first)
    third = client.responses.create(**asked)

    assert first.id == second.id == third.id
    assert (first.status, second.status in ("queued", "in_progress")) == ("queued", True)
    assert third.to_dict() == done.to_dict()
    assert len(models.heard(model)) == 1


def test_a_background_response_is_found_again_though_the_queue_is_full(
    narrow_client: OpenAI, models: Models, key: JSON
) -> None:
    asked: JSON = {"model": models.saying(), "input": "?", "background": True}
    with busy(narrow_client, models):
        first = narrow_client.responses.create(**asked, extra_headers=key)
        others = [narrow_client.responses.create(**asked) for _ in range(MAX_WAITING - 1)]
        with pytest.raises(RateLimitError):
            narrow_client.responses.create(**asked)

        second = narrow_client.responses.create(**asked, extra_headers=key)

    assert second.id == first.id
    for each in [first, *others]:
        ended(narrow_client, each)


@pytest.mark.parametrize(
    "change", [{"input": "!"}, {"stream": True}, {"background": True}, {"metadata": {"a": "b"}}]
)
def test_another_body_under_the_same_key_is_refused(
    client: OpenAI, models: Models, key: JSON, change: JSON
) -> None:
    model = models.saying()
    asked: JSON = {"model": model, "input": "?", "extra_headers": key}
    client.responses.create(**asked)

    with pytest.raises(BadRequestError) as raised:
        client.responses.create(**(asked | change))

    assert raised.value.code == "idempotency_key_reused"
    assert raised.value.type == "invalid_request_error"
    assert len(models.heard(model)) == 1


def test_another_tenants_key_is_another_key(server: Server, models: Models, key: JSON) -> None:
    model = models.saying()

    mine = post(server, model=model, input="Mine.", headers=key).json()
    theirs = post(server, key=OTHER_KEY, model=model, input="Theirs.", headers=key).json()

    assert [mine["output_text"], theirs["output_text"]] == ["You said: Mine.", "You said: Theirs."]
    assert mine["id"] != theirs["id"]


def told(answer: JSON) -> list[JSON]:
    """A response, or the events of a stream."""
    return [each.to_dict() for each in ([answer] if isinstance(answer, Response) else answer)]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_what_failed_before_its_first_event_may_be_tried_again(
    client: OpenAI, models: Models, key: JSON, *, is_streamed: bool
) -> None:
    model = models.saying(failure(503), text("Yes."))
    asked: JSON = {"model": model, "input": "?", "stream": is_streamed, "extra_headers": key}

    with pytest.raises(APIStatusError) as raised:
        client.responses.create(**asked)
    second, third = (told(client.responses.create(**asked)) for _ in range(2))

    assert raised.value.status_code == 503
    assert second == third
    assert len(models.heard(model)) == 2


def test_a_mistake_takes_no_key(client: OpenAI, models: Models, key: JSON) -> None:
    model = models.saying()

    with pytest.raises(BadRequestError):
        client.responses.create(model="nobody/knows", input="?", extra_headers=key)

    assert client.responses.create(model=model, input="?", extra_headers=key).output_text


def test_what_is_not_stored_has_no_key(client: OpenAI, models: Models, key: JSON) -> None:
    model = models.saying(text("Yes."), text("No."))

    first, second = (
        client.responses.create(model=model, input=said, store=False, extra_headers=key)
        for said in ("?", "!")
    )

    assert (first.output_text, second.output_text) == ("Yes.", "No.")
    assert first.id != second.id


@pytest.mark.parametrize("is_running", [False, True])
def test_a_deleted_response_frees_its_key(
    client: OpenAI, models: Models, key: JSON, *, is_running: bool
) -> None:
    model = models.saying(STALLING if is_running else text("Yes."), text("No."))
    asked: JSON = {"model": model, "input": "?", "background": True, "extra_headers": key}
    first = client.responses.create(**asked)
    if is_running:
        assert models.upstream.wait_until(lambda: len(models.heard(model)) == 1)
    else:
        ended(client, first)

    client.responses.delete(first.id)
    second = client.responses.create(**asked)

    assert second.id != first.id
    assert ended(client, second).output_text == "No."
    with pytest.raises(NotFoundError):
        client.responses.retrieve(first.id)


def test_a_cancelled_response_keeps_its_key(client: OpenAI, models: Models, key: JSON) -> None:
    model = models.saying(STALLING)
    asked: JSON = {"model": model, "input": "?", "background": True, "extra_headers": key}
    first = client.responses.create(**asked)
    client.responses.cancel(first.id)

    again = client.responses.create(**asked)

    assert (again.id, again.status) == (first.id, "cancelled")


@pytest.mark.parametrize(("length", "status"), [(255, 200), (256, 400), (5000, 400)])
def test_a_key_may_be_only_so_long(
    server: Server, models: Models, length: int, status: int
) -> None:
    key = {"Idempotency-Key": f"{next(_numbers):x}".rjust(length, "k")}

    answer = post(server, model=models.saying(), input="?", headers=key)

    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"]["code"] == "string_above_max_length"


def test_an_empty_key_is_none(client: OpenAI, models: Models) -> None:
    empty = {"Idempotency-Key": ""}

    first, second = (
        client.responses.create(model=models.saying(), input=said, extra_headers=empty)
        for said in ("One.", "Two.")
    )

    assert first.id != second.id


@pytest.mark.parametrize("background", [False, True])
def test_who_tries_again_after_a_lost_connection_pays_once(
    server: Server, models: Models, key: JSON, *, background: bool
) -> None:
    model = models.saying(slow(*WORDS))

    def is_asked() -> bool:
        return len(models.heard(model)) > 0

    with (
        CuttingProxy(server.port, cuts=2, is_time=is_asked) as proxy,
        OpenAI(base_url=proxy.base_url, api_key=KEY, max_retries=2) as client,
    ):
        response = client.responses.create(
            model=model, input="?", background=background, extra_headers=key
        )
        response = ended(client, response)

    assert proxy.connections > 2
    assert (response.status, response.output_text) == ("completed", "".join(WORDS))
    assert len(models.heard(model)) == 1


def test_who_joins_a_silent_stream_is_told_of_its_failure_in_the_stream(
    server: Server, models: Models, key: JSON
) -> None:
    model = models.saying(failure(503).troubled(Stall("start", 2.0)))
    asked: JSON = {"model": model, "input": "?", "stream": True}
    url, auth = f"{server.base_url}/responses", {"Authorization": f"Bearer {KEY}"}
    with suppress(httpx.ReadTimeout):  # the first to ask leaves before there is a status line
        httpx.post(url, json=asked, headers=auth | key, timeout=0.3)
    assert models.upstream.wait_until(lambda: len(models.heard(model)) == 1)

    answer = httpx.post(url, json=asked, headers=auth | key, timeout=20)

    assert answer.status_code == 200
    assert order_of(map(event_of, frames_in(answer))) == "C P error failed"
    assert len(models.heard(model)) == 1


def test_a_call_of_a_tool_in_a_conversation_is_told_again(
    client: OpenAI, models: Models, key: JSON
) -> None:
    model = models.saying(calls(call("look", '{"at": "it"}')))
    conversation = client.conversations.create()
    tools: JSON = [{"type": "function", "name": "look", "parameters": {}, "strict": False}]

    answers = [
        client.responses.create(
            model=model,
            input="Look.",
            tools=tools,
            conversation=conversation.id,
            extra_headers=key,
        )
        for _ in range(2)
    ]

    assert answers[0] == answers[1]
    assert len(models.heard(model)) == 1


def test_what_cannot_be_begun_leaves_its_key_free(
    client: OpenAI, models: Models, key: JSON
) -> None:
    model = models.saying(text("Hello."))

    with pytest.raises(BadRequestError):
        client.responses.create(
            model=model, input="Hi", previous_response_id="resp_none", extra_headers=key
        )
    made = client.responses.create(model=model, input="Hi", extra_headers=key)

    assert made.output_text == "Hello."


def test_only_who_made_an_answer_is_named_in_it(server: Server, models: Models, key: JSON) -> None:
    model = models.saying(text("Hello."))
    url, auth = f"{server.base_url}/responses", {"Authorization": f"Bearer {KEY}"}

    first, second, queued = (
        httpx.post(url, json={"model": model, "input": "Hi", **more}, headers=auth | given)
        for more, given in (({}, key), ({}, key), ({"background": True}, {}))
    )

    assert first.headers["x-upstream-model"].endswith(model.rpartition("/")[2])
    assert "x-upstream-model" not in second.headers
    assert "x-upstream-model" not in queued.headers


# Time.


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "rejoinder.db", clock=clock)
    yield store
    store.close()


async def test_a_key_is_free_after_a_day(store: SQLiteStore, clock: Clock) -> None:
    idempotency = Idempotency(SQLiteKeys(store.database), store, Runs(), clock=clock)
    late = NOW + 10 * KEPT_SECONDS
    first = await whole_run(store, expires_at=late)
    other = await Run(store, "resp_2", expires_at=late).begin()
    key = IdempotencyKey.of("key", b"body")

    assert await idempotency.first(ACME, first.response.id, key) is None
    clock.now = NOW + KEPT_SECONDS - 1
    assert await idempotency.first(ACME, other.response.id, key) == first.response.id
    with pytest.raises(InvalidRequest):
        await idempotency.first(ACME, other.response.id, IdempotencyKey.of("key", b"another body"))
    clock.now = NOW + KEPT_SECONDS
    assert await idempotency.first(ACME, other.response.id, key) is None
    assert await idempotency.first(ACME, first.response.id, None) is None


async def test_what_has_expired_frees_its_key(store: SQLiteStore, clock: Clock) -> None:
    idempotency = Idempotency(SQLiteKeys(store.database), store, Runs(), clock=clock)
    first = await whole_run(store, expires_at=NOW + 60)
    other = await Run(store, "resp_2").begin()
    key = IdempotencyKey.of("key", b"body")
    await idempotency.first(ACME, first.response.id, key)

    clock.now = NOW + 60

    assert await idempotency.first(ACME, other.response.id, key) is None
    assert await idempotency.first(ACME, first.response.id, key) == "resp_2"
