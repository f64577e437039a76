"""What each kind of use costs in the table, counted by DynamoDB's rules from the calls made.

`-s` shows the figures. A unit above the budget is a price rise: it is noticed here, and decided
upon.
"""

import sys
from collections.abc import Awaitable, Callable

import pytest

from rejoinder.aws.responses import DynamoStore
from rejoinder.engine.deltas import BlockEnded, Started, TextDelta
from tests.storage.capacity import Meter
from tests.storage.contract import ACME, ID, STOP, Run, message
from tests.storage.moto_server import Aws

type Act = Callable[[DynamoStore, Run], Awaitable[None]]

DELTAS_PER_SECOND = 25
STREAM_SECONDS = 15
BATCH_SECONDS = 4  # of a response that nobody else follows
SENTENCE = "the quick brown fox jumps over one lazy dog and runs on through tall wet grass"
QUESTION = "What does a fox do all day, and why? Please answer in some sentences. " * 3


def spoken(begin: int, end: int) -> list[TextDelta]:
    """What a model says between two seconds."""
    words = SENTENCE.split()
    numbers = range(begin * DELTAS_PER_SECOND, end * DELTAS_PER_SECOND)
    return [TextDelta(0, f"{words[number * number % len(words)]} ") for number in numbers]


async def created(_: DynamoStore, run: Run) -> None:
    await run.begin()
    await run.say(*spoken(0, 2), BlockEnded(0), STOP)


async def streamed(_: DynamoStore, run: Run) -> None:
    await run.begin()
    await speak(run)


async def speak(run: Run) -> None:
    for second in range(0, STREAM_SECONDS - BATCH_SECONDS, BATCH_SECONDS):
        await run.say(*spoken(second, second + BATCH_SECONDS))
    await run.say(*spoken(12, STREAM_SECONDS), BlockEnded(0), STOP)


async def queued(_: DynamoStore, run: Run) -> None:
    await run.enqueue()


async def worked(store: DynamoStore, run: Run) -> None:
    await store.take_over(ACME, ID, "one", hold_seconds=30)
    await run.taken_by("one").say(Started())
    await speak(run)
    for _ in range(STREAM_SECONDS):
        await store.writer(ACME, ID)


async def running(_: DynamoStore, run: Run) -> None:
    await run.begin()
    await run.say(*spoken(0, BATCH_SECONDS))


async def polled(store: DynamoStore, _: Run) -> None:
    await store.get(ACME, ID)
    await store.silent_seconds(ACME, ID)


async def followed(store: DynamoStore, run: Run) -> None:
    await polled(store, run)
    await store.frames(ACME, ID, after=len(run.frames) - 1)


async def told_followers(store: DynamoStore, run: Run) -> None:
    """A second's words, which somebody waits for, are recorded and read."""
    await run.say(*spoken(4, 5))


async def replayed(store: DynamoStore, _: Run) -> None:
    await store.get(ACME, ID)
    await store.frames(ACME, ID, after=-1)


async def retrieved(store: DynamoStore, _: Run) -> None:
    await store.get(ACME, ID)


async def continued(store: DynamoStore, _: Run) -> None:
    await store.continued(ACME, ID)


async def referred(store: DynamoStore, _: Run) -> None:
    await store.item(ACME, "msg_own")


async def deleted(store: DynamoStore, _: Run) -> None:
    await store.delete(ACME, ID)


# What is done, after what; and how many calls, write units and read units it may take.
USES: dict[str, tuple[list[Act], Act, tuple[int, int, int]]] = {
    "create, JSON of 2 s": ([], created, (4, 8, 0)),
    "create, a stream of 15 s": ([], streamed, (10, 17, 0)),
    "create, in the background": ([], queued, (2, 5, 0)),
    "work of 15 s for that": ([queued], worked, (27, 17, 16)),
    "a live stream's second that is followed": ([running], told_followers, (2, 2, 0)),
    "a follower's look that finds nothing": ([running], followed, (4, 0, 4)),
    "a poll of what is running": ([running], polled, (3, 0, 3)),
    "a poll of what is queued": ([queued], polled, (2, 0, 2)),
    "retrieve": ([streamed], retrieved, (1, 0, 1)),
    "replay": ([streamed], replayed, (2, 0, 3)),
    "continue": ([streamed], continued, (1, 0, 1)),
    "refer to an item": ([streamed], referred, (2, 0, 2)),
    "delete": ([streamed], deleted, (4, 13, 2)),
}


@pytest.mark.parametrize("use", USES)
async def test_a_use_keeps_to_its_budget(aws: Aws, use: str) -> None:
    store = DynamoStore(aws.dynamodb, aws.bucket, aws.table, clock=lambda: 1_800_000_000.123456)
    history = [message(f"msg_{number}", f"{number}: {QUESTION}") for number in range(4)]
    run = Run(store, history=history, own=[message("msg_own", QUESTION)])
    before, act, budget = USES[use]
    for earlier in before:
        await earlier(store, run)
    meter = Meter()
    meter.units_of(aws.calls)
    aws.calls.clear()

    await act(store, run)
    units = meter.units_of(aws.calls)

    dollars = units.dollars * 1_000_000
    sys.stdout.write(
        f"\n{use:40}{units.calls:4} calls{units.writes:4} WRU{units.reads:4} RRU"
        f"{dollars:8.2f} $ per million"
    )
    calls, writes, reads = budget
    assert units.calls <= calls
    assert units.writes <= writes
    assert units.reads <= reads
