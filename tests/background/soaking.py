"""Clients that ask, leave, rejoin, cancel and delete, while the server is killed under them.

A `Story` is one response as its client lived it. What must be true of all stories in the end is
in `check_story`; nothing here depends on who was faster.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from threading import Event, Thread
from typing import Any, Literal, Self

import httpx

from rejoinder.background import MAX_ATTEMPTS
from rejoinder.engine.encoding import split_frames
from tests.background.kept import LIVE, Kept
from tests.background.scripted import Models
from tests.faults.folding import TERMINAL
from tests.faults.wire import event_of
from tests.server import KEY, Server
from tests.upstreams.chat_replies import Reply, call, calls, text
from tests.upstreams.chat_troubles import Cut

type JSON = Any
type Habit = Literal["leaves", "stays", "rejoins", "polls", "cancels", "deletes"]

HABITS: tuple[Habit, ...] = ("leaves", "stays", "rejoins", "rejoins", "polls", "cancels", "deletes")
GIVES_UP_SECONDS = 30.0
AWAY = (httpx.TransportError,)  # the server is down, or goes down


@dataclass(frozen=True, slots=True)
class Plan:
    """What a client wants of one response, and what the model will say."""

    random: Random
    habit: Habit
    is_background: bool
    is_stream: bool
    has_key: bool
    words: tuple[str, ...]
    has_call: bool
    is_cut: bool  # by the upstream, in the middle

    @classmethod
    def of(cls, seed: str) -> Self:
        """A plan by chance."""
        random = Random(seed)
        return cls(
            random,
            random.choice(HABITS),
            is_background=random.random() < 0.7,
            is_stream=random.random() < 0.5,
            has_key=random.random() < 0.5,
            words=tuple(f"{random.randrange(1000)} " for _ in range(random.randrange(1, 25))),
            has_call=random.random() < 0.3,
            is_cut=random.random() < 0.1,
        )

    @property
    def reply(self) -> Reply:
        """What the model says, in up to two seconds."""
        reply = text(*self.words)
        if self.has_call:
            reply += calls(call("get_weather", '{"city":', '"Oslo"}'))
        if self.is_cut:
            reply = reply.troubled(Cut(len(self.words) // 2))
        return reply.paced(self.random.uniform(0.0, 0.08))


@dataclass(slots=True)
class Story:
    """One response as its client has lived it."""

    plan: Plan
    model: str
    began_at: float = field(default_factory=time.monotonic)
    id: str = ""
    seen: list[bytes] = field(default_factory=list)
    ended: JSON = None  # the response, when its end was first seen
    ended_at: float = 0.0
    was_deleted: bool = False
    may_be_deleted: bool = False

    def see(self, frames: list[bytes], after: int = -1) -> None:
        """Take in events; those known must be the same."""
        place = after + 1
        known = self.seen[place : place + len(frames)]
        assert frames[: len(known)] == known, "an event was unsaid"
        self.seen = [*self.seen[:place], *frames, *self.seen[place + len(frames) :]]
        if frames and self.has_end:
            self.end(event_of(self.seen[-1])["response"])

    @property
    def has_end(self) -> bool:
        """Whether the last event that was seen is a terminal one."""
        return bool(self.seen) and event_of(self.seen[-1])["type"] in TERMINAL

    def end(self, response: JSON) -> None:
        """Take in an end; there is but one."""
        assert self.ended is None or self.ended == response, "a second end"
        if self.ended is None:
            self.ended, self.ended_at = response, time.monotonic()


class Client:
    """Lives stories, one after the other."""

    def __init__(self, server: Server) -> None:
        self._http = httpx.Client(
            base_url=server.base_url, headers={"authorization": f"Bearer {KEY}"}, timeout=20
        )

    def live(self, story: Story) -> None:
        """All that a client does with one response."""
        with self._http_errors_told(story):
            self._create(story)
            if story.id and story.ended is None:
                self._go_on(story)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    @contextmanager
    def _http_errors_told(self, story: Story) -> Iterator[None]:
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{error} in {story}") from error

    def _create(self, story: Story) -> None:
        plan = story.plan
        body = {
            "model": story.model,
            "input": "Go on.",
            "background": plan.is_background,
            "stream": plan.is_stream,
        }
        headers = {"idempotency-key": story.model} if plan.has_key else {}
        deadline = time.monotonic() + GIVES_UP_SECONDS
        while not story.id:
            with suppress(*AWAY):
                if plan.is_stream:
                    self._read(story, "POST", "/responses", json=body, headers=headers)
                else:
                    self._take(story, self._http.post("/responses", json=body, headers=headers))
                    return
            if not plan.has_key or time.monotonic() > deadline:
                return
            time.sleep(0.1)

    def _take(self, story: Story, answer: httpx.Response) -> None:
        told = answer.json()
        if answer.status_code >= 500:
            assert not story.plan.is_background, told
            return
        assert answer.status_code == 200, told
        story.id = told["id"]
        if told["status"] not in LIVE:
            story.end(told)

    def _read(self, story: Story, method: str, path: str, after: int = -1, **more: JSON) -> None:
        """Read events, up to the end, or until patience ends."""
        leaves_after = 10_000
        if story.plan.habit in ("leaves", "rejoins", "cancels", "deletes"):
            leaves_after = story.plan.random.randrange(1, 12)
        buffer, count = b"", 0
        with self._http.stream(method, path, **more) as answer:
            if answer.status_code >= 500:
                return
            assert answer.status_code == 200, answer.read()
            for chunk in answer.iter_raw():
                whole, parted, rest = (buffer + chunk).rpartition(b"\n\n")
                buffer = rest
                frames = [f for f in split_frames(whole + parted) if f.startswith(b"event: ")]
                story.see(frames, after + count)
                count += len(frames)
                if story.seen and not story.id:
                    story.id = event_of(story.seen[0])["response"]["id"]
                if count >= leaves_after:
                    return

    def _go_on(self, story: Story) -> None:
        habit, random = story.plan.habit, story.plan.random
        if habit == "leaves":
            return
        time.sleep(random.uniform(0.0, 0.5))
        deadline = time.monotonic() + GIVES_UP_SECONDS
        while story.ended is None and not story.was_deleted:
            assert time.monotonic() < deadline, "it never ended"
            with suppress(*AWAY):
                self._do(habit, story)
            time.sleep(random.uniform(0.02, 0.2))

    def _do(self, habit: Habit, story: Story) -> None:
        path = f"/responses/{story.id}"
        if habit == "deletes":
            was_tried, story.may_be_deleted = story.may_be_deleted, True
            answer = self._http.delete(path)
            assert answer.status_code == 200 or (answer.status_code, was_tried) == (404, True)
            story.was_deleted = True
        elif habit == "cancels" and story.plan.is_background:
            answer = self._http.post(f"{path}/cancel")
            assert answer.status_code == 200, answer.text
            story.end(answer.json())
        elif habit == "polls":
            self._take(story, self._http.get(path))
        else:
            from_start = story.plan.random.random() < 0.3
            after = -1 if from_start or not story.seen else len(story.seen) - 1
            query = {"stream": "true"} | ({} if after < 0 else {"starting_after": str(after)})
            self._read(story, "GET", path, after, params=query)


@dataclass(frozen=True, slots=True)
class Disturbed:
    """What a response lived through."""

    kills: int
    stops: int

    def attempts(self, plan: Plan) -> int:
        """How often it may have been made at most; a stop does not count as an attempt.

        In the foreground it is its client who asks again, and a client never gives up.
        """
        falls = min(self.kills + 1, MAX_ATTEMPTS) if plan.is_background else self.kills + 1
        return falls + self.stops

    def __bool__(self) -> bool:
        return self.kills + self.stops > 0


class Chaos:
    """Kills the server, or stops it, and starts it again, until it is told to end."""

    def __init__(self, server: Server, random: Random) -> None:
        self._server = server
        self._random = random
        self._is_over = Event()
        self._thread = Thread(target=self._rage)
        self.fault: BaseException | None = None
        self._falls: list[tuple[float, float, bool]] = []  # down, up again, whether it was a kill

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        if self.fault is not None:
            raise self.fault

    def _rage(self) -> None:
        try:
            while not self._is_over.wait(self._random.uniform(0.5, 2.5)):
                down_at, is_kill = time.monotonic(), self._random.random() < 0.7
                if is_kill:
                    self._server.kill()
                else:
                    self._server.interrupt()
                self._server.start()
                self._falls.append((down_at, time.monotonic(), is_kill))
        except BaseException as fault:
            self.fault = fault

    def disturbed(self, story: Story) -> Disturbed:
        """How often the server went down in the course of a story."""
        until = story.ended_at or float("inf")
        falls = [
            is_kill for down, up, is_kill in self._falls if up > story.began_at and down < until
        ]
        return Disturbed(kills=sum(falls), stops=len(falls) - sum(falls))


def check_story(
    story: Story, kept: Mapping[str, Kept], models: Models, disturbed: Disturbed
) -> None:
    """No response is lost, stuck, unsaid, or made twice."""
    plan, mine = story.plan, [k for k in kept.values() if k.response["model"] == story.model]
    asked = models.asked_at(story.model)
    assert len(mine) <= 1, "one request became two responses"
    assert len(asked) <= disturbed.attempts(plan), "it was made too often"
    if story.ended_at and not story.was_deleted:
        assert not asked or asked[-1] <= story.ended_at, "it was made again after its end"
    if story.was_deleted:
        assert not mine, "it came back"
        return
    if not mine:
        assert not story.id or story.may_be_deleted, "it was lost"
        return
    after = mine[0]
    after.check()
    assert not after.is_live
    assert after.frames[: len(story.seen)] == story.seen, "an event was unsaid"
    assert story.ended in (None, after.response), "its end changed"
    check_outcome(plan, after, disturbed)


def check_outcome(plan: Plan, after: Kept, disturbed: Disturbed) -> None:
    """It ended as it had to, or as it had reason to."""
    if after.status == "completed":
        assert not plan.is_cut
        assert after.response["output_text"] == "".join(plan.words)
        assert len(after.response["output"]) == 1 + plan.has_call
    elif after.status == "cancelled":
        assert plan.habit == "cancels"
    else:
        assert after.status == "failed"
        assert plan.is_cut or disturbed, after.response["error"]


def told(story: Story) -> str:
    """A story for a human."""
    return json.dumps({"id": story.id, "model": story.model, "habit": story.plan.habit})
