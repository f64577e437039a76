"""The worker and the consumer of the dead letters: events of SQS in, responses that end out."""

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from openai import OpenAI

from rejoinder.background import MAX_ATTEMPTS
from tests.background.hooks import Hooks
from tests.functions.cloud import UPSTREAM_KEY, Cloud, Streaming, buffered
from tests.functions.events import Context, messages
from tests.upstreams.chat_replies import failure, text

type JSON = Any

NOTHING_LEFT: JSON = {"batchItemFailures": []}
HOOK = """

[webhooks.hook]
tenant = "one"
url = "{url}/{status}/hook"
secret_env = "HOOK_SECRET"
may_be_local = true
"""
HOOK_SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw=="


@pytest.fixture
def worker(cloud: Cloud) -> Iterator[ModuleType]:
    with buffered("worker") as worker:
        yield worker


@pytest.fixture
def undertaker(cloud: Cloud) -> Iterator[ModuleType]:
    with buffered("dlq") as undertaker:
        yield undertaker


def queued(cloud: Cloud, stream: Streaming, model: str, **more: JSON) -> tuple[str, JSON]:
    """A background response, and the message of its job."""
    made = stream.create(model=model, input="Talk!", background=True, **more).json()
    assert made["status"] == "queued"
    (message,) = cloud.received()
    return made["id"], message


def found(stream: Streaming, response_id: str) -> JSON:
    return stream.ask("GET", f"/v1/responses/{response_id}").json()


def left(*left: JSON) -> JSON:
    """What says that these messages shall stay in the queue."""
    return {"batchItemFailures": [{"itemIdentifier": each["MessageId"]} for each in left]}


def held_elsewhere(worker: ModuleType, response_id: str) -> None:
    """Let another process be at work on a response."""
    taken_over(worker, response_id, "another", hold_seconds=30.0)


def taken_over(
    worker: ModuleType, response_id: str, writer: str, *, hold_seconds: float = 0.0
) -> None:
    """Let another process begin a response, of which nobody hears for longer than the lease."""
    store = worker.process.run(worker.process.deployment.gateway()).store
    worker.process.run(store.take_over("one", response_id, writer, hold_seconds=hold_seconds))


def delivered(message: JSON, times: int) -> JSON:
    """A message that the queue has given out so often."""
    return message | {"Attributes": {"ApproximateReceiveCount": str(times)}}


def test_a_background_response_is_made_by_the_worker(
    cloud: Cloud, stream: Streaming, worker: ModuleType
) -> None:
    model = cloud.models.saying(text("Here ", "I am."))
    response_id, message = queued(cloud, stream, model)

    answer = worker.handle(messages(message), Context())

    assert answer == NOTHING_LEFT
    assert found(stream, response_id)["status"] == "completed"
    assert found(stream, response_id)["output_text"] == "Here I am."


def test_a_message_that_comes_twice_is_done_once(
    cloud: Cloud, stream: Streaming, worker: ModuleType
) -> None:
    model = cloud.models.saying(text("Once."), text("Twice."))
    response_id, message = queued(cloud, stream, model)

    answers = [worker.handle(messages(message), Context()) for _ in range(2)]

    assert answers == [NOTHING_LEFT, NOTHING_LEFT]
    assert found(stream, response_id)["output_text"] == "Once."
    assert len(cloud.models.heard(model)) == 1


def test_the_messages_of_a_batch_fare_each_on_its_own(
    cloud: Cloud, stream: Streaming, worker: ModuleType
) -> None:
    first_id, first = queued(cloud, stream, cloud.models.saying(text("First.")))
    cloud.send("this is no job")
    (poison,) = cloud.received()
    second_id, second = queued(cloud, stream, cloud.models.saying(text("Second.")))

    answer = worker.handle(messages(first, poison, second), Context())

    assert answer == left(poison)
    texts = [found(stream, each)["output_text"] for each in (first_id, second_id)]
    assert texts == ["First.", "Second."]


def test_deliveries_that_no_worker_saw_are_no_attempts(
    cloud: Cloud, stream: Streaming, worker: ModuleType
) -> None:
    response_id, message = queued(cloud, stream, cloud.models.saying(text("Here I am.")))

    answer = worker.handle(messages(delivered(message, times=9)), Context())

    assert answer == NOTHING_LEFT
    assert found(stream, response_id)["output_text"] == "Here I am."


def test_a_response_whose_worker_was_lost_three_times_fails(
    cloud: Cloud, stream: Streaming, worker: ModuleType
) -> None:
    model = cloud.models.saying(text("Hello"))
    response_id, message = queued(cloud, stream, model)
    for number in range(MAX_ATTEMPTS):
        taken_over(worker, response_id, f"lost {number}")

    answer = worker.handle(messages(message), Context())

    assert answer == NOTHING_LEFT
    assert "3 attempts" in found(stream, response_id)["error"]["message"]
    assert cloud.models.heard(model) == []


def test_what_another_worker_holds_is_sent_again_and_not_made_twice(
    cloud: Cloud, stream: Streaming, worker: ModuleType
) -> None:
    model = cloud.models.saying(text("Hello"))
    response_id, message = queued(cloud, stream, model)
    held_elsewhere(worker, response_id)

    answer = worker.handle(messages(message), Context())

    assert answer == NOTHING_LEFT  # this message is gone
    assert cloud.waiting() == 1  # the copy, which waits for its time
    assert cloud.models.heard(model) == []


def test_a_failure_of_the_upstream_ends_the_response(
    cloud: Cloud, stream: Streaming, worker: ModuleType
) -> None:
    response_id, message = queued(cloud, stream, cloud.models.saying(failure(500)))

    answer = worker.handle(messages(message), Context())

    assert answer == NOTHING_LEFT
    assert found(stream, response_id)["status"] == "failed"


def test_near_the_deadline_a_background_response_ends_as_incomplete(
    cloud: Cloud, stream: Streaming, worker: ModuleType
) -> None:
    model = cloud.models.saying(text(*["word "] * 200).paced(0.05))
    response_id, message = queued(cloud, stream, model)

    answer = worker.handle(messages(message), Context(left_seconds=16.0))

    assert answer == NOTHING_LEFT
    response = found(stream, response_id)
    assert response["status"] == "incomplete"
    assert response["output_text"].startswith("word ")


def test_without_time_a_job_is_given_back(
    cloud: Cloud, stream: Streaming, worker: ModuleType
) -> None:
    response_id, message = queued(cloud, stream, cloud.models.saying(text("Hello")))

    answer = worker.handle(messages(message), Context(left_seconds=5.0))

    assert answer == NOTHING_LEFT  # this message is gone
    assert cloud.waiting() == 1
    assert found(stream, response_id)["status"] == "queued"


def hook(cloud: Cloud, hooks: Hooks, *, status: int) -> None:
    """Settings with a webhook, and its secret where a deployment keeps it."""
    cloud.open(tables=HOOK.format(url=hooks.url, status=status))
    cloud.keep_secret({"SCRIPTED_API_KEY": UPSTREAM_KEY, "HOOK_SECRET": HOOK_SECRET})


def test_a_webhook_is_told_by_a_job_of_its_own(cloud: Cloud, stream: Streaming) -> None:
    with Hooks() as hooks:
        hook(cloud, hooks, status=200)
        with buffered("worker") as worker:
            response_id, message = queued(cloud, stream, cloud.models.saying(text("Hello")))
            worker.handle(messages(message), Context())
            (event,) = [
                each for each in cloud.received() if each["MessageId"] != message["MessageId"]
            ]

            answer = worker.handle(messages(event), Context())

        assert answer == NOTHING_LEFT
        (told,) = hooks.told
    receiver = OpenAI(api_key="unused", webhook_secret=HOOK_SECRET)
    verified: JSON = receiver.webhooks.unwrap(told.body, told.headers)
    assert (verified.type, verified.data.id) == ("response.completed", response_id)
    (delivery,) = stream.ask("GET", "/v1/webhook_deliveries").json()["data"]
    assert delivery["outcome"] == "200"


def test_a_webhook_that_is_not_taken_is_sent_again_later(cloud: Cloud, stream: Streaming) -> None:
    with Hooks() as hooks:
        hook(cloud, hooks, status=500)
        with buffered("worker") as worker:
            _, message = queued(cloud, stream, cloud.models.saying(text("Hello")))
            worker.handle(messages(message), Context())
            (event,) = [
                each for each in cloud.received() if each["MessageId"] != message["MessageId"]
            ]
            before = cloud.waiting()

            answer = worker.handle(messages(event), Context())

    assert answer == NOTHING_LEFT  # this message is gone
    assert cloud.waiting() == before  # a copy, which waits


def test_the_job_of_a_dead_letter_ends_its_response(
    cloud: Cloud, stream: Streaming, undertaker: ModuleType
) -> None:
    response_id, message = queued(cloud, stream, "demo")

    answer = undertaker.handle(messages(message), Context())

    assert answer == NOTHING_LEFT
    response = found(stream, response_id)
    assert response["status"] == "failed"
    assert "no worker" in response["error"]["message"]


def test_a_dead_letter_that_comes_twice_changes_nothing(
    cloud: Cloud, stream: Streaming, worker: ModuleType, undertaker: ModuleType
) -> None:
    response_id, message = queued(cloud, stream, cloud.models.saying(text("Made.")))
    worker.handle(messages(message), Context())

    answer = undertaker.handle(messages(message), Context())

    assert answer == NOTHING_LEFT
    assert found(stream, response_id)["output_text"] == "Made."


def test_the_dead_letter_of_a_response_that_is_being_made_stays(
    cloud: Cloud, stream: Streaming, worker: ModuleType, undertaker: ModuleType
) -> None:
    response_id, message = queued(cloud, stream, "demo")
    held_elsewhere(worker, response_id)

    answer = undertaker.handle(messages(message), Context())

    assert answer == left(message)
    assert found(stream, response_id)["status"] != "failed"


def test_dead_letters_without_a_reader_are_told_to_the_operator(
    cloud: Cloud, undertaker: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.send("this is no job")
    cloud.send(json.dumps({"kind": "webhook", "tenant": "one", "subject": "hook"}))

    answer = undertaker.handle(messages(*cloud.received()), Context())

    assert answer == NOTHING_LEFT
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {line["message"] for line in lines if line.get("level") == "ERROR"}
    assert told == {"unreadable_job", "webhook_given_up"}
