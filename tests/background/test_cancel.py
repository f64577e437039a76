"""Background responses that are cancelled, and those that cannot be any more (contract §5.4)."""

from collections.abc import Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError, OpenAI

from tests.background.asking import (
    FOREVER_SECONDS,
    NARROW,
    SILENT,
    STALLING,
    busy,
    ended,
    event_of,
    frames,
    running,
    wait_until,
)
from tests.background.kept import is_quiet
from tests.clients.models import Models
from tests.clients.rows import order_of
from tests.clients.tools import WEATHER
from tests.faults.database import counts
from tests.faults.wire import Exchange
from tests.faults.wire import event_of as json_of
from tests.server import KEY, Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import Reply, call, calls, failure, text, thinking
from tests.upstreams.chat_troubles import Stall

type JSON = Any


def stalling(said: Reply, pieces: int) -> Reply:
    return said.troubled(Stall(pieces, FOREVER_SECONDS))


MOMENTS: Mapping[str, tuple[Reply, str, str]] = {
    "before it answers": (SILENT, "queued", "C queued incomplete"),
    "before its first word": (stalling(text("One."), 0), "P", "C queued P incomplete"),
    "in a text": (STALLING, "text.delta", "C queued P +0 [0 text.delta text.done 0] -0 incomplete"),
    "in a thought": (
        stalling(thinking("Well, ", "well."), 1),
        "summary.delta",
        "C queued P +0 {0 summary.delta summary.done 0} -0 incomplete",
    ),
    "in a call": (
        stalling(calls(call("get_weather", '{"city":', '"Oslo"}')), 1),
        "+0",
        "C queued P +0 args.done -0 incomplete",
    ),
    "between two items": (
        stalling(thinking("Well.") + text("One."), 1),
        "summary.delta",
        "C queued P +0 {0 summary.delta summary.done 0} -0 incomplete",
    ),
}


@pytest.mark.parametrize(("said", "until", "order"), MOMENTS.values(), ids=MOMENTS)
def test_a_response_that_is_streamed_ends_in_order_when_it_is_cancelled(
    server: Server, client: OpenAI, models: Models, said: Reply, until: str, order: str
) -> None:
    model = models.saying(said)
    left = models.upstream.disconnects
    stream = client.responses.create(
        model=model, input="?", tools=[WEATHER], background=True, stream=True
    )
    seen: list[JSON] = []
    for event in stream:
        seen.append(event.to_dict())
        if order_of(seen).split()[-1] == until:
            break
    assert models.upstream.wait_until(lambda: len(models.heard(model)) == 1)

    cancelled = client.responses.cancel(seen[0]["response"]["id"])

    was_left = models.upstream.wait_until(lambda: models.upstream.disconnects > left)
    assert was_left, "the model server was not left"
    seen += [event.to_dict() for event in stream]
    assert order_of(seen) == order
    assert [each["sequence_number"] for each in seen] == [*range(len(seen))]
    last = seen[-1]["response"]
    assert (last["status"], last["incomplete_details"], last["error"]) == ("cancelled", None, None)
    assert last["usage"]["total_tokens"] == 0
    assert cancelled.to_dict() == last
    replayed = [event_of(frame) for frame in frames(server, cancelled.id)]
    assert [each["type"] for each in replayed] == [each["type"] for each in seen]
    assert replayed[-1]["response"] == last


@pytest.mark.parametrize("said", [SILENT, STALLING], ids=["silent", "speaking"])
def test_a_response_that_nobody_streams_is_cancelled(
    client: OpenAI, models: Models, said: Reply
) -> None:
    left = models.upstream.disconnects
    response = running(client, models, models.saying(said))

    cancelled = client.responses.cancel(response.id)

    assert models.upstream.wait_until(lambda: models.upstream.disconnects > left)
    assert (cancelled.id, cancelled.status) == (response.id, "cancelled")
    assert cancelled.completed_at is None
    assert client.responses.retrieve(response.id).to_dict() == cancelled.to_dict()


def test_what_was_said_is_kept(client: OpenAI, models: Models) -> None:
    model = models.saying(stalling(thinking("Well.") + text("One, ", "two."), 2))
    with client.responses.create(model=model, input="?", background=True, stream=True) as stream:
        first = next(stream)
        assert first.type == "response.created"
        for event in stream:
            if event.type == "response.output_text.delta":
                break

    cancelled = client.responses.cancel(first.response.id)

    reasoning, message = cancelled.output
    assert reasoning.type == "reasoning"
    assert message.type == "message"
    assert message.status == "incomplete"
    assert cancelled.output_text == "One, "


def test_a_queued_response_is_cancelled_before_anybody_is_asked(
    narrow_client: OpenAI, models: Models
) -> None:
    model = models.saying()
    with busy(narrow_client, models):
        queued = narrow_client.responses.create(model=model, input="?", background=True)

        cancelled = narrow_client.responses.cancel(queued.id)

    assert (queued.status, cancelled.status, cancelled.output) == ("queued", "cancelled", [])
    after = narrow_client.responses.create(model=models.saying(), input="?", background=True)
    assert ended(narrow_client, after).status == "completed"
    assert models.heard(model) == []
    assert narrow_client.responses.retrieve(queued.id).status == "cancelled"


def test_the_reader_of_a_queued_response_sees_the_end(
    narrow_client: OpenAI, models: Models
) -> None:
    with busy(narrow_client, models):
        stream = narrow_client.responses.create(
            model=models.saying(), input="?", background=True, stream=True
        )
        seen: list[JSON] = [event.to_dict() for event in islice(stream, 2)]

        narrow_client.responses.cancel(seen[0]["response"]["id"])
        seen += [event.to_dict() for event in stream]

    assert order_of(seen) == "C queued incomplete"
    assert seen[-1]["response"]["status"] == "cancelled"


def test_who_cancels_again_gets_the_same(client: OpenAI, models: Models) -> None:
    response = running(client, models, models.saying(STALLING))

    first = client.responses.cancel(response.id)
    second = client.responses.cancel(response.id)

    assert first.to_dict() == second.to_dict()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (text("Yes."), "completed"),
        (text("Once ", "upon").ending("length"), "incomplete"),
        (failure(500), "failed"),
    ],
    ids=["completed", "incomplete", "failed"],
)
def test_what_has_ended_stays_as_it_is(
    client: OpenAI, models: Models, said: Reply, status: str
) -> None:
    queued = client.responses.create(model=models.saying(said), input="?", background=True)
    response = ended(client, queued)

    cancelled = client.responses.cancel(response.id)

    assert response.status == status
    assert cancelled.to_dict() == response.to_dict()


def test_many_are_cancelled_at_any_moment_and_each_ends_once(
    client: OpenAI, models: Models
) -> None:
    model = models.saying(text("One, ", "two.").paced(0.01))

    for _ in range(20):
        queued = client.responses.create(model=model, input="?", background=True)
        cancelled = client.responses.cancel(queued.id)

        assert cancelled.status in ("cancelled", "completed")
        assert client.responses.retrieve(queued.id).to_dict() == cancelled.to_dict()


def test_a_foreground_response_cannot_be_cancelled(client: OpenAI, models: Models) -> None:
    finished = client.responses.create(model=models.saying(), input="?")
    with client.responses.create(model=models.saying(STALLING), input="?", stream=True) as stream:
        first = next(stream)
        assert first.type == "response.created"

        for response_id in (finished.id, first.response.id):
            with pytest.raises(BadRequestError, match="background") as raised:
                client.responses.cancel(response_id)
            assert raised.value.type == "invalid_request_error"
            assert raised.value.param is None

    assert client.responses.retrieve(first.response.id).status == "in_progress"
    client.responses.delete(first.response.id)


def test_what_is_not_there_cannot_be_cancelled(
    client: OpenAI, other_client: OpenAI, models: Models
) -> None:
    deleted = running(client, models, models.saying(STALLING))
    client.responses.delete(deleted.id)
    foreign = ended(
        other_client,
        other_client.responses.create(model=models.saying(), input="?", background=True),
    )

    for response_id in (deleted.id, foreign.id, "resp_none"):
        with pytest.raises(NotFoundError) as raised:
            client.responses.cancel(response_id)
        assert raised.value.code == "response_not_found"


def test_a_cancelled_response_can_be_deleted(client: OpenAI, models: Models) -> None:
    response = running(client, models, models.saying(STALLING))
    client.responses.cancel(response.id)

    client.responses.delete(response.id)

    with pytest.raises(NotFoundError):
        client.responses.cancel(response.id)


def test_the_worker_is_free_again(narrow_client: OpenAI, models: Models) -> None:
    for _ in range(3):
        response = running(narrow_client, models, models.saying(SILENT))
        narrow_client.responses.cancel(response.id)

    after = narrow_client.responses.create(model=models.saying(), input="?", background=True)

    assert ended(narrow_client, after).status == "completed"


def test_the_helper_is_told_that_there_is_no_final_response(client: OpenAI, models: Models) -> None:
    model = models.saying(STALLING)
    with client.responses.stream(model=model, input="?", background=True) as stream:
        first = next(stream)
        assert first.type == "response.created"
        for event in stream:
            if event.type == "response.output_text.delta":
                client.responses.cancel(first.response.id)

        with pytest.raises(RuntimeError, match=r"response\.completed"):
            stream.get_final_response()

    assert event.type == "response.incomplete"


async def test_the_asynchronous_client_cancels_too(server: Server, models: Models) -> None:
    model = models.saying(STALLING)
    async with AsyncOpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client:
        stream = await client.responses.create(model=model, input="?", background=True, stream=True)
        first = await anext(stream)
        assert first.type == "response.created"
        async for event in stream:
            if event.type == "response.output_text.delta":
                await client.responses.cancel(first.response.id)

    assert event.type == "response.incomplete"
    assert event.response.status == "cancelled"


# Deleting stops a response as well, and leaves nothing.


@pytest.mark.parametrize("said", [SILENT, STALLING], ids=["silent", "speaking"])
def test_deleting_a_running_response_leaves_the_model_server(
    client: OpenAI, models: Models, said: Reply
) -> None:
    left = models.upstream.disconnects
    response = running(client, models, models.saying(said))

    client.responses.delete(response.id)

    assert models.upstream.wait_until(lambda: models.upstream.disconnects > left)
    with pytest.raises(NotFoundError):
        client.responses.retrieve(response.id)
    with pytest.raises(NotFoundError):
        client.responses.retrieve(response.id, stream=True)


def test_a_queued_response_that_is_deleted_is_never_made(
    narrow_client: OpenAI, models: Models
) -> None:
    model = models.saying()
    with busy(narrow_client, models):
        queued = narrow_client.responses.create(model=model, input="?", background=True)

        narrow_client.responses.delete(queued.id)

    after = narrow_client.responses.create(model=models.saying(), input="?", background=True)
    assert ended(narrow_client, after).status == "completed"
    assert models.heard(model) == []
    with pytest.raises(NotFoundError):
        narrow_client.responses.retrieve(queued.id)


@pytest.mark.parametrize("is_running", [False, True])
def test_the_stream_of_a_deleted_response_ends_as_failed(
    narrow_server: Server, narrow_client: OpenAI, models: Models, *, is_running: bool
) -> None:
    with ExitStack() as stack:
        if not is_running:
            stack.enter_context(busy(narrow_client, models))
        asked = {"model": models.saying(STALLING), "input": "?"}
        body = {**asked, "background": True, "stream": True}
        reader = stack.enter_context(Exchange(narrow_server, "/v1/responses", body))
        told = reader.until("response.output_text.delta" if is_running else "response.queued")

        narrow_client.responses.delete(json_of(told[0])["response"]["id"])
        told += reader.events()

    events = [json_of(frame) for frame in told]
    assert [each["sequence_number"] for each in events] == [*range(len(events))]
    assert [each["type"] for each in events][-2:] == ["error", "response.failed"]
    assert "deleted" in events[-1]["response"]["error"]["message"]


def test_nothing_is_left_of_what_was_deleted(
    upstream: ChatUpstream, models: Models, tmp_path: Path
) -> None:
    with Server(tmp_path / "data", upstream.base_url, NARROW) as server:
        client = OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0)
        live = running(client, models, models.saying(SILENT))
        queued = client.responses.create(model=models.saying(), input="?", background=True)
        before = counts(server)
        for response in (queued, live):
            client.responses.delete(response.id)

        server.restart()  # a sweep is the first that it does

        wait_until(lambda: not any(counts(server).values()))
        wait_until(lambda: is_quiet(server.data))
        client.close()

    assert before["responses"] == before["contexts"] == 2
