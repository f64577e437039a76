"""The items of a conversation: batches, each naming the one before it.

As with the events of a response, a batch counts if it is reached from the last one that META
names. What was said is never changed in place: who removes an item writes all others anew, as one
batch with none before it.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from time import time_ns

from msgspec import Struct
from msgspec.json import Decoder, encode
from msgspec.structs import replace

from rejoinder.aws.batches import chained, number_in
from rejoinder.aws.overflow import Overflow
from rejoinder.aws.partitions import Gone
from rejoinder.aws.records import Key, Record, Records
from rejoinder.aws.standings import Place, Standing, standing_in, visible
from rejoinder.aws.table import BATCHES, IN_CONVERSATION, META, PK, SK, item_key
from rejoinder.errors import Unavailable
from rejoinder.schema.items import JSON, Item

MAX_READINGS = 5  # one more for each removal that comes in between
PAGE = 8  # mostly the newest is the one


class Addition(Struct, frozen=True, array_like=True):
    """What was added at once. Its stamp tells when, and one addition from another."""

    stamp: str
    items: list[JSON]


_decode_additions = Decoder(list[Addition]).decode


@dataclass(frozen=True, slots=True)
class Reading:
    """A conversation and all its items, as they were at one moment."""

    standing: Standing
    batches: Mapping[str, Record]  # by their names, also those that do not count
    additions: Sequence[Addition]  # those that count, the oldest first

    def items(self) -> list[Item]:
        """The items, the oldest first."""
        return [item for addition in self.additions for item in addition.items]

    def outdated(self) -> list[Record]:
        """The batches that do not count, and cannot any more."""
        counting = {record[SK] for record in chained(self.standing.last, self.batches)}
        return [
            record
            for name, record in self.batches.items()
            if record[SK] not in counting and number_in(name) <= self.standing.version
        ]


class Additions:
    """The batches of all conversations, and the index of their items."""

    def __init__(self, records: Records, overflow: Overflow) -> None:
        self._records = records
        self._overflow = overflow

    async def stowed(
        self, place: Place, name: str, additions: Sequence[Addition], *, before: str = ""
    ) -> Record:
        """The record of a new batch, not kept yet."""
        object_key = f"{place.objects}{name.replace('#', '-')}"
        return {
            PK: place.pk,
            SK: BATCHES + name,
            "before": before,
            **await self._overflow.stowed(object_key, encode(additions)),
        }

    async def read(self, place: Place) -> Reading:
        """A conversation with its items.

        Raises:
            NotFound: if there is none.
        """
        for _ in range(MAX_READINGS):
            found = {
                record[SK]: record for record in await self._records.newest(place.pk, BATCHES, META)
            }
            standing = visible(standing_in(found.pop(META, None)), place)
            batches = {key.removeprefix(BATCHES): record for key, record in found.items()}
            additions = await self._counting(standing.last, batches)
            if additions is not None:
                return Reading(standing, batches, additions)
        raise Unavailable("The conversation changes too fast.", code="server_error")

    async def holders(self, tenant: str, item_id: str) -> AsyncGenerator[tuple[str, str]]:
        """The stamps of additions that may hold an item, and their conversations: newest first."""
        pk = item_key(tenant, item_id)
        records = self._records.backwards(pk, IN_CONVERSATION, f"{IN_CONVERSATION}:", page=PAGE)
        async with aclosing(records):
            async for record in records:
                _, stamp, conversation_id = record[SK].split("#", 2)
                yield stamp, conversation_id

    async def take_back(self, records: Sequence[Record]) -> None:
        """Remove records that do not count, and their objects before."""
        for record in records:
            await self._overflow.remove(record)
        await self._records.remove((record[PK], record[SK]) for record in records)

    async def discard(
        self, place: Place, batches: Sequence[Record], kept: Sequence[Addition] = ()
    ) -> None:
        """Remove batches, and first what leads to their items, but for those that are kept."""
        index: set[Key] = set()
        for batch in batches:
            if (content := await self._overflow.content(batch)) is not None:
                index |= index_of(place, _decode_additions(content))
        await self._records.remove(index - index_of(place, kept))
        await self.take_back(batches)

    async def clear(self, place: Place) -> None:
        """Remove all that a conversation held; its META stays."""
        await self.discard(place, await self._records.newest(place.pk, BATCHES, f"{BATCHES}:"))
        await self._overflow.remove_all(place.objects)  # also those that no batch names

    async def _counting(self, last: str, batches: Mapping[str, Record]) -> list[Addition] | None:
        """What counts; None if some of it was removed while it was read."""
        try:
            chain = chained(last, batches)
        except Gone:
            return None
        counting: list[Addition] = []
        for content in await asyncio.gather(*map(self._overflow.content, chain)):
            if content is None:
                return None
            counting += _decode_additions(content)
        return counting


def new_addition(items: Iterable[Item]) -> Addition:
    """Items to be added now."""
    return Addition(f"{time_ns():020d}", list(items))


def index_of(place: Place, additions: Iterable[Addition]) -> set[Key]:
    """The keys by which items are found without their conversation."""
    return {
        (
            item_key(place.tenant, item["id"]),
            f"{IN_CONVERSATION}{addition.stamp}#{place.conversation_id}",
        )
        for addition in additions
        for item in addition.items
    }


def newest_in(additions: Sequence[Addition], item_id: str) -> Item | None:
    """The last item of that id, if there is one."""
    for addition in reversed(additions):
        for item in reversed(addition.items):
            if item["id"] == item_id:
                found: Item = item
                return found
    return None


def without(additions: Sequence[Addition], item: Item) -> list[Addition]:
    """All but this very item."""
    return [
        replace(addition, items=[other for other in addition.items if other is not item])
        for addition in additions
    ]
