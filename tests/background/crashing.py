"""The local server, made to kill itself at one point.

CRASH_AT="in a text/5" python -m tests.background.crashing serve

The fifth response that arrives at the point kills the process; those before it wait there, so
that one crash finds all of them at the same point. A claim is made by one worker for all: it waits
there until there are so many jobs.
"""

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from rejoinder_local.__main__ import main
from rejoinder_local.deliveries import SQLiteDeliveries
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore
from rejoinder_local.terminal import say
from rejoinder_local.transport import LocalTransport

type JSON = Any

ARRIVED = "arrived at the point"
HOOK_PATH = "/hook"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a wrapped method; its result if the point is after it."""

    on: Any
    args: tuple[Any, ...]
    result: Any = None

    def is_of(self, kind: Literal["run", "webhook"]) -> bool:
        """Whether it is about such a job."""
        return bool(self.args[0].kind == kind)

    def tells(self, mark: bytes) -> bool:
        """Whether it records an event with this text."""
        return any(mark in frame for frame in self.args[2])

    def is_last(self) -> bool:
        """Whether it records the end of a background response."""
        response = self.args[1]
        return bool(response.background) and not response.is_live

    def asks(self, path: str) -> bool:
        """Whether it is an HTTP request for this path."""
        return bool(self.args[0].url.path.endswith(path))


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the code."""

    method: Callable[..., Awaitable[Any]]
    when: Literal["before", "after"]
    is_meant: Callable[[Call], bool]

    @property
    def is_claim(self) -> bool:
        """Whether it is passed by the worker and not by each response."""
        return self.method.__name__ == "claim"


SEND, CLAIM, DONE = SQLiteQueue.send, SQLiteQueue.claim, SQLiteQueue.done
BEGIN, RECORD, REWIND = SQLiteStore.begin, SQLiteStore.record, SQLiteStore.rewind
ASK, NOTE = LocalTransport.handle_async_request, SQLiteDeliveries.note

POINTS: Mapping[str, Point] = {
    "before it is kept": Point(BEGIN, "before", lambda call: call.args[0].response.background),
    "kept, without a job": Point(SEND, "before", lambda call: call.is_of("run")),
    "sent, before the answer": Point(SEND, "after", lambda call: call.is_of("run")),
    "before the claim": Point(CLAIM, "before", lambda _: True),
    "after the claim": Point(CLAIM, "after", lambda call: call.result is not None),
    "before the upstream call": Point(ASK, "before", lambda call: call.asks("/completions")),
    "accepted": Point(ASK, "after", lambda call: call.asks("/completions")),
    "before a word is kept": Point(RECORD, "before", lambda call: call.tells(b'" two"')),
    "in a text": Point(RECORD, "after", lambda call: call.tells(b'" two"')),
    "in a tool call": Point(RECORD, "after", lambda call: call.tells(b'"delta":"\\"Os"')),
    "between two items": Point(RECORD, "after", lambda call: call.tells(b"item.done")),
    "before the rewinding": Point(REWIND, "before", lambda _: True),
    "after the rewinding": Point(REWIND, "after", lambda _: True),
    "before the last write": Point(RECORD, "before", Call.is_last),
    "after the last write": Point(RECORD, "after", Call.is_last),
    "before the webhook is queued": Point(SEND, "before", lambda call: call.is_of("webhook")),
    "after the webhook is queued": Point(SEND, "after", lambda call: call.is_of("webhook")),
    "before the job is done": Point(DONE, "before", lambda call: call.is_of("run")),
    "before the delivery": Point(ASK, "before", lambda call: call.asks(HOOK_PATH)),
    "after the delivery": Point(ASK, "after", lambda call: call.asks(HOOK_PATH)),
    "delivered and noted": Point(NOTE, "after", lambda _: True),
}


def arm(point: Point, deadly: int) -> None:
    """Let the `deadly`th arrival kill this process."""
    method, numbers = point.method, count(1)
    room, name = sys.modules[method.__module__], method.__qualname__.split(".")

    async def arrive(call: Call) -> None:
        while point.is_claim and await _jobs(call.on) < deadly:
            await call.on.wait(0.02)
        say(ARRIVED)
        if point.is_claim or next(numbers) >= deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.Event().wait()

    @functools.wraps(method)
    async def wrapped(on: JSON, *args: JSON, **more: JSON) -> JSON:
        if point.when == "before" and point.is_meant(Call(on, args)):
            await arrive(Call(on, args))
        result = await method(on, *args, **more)
        if point.when == "after" and point.is_meant(Call(on, args, result)):
            await arrive(Call(on, args, result))
        return result

    setattr(getattr(room, name[0]), name[1], wrapped)


async def _jobs(queue: SQLiteQueue) -> int:
    depth = await queue.depth()
    return depth.waiting + depth.running


if __name__ == "__main__":
    if where := os.environ.get("CRASH_AT"):
        name, _, arrivals = where.partition("/")
        arm(POINTS[name], int(arrivals))
    sys.exit(main(sys.argv[1:]))
