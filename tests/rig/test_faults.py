"""A deployment to which all happens that may happen to one: docs/decisions/0007 and 0008.

Functions are killed or run out of time, the table is too busy, the queue repeats itself. Nothing
here depends on who was faster.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import httpx
import pytest

from rejoinder.background import CUT_OFF, GAVE_UP, LEFT, MAX_ATTEMPTS, NO_WORKER
from rejoinder.endings import DELETED
from tests.background.receiver import Receiver
from tests.background.scripted import Models
from tests.faults.asking import ask, deleted, rejoin, retrieved
from tests.faults.folding import folded
from tests.faults.wire import event_of
from tests.rig.server import LambdaServer
from tests.rig.stories import (
    Backstage,
    ended,
    eventually,
    id_in,
    numbers,
    queued,
    status_of,
    told_whole,
    told_with_a_gap,
)
from tests.server import KEY
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import text
from tests.upstreams.chat_troubles import Stall

pytestmark = pytest.mark.xdist_group("rig")

type JSON = Any
type Operation = Literal["BatchWriteItem", "PutItem", "UpdateItem"]

LEASE_SECONDS = 4  # after so long, and in the foreground twice as long, who died is missed
SETTINGS = f"""
retries = 0
patience_seconds = 0.5

[background]
lease_seconds = {LEASE_SECONDS}
"""
FOREVER_SECONDS = 120.0
FOR_LONG = 1_000  # calls: more than anybody makes
FOR_A_MOMENT = 2
STREAM_SECONDS = 12  # of which the last ten are for the ending,
WORKER_SECONDS = 17  # here fifteen
READER_SECONDS = 6  # who only reads may read to five seconds before the end

REPLY = text("one", " two", " three")
STALLING = REPLY.troubled(Stall(2, FOREVER_SECONDS))
SILENT = REPLY.troubled(Stall("start", FOREVER_SECONDS))  # not even headers come
SLOW = text("one", *[" more"] * 30, " end").paced(0.05)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ChatUpstream]:
    with ChatUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def models(upstream: ChatUpstream) -> Models:
    return Models(upstream)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def server(
    upstream: ChatUpstream, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LambdaServer]:
    settings, folder = f"{SETTINGS}{receiver.settings}", tmp_path_factory.mktemp("faults")
    with LambdaServer(folder, upstream.base_url, settings) as server:
        yield server
        functions = server.state()["functions"].values()
        assert [each["violations"] for each in functions] == [[]] * len(functions)


@pytest.fixture(scope="module")
def backstage(server: LambdaServer) -> Backstage:
    return Backstage(server)


@pytest.fixture(autouse=True)
def quiet(backstage: Backstage) -> Iterator[None]:
    """Whatever was done, all jobs are done in the end."""
    yield
    eventually(backstage.is_idle)


def told_hooks(receiver: Receiver, response_id: str) -> list[str]:
    """The outcomes of which webhooks were told, one for each event, however often it was sent."""
    eventually(lambda: bool(receiver.told_of(response_id)))
    return [outcome for _, outcome in receiver.told_of(response_id)]


# Killed functions.


def test_a_stream_whose_function_was_killed_ends_as_failed_for_who_rejoins_it(
    server: LambdaServer, models: Models
) -> None:
    model = models.saying(STALLING)
    with ask(server, model) as exchange:
        seen = exchange.until('" two"')
        killed = server.kill_function("stream")
        with pytest.raises((EOFError, ConnectionError)):
            list(exchange.frames())
    response_id = id_in(seen)
    before = retrieved(server, response_id)

    with rejoin(server, response_id, numbers(seen)[-1]) as exchange:
        rest = list(exchange.events())

    assert killed == 1
    assert before["status"] == "in_progress"
    assert numbers(rest)[0] > numbers(seen)[-1]
    assert event_of(rest[-1])["response"]["error"]["message"] == LEFT.message
    after = told_with_a_gap(server, response_id, seen)
    assert after["status"] == "failed"
    assert models.times_asked(model) == 1


def test_after_a_worker_was_killed_each_response_ends_as_it_was_seen(
    server: LambdaServer, models: Models, receiver: Receiver, backstage: Backstage
) -> None:
    unread, streamed, followed = (models.saying(STALLING, REPLY) for _ in range(3))
    with ExitStack() as stack:
        unread_id = queued(server, unread)
        followed_id = queued(server, followed)
        readers = [
            stack.enter_context(ask(server, streamed, background=True)),
            stack.enter_context(rejoin(server, followed_id)),
        ]
        seen = [reader.until('" two"') for reader in readers]
        eventually(lambda: backstage.last_number(unread_id) > 2)

        killed = server.kill_function("worker")

        told = [[*known, *reader.events()] for known, reader in zip(seen, readers, strict=True)]
    assert killed == 3
    again = told_whole(server, unread_id, [])
    assert (again["status"], again["output_text"]) == ("completed", "one two three")
    assert told_hooks(receiver, unread_id) == ["response.completed"]
    assert models.times_asked(unread) == 2
    for model, frames in zip((streamed, followed), told, strict=True):
        response = told_whole(server, id_in(frames), frames)
        assert response["error"]["message"] == CUT_OFF.message
        assert told_hooks(receiver, response["id"]) == ["response.failed"]
        assert models.times_asked(model) == 1


def test_a_response_that_kills_every_worker_fails_after_three(
    server: LambdaServer, models: Models, receiver: Receiver
) -> None:
    model = models.saying(STALLING)
    response_id = queued(server, model)

    for attempt in range(1, MAX_ATTEMPTS + 1):
        eventually(lambda: models.times_asked(model) == attempt)  # noqa: B023, it is done at once
        server.kill_function("worker")

    ended(server, response_id)
    response = told_whole(server, response_id, [])
    assert response["error"]["message"] == GAVE_UP.message
    assert told_hooks(receiver, response_id) == ["response.failed"]
    assert models.times_asked(model) == MAX_ATTEMPTS


def test_a_job_among_the_dead_letters_ends_as_failed(
    server: LambdaServer, models: Models, receiver: Receiver, backstage: Backstage
) -> None:
    model = models.saying(STALLING)
    with backstage.receives(1):
        response_id = queued(server, model)
        eventually(lambda: models.times_asked(model) == 1)

        server.kill_function("worker")

        response = told_whole(server, response_id, [])
    assert response["error"]["message"] == NO_WORKER.message
    assert told_hooks(receiver, response_id) == ["response.failed"]
    assert server.state()["functions"]["dlq"]["invoked"] == 1
    assert models.times_asked(model) == 1


# Little time.


@contextmanager
def seconds_for(server: LambdaServer, function: str, seconds: float) -> Iterator[None]:
    """A function may run for so long, and does not run into its timeout."""
    said = len(server.log)
    server.configure(function, timeout_seconds=seconds)
    try:
        yield
    finally:
        server.configure(function, timeout_seconds=900)
    assert "Task timed out" not in server.log[said:]


def test_when_time_is_up_all_that_waits_for_a_model_ends_in_order(
    server: LambdaServer, models: Models, upstream: ChatUpstream
) -> None:
    stalling, silent = models.saying(STALLING), models.saying(SILENT)
    with seconds_for(server, "stream", STREAM_SECONDS), ExitStack() as stack:
        exchanges = [stack.enter_context(ask(server, model)) for model in (stalling, silent)]
        plain = stack.enter_context(ask(server, models.saying(STALLING), stream=False))

        told = [list(exchange.events()) for exchange in exchanges]
        answer = plain.json()

    responses = [told_whole(server, id_in(frames), frames) for frames in told]
    assert [each["status"] for each in responses] == ["incomplete", "incomplete"]
    assert [each["output_text"] for each in responses] == ["one two", ""]
    assert (plain.status, answer["error"]["type"]) == (503, "server_error")  # no word had come
    assert upstream.wait_until(lambda: upstream.open_streams == 0)


def test_when_a_workers_time_is_up_its_response_ends_and_is_not_made_again(
    server: LambdaServer, models: Models, receiver: Receiver
) -> None:
    model = models.saying(STALLING)
    with seconds_for(server, "worker", WORKER_SECONDS):
        response_id = queued(server, model)
        response = told_whole(server, response_id, [])

    assert (response["status"], response["output_text"]) == ("incomplete", "one two")
    assert told_hooks(receiver, response_id) == ["response.incomplete"]
    assert models.times_asked(model) == 1


def test_who_follows_for_longer_than_a_function_runs_can_rejoin(
    server: LambdaServer, models: Models
) -> None:
    model = models.saying(text(*["more "] * 30).paced(0.1))
    response_id = queued(server, model)
    with (
        seconds_for(server, "stream", READER_SECONDS),
        rejoin(server, response_id) as exchange,
    ):
        seen = exchange.rest()

    with rejoin(server, response_id, numbers(seen)[-1]) as exchange:
        rest = list(exchange.events())

    assert not seen[-1].startswith(b"event: response.completed")
    assert folded([*seen, *rest])["status"] == "completed"
    told_whole(server, response_id, [*seen, *rest])


# A busy table.


@contextmanager
def refusing(server: LambdaServer, operation: Operation, times: int) -> Iterator[None]:
    """The table refuses calls, until it has refused so many or this ends."""
    server.throttle(operation, times)
    try:
        yield
    finally:
        server.throttle(operation, 0)


@pytest.mark.parametrize("background", [False, True])
def test_a_table_that_is_busy_for_a_moment_costs_nothing(
    server: LambdaServer, models: Models, background: bool
) -> None:
    model = models.saying(REPLY)
    with ExitStack() as stack:
        for operation in ("BatchWriteItem", "PutItem", "UpdateItem"):
            stack.enter_context(refusing(server, operation, FOR_A_MOMENT))
        with ask(server, model, background=background) as exchange:
            seen = list(exchange.events())

    response = told_whole(server, id_in(seen), seen)
    assert (response["status"], response["output_text"]) == ("completed", "one two three")
    assert models.times_asked(model) == 1


@pytest.mark.parametrize("background", [False, True])
def test_what_cannot_be_begun_is_refused(
    server: LambdaServer, models: Models, background: bool
) -> None:
    model = models.saying(REPLY)
    with (
        refusing(server, "PutItem", FOR_LONG),
        ask(server, model, stream=False, background=background) as exchange,
    ):
        told = exchange.json()

    assert (exchange.status, told["error"]["type"]) == (503, "server_error")
    assert models.times_asked(model) == (not background)


def test_a_stream_that_cannot_be_begun_fails_in_order(server: LambdaServer, models: Models) -> None:
    with refusing(server, "PutItem", FOR_LONG), ask(server, models.saying(REPLY)) as exchange:
        response = folded(exchange.events())

    assert response["status"] == "failed"
    eventually(lambda: retrieved(server, response["id"])["error"] is not None)  # none, or failed


def test_streams_that_cannot_be_recorded_any_more_have_failed_for_all(
    server: LambdaServer, models: Models
) -> None:
    told = [models.saying(reply) for reply in (STALLING, SLOW)]  # cut in the middle, at the end
    with ExitStack() as stack:
        exchanges = [stack.enter_context(ask(server, model)) for model in told]
        seen = [exchange.until('"one"') for exchange in exchanges]
        with refusing(server, "UpdateItem", FOR_LONG):
            for frames, exchange in zip(seen, exchanges, strict=True):
                frames += exchange.events()

    assert [folded(frames)["status"] for frames in seen] == ["failed", "failed"]
    for frames in seen:
        assert told_with_a_gap(server, id_in(frames), frames[:-1])["status"] == "failed"
    assert [models.times_asked(model) for model in told] == [1, 1]


def test_a_background_response_that_cannot_be_recorded_is_made_again(
    server: LambdaServer, models: Models, receiver: Receiver
) -> None:
    model = models.saying(STALLING, REPLY)
    response_id = queued(server, model)
    eventually(lambda: models.times_asked(model) == 1)
    said = len(server.log)
    with refusing(server, "UpdateItem", FOR_LONG):
        eventually(lambda: '"given_back"' in server.log[said:])

    response = told_whole(server, response_id, [])
    assert (response["status"], response["output_text"]) == ("completed", "one two three")
    assert told_hooks(receiver, response_id) == ["response.completed"]
    assert models.times_asked(model) == 2


# A queue that repeats itself.


@contextmanager
def disturbed(server: LambdaServer, **mischief: JSON) -> Iterator[None]:
    """The queue of jobs does what a queue may."""
    server.disturb_queue(**mischief)
    try:
        yield
    finally:
        server.disturb_queue(twice="never", delay_seconds=0.0, is_paused=False)


@pytest.mark.parametrize("twice", ["together", "afterwards"])
def test_a_job_that_comes_twice_is_done_once(
    server: LambdaServer, models: Models, receiver: Receiver, twice: str
) -> None:
    model = models.saying(SLOW)
    with disturbed(server, twice=twice):
        response_id = queued(server, model)
        response = told_whole(server, response_id, [])

    assert response["status"] == "completed"
    assert told_hooks(receiver, response_id) == ["response.completed"]
    assert models.times_asked(model) == 1


@pytest.mark.parametrize("ending", ["cancelled", "deleted"])
def test_a_job_that_comes_too_late_does_nothing(
    server: LambdaServer, models: Models, backstage: Backstage, ending: str
) -> None:
    model = models.saying(REPLY)
    with disturbed(server, is_paused=True):
        response_id = queued(server, model)
        if ending == "cancelled":
            status = status_of(server, f"/v1/responses/{response_id}/cancel")
        else:
            status = deleted(server, response_id)

    eventually(backstage.is_idle)
    assert status == 200
    assert models.times_asked(model) == 0
    if ending == "cancelled":
        assert told_whole(server, response_id, [])["status"] == "cancelled"
    else:
        assert retrieved(server, response_id)["error"]["code"] == "response_not_found"


# Another function's wish.


@pytest.mark.parametrize("ending", ["cancelled", "deleted"])
def test_what_a_worker_makes_can_be_stopped_though_the_model_says_nothing(
    server: LambdaServer, models: Models, upstream: ChatUpstream, ending: str
) -> None:
    model = models.saying(STALLING)
    with ask(server, model, background=True) as exchange:
        seen = exchange.until('" two"')
        response_id, left = id_in(seen), upstream.disconnects
        if ending == "cancelled":
            status = status_of(server, f"/v1/responses/{response_id}/cancel")
        else:
            status = deleted(server, response_id)
        seen += exchange.events()

    assert status == 200
    assert upstream.wait_until(lambda: upstream.disconnects > left, timeout_seconds=20)
    assert models.times_asked(model) == 1
    response = event_of(seen[-1])["response"]
    if ending == "cancelled":
        assert (response["status"], response["output_text"]) == ("cancelled", "one two")
        assert told_whole(server, response_id, seen) == response
    else:
        assert response["error"]["message"] == DELETED.message
        assert retrieved(server, response_id)["error"]["code"] == "response_not_found"


def test_a_stream_that_is_deleted_elsewhere_stops_though_the_model_says_nothing(
    server: LambdaServer, models: Models, upstream: ChatUpstream
) -> None:
    with ask(server, models.saying(STALLING)) as exchange:
        seen = exchange.until('" two"')
        left = upstream.disconnects
        status = deleted(server, id_in(seen))
        seen += exchange.events()

    assert status == 200
    assert folded(seen)["error"]["message"] == DELETED.message
    assert upstream.wait_until(lambda: upstream.disconnects > left)
    assert retrieved(server, id_in(seen))["error"]["code"] == "response_not_found"


@pytest.mark.parametrize("body", [{}, {"stream": True}, {"background": True}], ids=str)
def test_a_key_that_comes_twice_at_the_same_time_is_answered_by_one_response(
    server: LambdaServer, models: Models, body: JSON
) -> None:
    model = models.saying(SLOW)
    headers = {"authorization": f"Bearer {KEY}", "idempotency-key": model}

    def asked(_: int) -> httpx.Response:
        asking = {"model": model, "input": "Hi", **body}
        url = f"{server.base_url}/responses"
        return httpx.post(url, json=asking, headers=headers, timeout=30)

    with ThreadPoolExecutor() as threads:
        one, two = threads.map(asked, range(2))

    assert (one.status_code, two.status_code) == (200, 200)
    if body.get("stream"):
        assert one.text == two.text
    else:
        assert one.json()["id"] == two.json()["id"]
        assert ended(server, one.json()["id"])["status"] == "completed"
    assert models.times_asked(model) == 1
