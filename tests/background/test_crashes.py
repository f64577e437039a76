"""The process dies at every point of a background response's life; the next one goes on."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from rejoinder.background import MAX_ATTEMPTS
from tests.background.crashing import POINTS
from tests.background.kept import Kept, attempts, is_quiet, jobs, kept
from tests.background.process import CrashingServer, eventually
from tests.background.receiver import Receiver
from tests.background.scripted import Models
from tests.faults.asking import ask, deleted, rejoin, replayed, retrieved
from tests.faults.wire import Exchange
from tests.server import KEY
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import call, calls, text

type JSON = Any
type Mode = Literal["followed", "joined later", "streamed", "left", "unread"]

OSLO = call("get_weather", '{"city":', '"Os', 'lo"}')
REPLY = (text("one", " two", " three") + calls(OSLO)).paced(0.02)
UNANSWERED = ("before it is kept", "kept, without a job", "sent, before the answer")
CLAIMS = ("before the claim", "after the claim")
NEVER = 1_000  # so many arrivals will not be
SINGLE = ("before the rewinding", "after the rewinding")


@pytest.fixture(scope="module")
def models(upstream: ChatUpstream) -> Models:
    return Models(upstream)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def server(upstream: ChatUpstream, receiver: Receiver, tmp_path: Path) -> Iterator[CrashingServer]:
    extra = f"retries = 0\n{receiver.settings}"
    with CrashingServer(tmp_path / "data", upstream.base_url, extra) as server:
        yield server
    assert "Traceback" not in server.log, server.log


@dataclass
class Asked:
    """A background response, and what its reader has seen of it."""

    server: CrashingServer
    mode: Mode
    model: str
    stack: ExitStack
    seen: list[bytes] = field(default_factory=list)
    reader: Exchange | None = None

    def begin(self, *, is_answered: bool) -> None:
        is_stream = self.mode in ("streamed", "left")
        exchange = ask(self.server, self.model, background=True, stream=is_stream)
        self.stack.enter_context(exchange)
        if is_stream:
            self.reader = exchange
            if is_answered or self.mode == "left":
                self.seen = exchange.until("response.queued")
            if self.mode == "left":
                exchange.close()
                self.reader = None
        elif self.mode != "unread":
            self.id = exchange.json()["id"]
            if self.mode == "followed":
                self.join()

    def join(self) -> None:
        self.reader = self.stack.enter_context(rejoin(self.server, self.id))
        self.seen = self.reader.until("response.queued")

    def read_rest(self) -> None:
        if self.reader is not None:
            self.seen += self.reader.rest()


def crashed(
    server: CrashingServer, models: Models, point: str, stack: ExitStack
) -> Sequence[Asked]:
    """Responses of all modes, at the moment when the server crashed at this point."""
    answers = point not in UNANSWERED
    modes: tuple[Mode, ...] = ("followed", "joined later", "streamed", "left", "unread")
    if not answers:
        modes = ("streamed", "unread")
    asked = [Asked(server, mode, models.saying(REPLY), stack) for mode in modes]
    server.to_crash(point, len(asked)).start()
    for each in asked[:-1]:
        each.begin(is_answered=answers)
    there = len(asked) - 1
    if point in CLAIMS:
        eventually(lambda: len(jobs(server.data)) == there)
    else:
        eventually(lambda: server.arrivals == there)
    for each in asked:
        if each.mode == "joined later":
            each.join()
    asked[-1].begin(is_answered=answers)
    server.wait_for_crash()
    for each in asked:
        each.read_rest()
    return asked


def by_model(responses: Mapping[str, Kept]) -> Mapping[str, Kept]:
    return {each.response["model"]: each for each in responses.values()}


def check_story(asked: Asked, before: Kept, after: Kept) -> None:
    """The rule of what may be begun again, for one response (decision 15)."""
    after.check()
    assert after.frames[: len(asked.seen)] == asked.seen
    if not before.is_live:
        assert after == before
    elif before.has_output and asked.mode != "unread":
        assert after.status == "failed"
        assert after.response["error"]["code"] == "server_error"
        assert after.frames[: len(before.frames)] == before.frames
    else:
        assert after.status == "completed"
        assert after.response["output_text"] == "one two three"


@pytest.mark.parametrize("point", [point for point in POINTS if point not in SINGLE])
def test_after_a_crash_each_response_ends_once_and_as_it_was_seen(
    server: CrashingServer, models: Models, receiver: Receiver, point: str
) -> None:
    with ExitStack() as stack:
        asked = crashed(server, models, point, stack)
    before = by_model(kept(server.data))
    for known in before.values():
        known.check()
    heard = {each.model: models.times_asked(each.model) for each in asked}

    server.to_last().start()

    eventually(lambda: is_quiet(server.data))
    after = by_model(kept(server.data))
    assert after.keys() == before.keys()
    for each in asked:
        if each.model not in before:
            assert point == "before it is kept"
            continue
        was, now = before[each.model], after[each.model]
        check_story(each, was, now)
        again = was.is_live and now.status == "completed"
        assert models.times_asked(each.model) == heard[each.model] + again, each.mode
        response_id = now.response["id"]
        assert replayed(server, response_id) == now.frames
        assert retrieved(server, response_id) == now.response
        [(_, told)] = receiver.told_of(response_id)
        assert told == f"response.{now.status}"


def one_unread(server: CrashingServer, model: str) -> None:
    with ask(server, model, background=True, stream=False):
        server.wait_for_crash()


@pytest.mark.parametrize("point", SINGLE)
def test_a_crash_while_it_begins_anew_costs_another_attempt_and_nothing_else(
    server: CrashingServer, models: Models, point: str
) -> None:
    model = models.saying(REPLY)
    one_unread(server.to_crash("in a text").start(), model)
    [before] = kept(server.data).values()

    server.to_crash(point).start_to_crash()

    [between] = kept(server.data).values()
    between.check()
    kept_frames = 2 if point == "after the rewinding" else len(before.frames)
    assert between.frames == before.frames[:kept_frames]
    server.to_last().start()
    eventually(lambda: is_quiet(server.data))
    [after] = kept(server.data).values()
    after.check()
    assert after.status == "completed"
    assert models.times_asked(model) == 2


def test_a_job_that_was_never_sent_may_be_forgotten_twice(
    server: CrashingServer, models: Models
) -> None:
    model = models.saying(REPLY)
    one_unread(server.to_crash("kept, without a job").start(), model)
    server.start_to_crash()
    assert jobs(server.data) == []

    server.to_last().start()

    eventually(lambda: is_quiet(server.data))
    assert [each.status for each in kept(server.data).values()] == ["completed"]
    assert models.times_asked(model) == 1


def test_who_comes_between_two_attempts_sees_the_first_one_to_its_end(
    server: CrashingServer, models: Models
) -> None:
    model = models.saying(REPLY)
    one_unread(server.to_crash("in a text").start(), model)
    [before] = kept(server.data).values()
    response_id = before.response["id"]
    server.to_crash("before the claim", NEVER).start()  # nothing is claimed

    with rejoin(server, response_id) as exchange:
        seen = exchange.until('" two"')
        server.kill()
        seen += exchange.rest()
    server.to_last().start()

    assert seen == before.frames
    eventually(lambda: is_quiet(server.data))
    [after] = kept(server.data).values()
    after.check()
    assert after.status == "failed"
    assert after.frames[: len(seen)] == seen
    assert models.times_asked(model) == 1


@pytest.mark.parametrize("point", ["before the upstream call", "in a text"])
def test_a_response_that_kills_every_worker_fails_after_three(
    server: CrashingServer, models: Models, receiver: Receiver, point: str
) -> None:
    model = models.saying(REPLY)
    one_unread(server.to_crash(point).start(), model)
    for attempt in range(2, MAX_ATTEMPTS + 1):
        server.start_to_crash()
        assert [*attempts(server.data).values()] == [attempt]

    server.start()

    eventually(lambda: is_quiet(server.data))
    [after] = kept(server.data).values()
    after.check()
    assert after.status == "failed"
    assert after.response["error"]["code"] == "server_error"
    assert "3 attempts" in after.response["error"]["message"]
    assert models.times_asked(model) == (0 if point == "before the upstream call" else 3)
    eventually(lambda: len(receiver.told_of(after.response["id"])) == 1)
    server.restart()
    assert is_quiet(server.data)
    assert list(kept(server.data).values()) == [after]


@pytest.mark.parametrize("point", UNANSWERED)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "unread"])
def test_who_asks_again_with_the_same_key_gets_what_was_kept(
    server: CrashingServer, models: Models, point: str, stream: bool
) -> None:
    model = models.saying(REPLY)
    body = {"model": model, "input": "Hi", "background": True, "stream": stream}
    key = {"authorization": f"Bearer {KEY}", "idempotency-key": model}
    server.to_crash(point).start()
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{server.base_url}/responses", json=body, headers=key, timeout=20)
    server.wait_for_crash()
    before = kept(server.data)
    server.to_last().start()

    answer = httpx.post(f"{server.base_url}/responses", json=body, headers=key, timeout=20)

    eventually(lambda: is_quiet(server.data))
    [after] = kept(server.data).values()
    after.check()
    assert after.status == "completed"
    assert not before or [*before] == [after.response["id"]]
    assert after.response["id"] in answer.text
    assert models.times_asked(model) == 1


def test_a_cancelled_response_stays_cancelled(
    server: CrashingServer, models: Models, receiver: Receiver
) -> None:
    model = models.saying(REPLY)
    one_unread(server.to_crash("in a text").start(), model)
    [response_id] = kept(server.data)
    server.to_crash("before the claim", NEVER).start()
    cancel = f"{server.base_url}/responses/{response_id}/cancel"
    answer = httpx.post(cancel, headers={"authorization": f"Bearer {KEY}"}, timeout=20)
    before = kept(server.data)
    server.kill()

    server.to_last().start()

    eventually(lambda: is_quiet(server.data))
    assert kept(server.data) == before
    before[response_id].check()
    assert before[response_id].response == answer.json()
    assert answer.json()["status"] == "cancelled"
    assert models.times_asked(model) == 1
    assert {outcome for _, outcome in receiver.told_of(response_id)} == {"response.cancelled"}


def test_a_deleted_response_is_not_made_after_a_crash(
    server: CrashingServer, models: Models
) -> None:
    model = models.saying(REPLY)
    one_unread(server.to_crash("in a text").start(), model)
    [response_id] = kept(server.data)
    server.to_crash("before the claim", NEVER).start()
    assert deleted(server, response_id) == 200
    server.kill()

    server.to_last().start()

    eventually(lambda: is_quiet(server.data))
    assert kept(server.data) == {}
    assert models.times_asked(model) == 1
