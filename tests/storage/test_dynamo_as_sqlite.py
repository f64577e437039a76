"""Two stores that are asked the same must say the same: the table and the file, at random.

The table is spoken to by several processes in turn, one of which loses replies. Each sequence of
actions comes from a seed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from rejoinder.aws.responses import DynamoStore
from rejoinder.engine.deltas import BlockEnded, Delta, Started, TextDelta
from rejoinder.errors import Conflict, NotFound
from rejoinder.storage.base import ResponseStore
from rejoinder_local.store import SQLiteStore
from tests.storage.contract import ACME, NOW, STOP, Clock, Run, message
from tests.storage.faults import Losing
from tests.storage.moto_server import Aws
from tests.storage.test_dynamo import noise

type JSON = Any

ACTIONS = 50
LATE = b'event: response.output_item.done\ndata: {"late":true}\n\n'


class Both:
    """A store that asks the file and one of the tables, and does not bear that they differ."""

    def __init__(
        self, file: ResponseStore, tables: Sequence[ResponseStore], random: Random
    ) -> None:
        self._file = file
        self._tables = tables
        self._random = random

    def __getattr__(self, name: str) -> Callable[..., JSON]:
        async def ask(*said: JSON, **options: JSON) -> JSON:
            table = self._random.choice(self._tables)
            expected = await outcome(self._file, name, *said, **options)
            found = await outcome(table, name, *said, **options)
            if isinstance(expected, bool):  # whether somebody follows: the file need not know
                assert isinstance(found, bool)
            else:
                assert found == expected, name
            if isinstance(expected, type):
                raise expected("as asked for")
            return expected

        return ask


async def outcome(store: ResponseStore, name: str, *said: JSON, **options: JSON) -> JSON:
    """What a store gives, or the kind of error that it raises."""
    try:
        return await getattr(store, name)(*said, **options)
    except (NotFound, Conflict) as error:
        return type(error)


class Play:
    """One response, to which its writers, its readers and time do something."""

    def __init__(self, store: ResponseStore, random: Random, number: int) -> None:
        self.store = store
        self.random = random
        self.name = f"resp_{number}"
        own = [message("msg_own", self.name), message("msg_b", noise(random.choice((8, 140_000))))]
        expires_at = NOW + random.choice((100, 4000))
        self.run = Run(store, self.name, own=own, expires_at=expires_at)
        self.queued = self.run.response
        self.earlier: list[str] = []
        self.writer = ""

    async def begin(self) -> None:
        await self.run.enqueue()
        self.queued = self.run.response

    async def say(self) -> None:
        size = self.random.choice((4, 8, 8, 80, 200_000))
        await self._say(TextDelta(0, noise(size)))

    async def end_item(self) -> None:
        await self._say(TextDelta(0, "."), BlockEnded(0))

    async def end(self) -> None:
        await self._say(TextDelta(0, "."), STOP)

    async def _say(self, *deltas: Delta) -> None:
        if self.run.response.is_live:
            started = [Started()] if self.run.response.status == "queued" else []
            await self.run.say(*started, *deltas)

    async def take_over(self) -> None:
        writer = f"writer {self.random.random()}"
        hold_seconds = self.random.choice((None, 30))
        await self.store.take_over(ACME, self.name, writer, hold_seconds=hold_seconds)
        self.earlier.append(self.writer)
        self.writer = writer
        self.run.taken_by(writer)

    async def rewind(self) -> None:
        await self.store.rewind(ACME, self.queued, next_number=2, writer=self.writer)
        self.run.again(self.queued, self.run.frames[:2])

    async def hold(self) -> None:
        await self.store.hold(ACME, self.name, self.writer, seconds=30)

    async def follow(self) -> None:
        await self.store.mark_followed(ACME, self.name)

    async def write_late(self) -> None:
        for writer in self.earlier:
            with pytest.raises(Conflict):
                await self.store.record(
                    ACME, self.run.response, [LATE], first_number=500, writer=writer
                )

    async def delete(self) -> None:
        if self.random.random() < 0.3:
            await self.store.delete(ACME, self.name)

    async def look(self) -> None:
        """Read all that there is."""
        after = self.random.randrange(-2, len(self.run.frames) + 2)
        item_ids = ["msg_own", *(item["id"] for item in self.run.response.output)]
        for name, said, options in (
            ("writer", self.name, {}),
            ("get", self.name, {}),
            ("frames", self.name, {"after": after}),
            ("frames", self.name, {"after": -1}),
            ("continued", self.name, {}),
            ("input_items", self.name, {}),
            ("item", self.random.choice(item_ids), {}),
        ):
            with suppress(NotFound):
                await getattr(self.store, name)(ACME, said, **options)


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> Iterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "rejoinder.db", clock=clock)
    yield store
    store.close()


@pytest.mark.parametrize("seed", range(4))
async def test_the_table_says_what_the_file_says(
    aws: Aws, file: SQLiteStore, clock: Clock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("rejoinder.aws.exchange.WAITS_SECONDS", (0.0, 0.0, 0.0))
    random = Random(seed)
    unlucky = Aws(aws.endpoint, Losing(aws.transport), aws.credentials, name=aws.name)
    tables = [
        DynamoStore(process.dynamodb, process.bucket, process.table, clock=clock)
        for process in (aws, aws, unlucky)
    ]
    both = cast(ResponseStore, Both(file, tables, random))
    plays: list[Play] = []

    for _ in range(ACTIONS):
        if not plays or random.random() < 0.05:
            plays.append(Play(both, random, len(plays)))
            await plays[-1].begin()
        play = random.choice(plays)
        acts = (
            *(play.say, play.say, play.say, play.end_item, play.end, play.take_over),
            *(play.rewind, play.hold, play.follow, play.write_late, play.delete),
        )
        with suppress(Conflict, NotFound):
            await random.choice(acts)()
        await random.choice(plays).look()
        clock.now += random.choice((0, 0, 1, 20))
