"""Removing what responses held."""

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import unquote

from rejoinder.aws.batches import EventLog
from rejoinder.aws.items import entries
from rejoinder.aws.origins import Origins
from rejoinder.aws.overflow import OBJECT, Overflow
from rejoinder.aws.partitions import Part, Partition, read_part
from rejoinder.aws.records import Key, Record, Records
from rejoinder.aws.table import META, ORIGIN, PK, SK
from rejoinder.errors import NotFound
from rejoinder.schema.items import Item


class Removal:
    """Removes what points to something after it, so that a removal cut off can be done again."""

    def __init__(
        self, records: Records, overflow: Overflow, log: EventLog, origins: Origins
    ) -> None:
        self._records = records
        self._overflow = overflow
        self._log = log
        self._origins = origins

    async def content(self, partition: Partition) -> None:
        """Remove all that a deleted response held; its META stays for a while."""
        part = await read_part(self._records, partition.pk, high=ORIGIN)
        held = list(part.batches.values())
        if part.origin is not None:
            held.append(part.origin)
        await self._records.remove(await self._index(partition, part))
        if any(OBJECT in record for record in held):
            await self._overflow.remove_all(partition.objects)
        await self._records.remove(map(_key_of, held))

    async def take_back(self, records: Sequence[Record]) -> None:
        """Remove these records again."""
        for record in records:
            await self._overflow.remove(record)
        await self._records.remove(map(_key_of, records))

    async def sweep(self, now: float) -> int:
        """Remove what is expired or deleted in the whole table; gives the number of responses.

        For tables that time to live is not at work on, or not soon enough: every record is read.
        """
        past = [record async for record in self._records.past(now) if _is_of_a_response(record)]
        gone = [record for record in past if record[SK] == META]
        for record in gone:
            _, tenant, _, response_id = record[PK].split("#")
            await self.content(Partition(unquote(tenant), response_id))
        await self.take_back(past)
        return len(gone)

    async def _index(self, partition: Partition, part: Part) -> list[Key]:
        """What tells of its items, also of those that never came to count."""
        found: list[Record] = []
        own = await self._own_items(part)
        for name, record in part.batches.items():
            if record["body_bytes"]:
                with suppress(NotFound):
                    response = await self._log.response(partition.pk, name, part.batches)
                    found += entries(partition.tenant, response, [*own, *response.output])
        return [_key_of(record) for record in found]

    async def _own_items(self, part: Part) -> list[Item]:
        with suppress(NotFound):
            return (await self._origins.read(part.origin)).input()
        return []


def _key_of(record: Record) -> Key:
    return record[PK], record[SK]


def _is_of_a_response(record: Record) -> bool:
    return record[PK].split("#", 3)[2:3] in (["R"], ["I"])
