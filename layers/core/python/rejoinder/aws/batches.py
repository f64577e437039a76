"""The log of a response's events: batches, each naming the one before it.

A batch counts if it is reached from the last one that META names. Whatever else lies in the
partition (of a writer who was taken over, or who died before META) is passed by, and so is what
a rewind forgot. A batch may hold the response as its events leave it: both tell the same words,
and packed together they are little more than one of them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex

from msgspec.json import Decoder, encode

from rejoinder.aws.overflow import Overflow
from rejoinder.aws.partitions import Gone, Partition
from rejoinder.aws.records import Record, Records
from rejoinder.aws.table import EVENTS, EXPIRES_AT, PK, SK
from rejoinder.engine.encoding import split_frames
from rejoinder.schema.response import Response

CHANGES = (b"event: response.in_progress\n", b"event: response.output_item.done\n")

_decode_response = Decoder(Response).decode


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events in a row, and the response after them if it is to be kept."""

    frames: Sequence[bytes]
    first_number: int
    response: Response | None
    before: str = ""  # the name of the batch before, if there is one

    @property
    def last_number(self) -> int:
        """The number of the last event."""
        return self.first_number + len(self.frames) - 1

    def after(self, name: str) -> "Batch":
        """The same, behind another batch."""
        return replace(self, before=name)


class EventLog:
    """The batches of all responses."""

    def __init__(self, records: Records, overflow: Overflow) -> None:
        self._records = records
        self._overflow = overflow

    async def stowed(self, partition: Partition, batch: Batch, *, expires_at: int) -> Record:
        """The record of a new batch, not kept yet."""
        body = b"" if batch.response is None else encode(batch.response)
        name = f"{batch.last_number:010d}#{token_hex(4)}"
        object_key = f"{partition.objects}{name.replace('#', '-')}"
        return {
            PK: partition.pk,
            SK: EVENTS + name,
            "first_number": batch.first_number,
            "before": batch.before,
            "body_bytes": len(body),
            EXPIRES_AT: expires_at,
            **await self._overflow.stowed(object_key, body + b"".join(batch.frames)),
        }

    async def response(self, pk: str, name: str, found: Mapping[str, Record]) -> Response:
        """The response that a batch holds.

        Raises:
            Gone: if the batch was removed.
        """
        record = found.get(name) or await self._records.get((pk, EVENTS + name))
        if record is None:
            raise Gone
        content = await self._overflow.content(record, limit=int(record["body_bytes"]))
        if content is None:
            raise Gone
        return _decode_response(content)

    async def frames(
        self, last: str, found: Mapping[str, Record], *, after: int = -1
    ) -> list[bytes]:
        """The events that count up to a batch, of those numbered above `after`.

        Raises:
            Gone: if one of the batches was removed.
        """
        chain = chained(last, found, after=after)
        told: list[bytes] = []
        for record, frames in zip(chain, await self._all_frames(chain), strict=True):
            told += frames[max(0, after + 1 - int(record["first_number"])) :]
            after = max(after, number_of(record))  # what was written twice is told once
        return told

    async def cut(
        self, last: str, found: Mapping[str, Record], next_number: int, response: Response
    ) -> Batch:
        """A batch to stand for the one in which a number comes next, without what follows.

        Raises:
            Gone: if a batch was removed.
        """
        record = chained(last, found, after=next_number - 2)[0]
        first_number = int(record["first_number"])
        frames = await self.frames(name_of(record), found, after=first_number - 1)
        kept = frames[: next_number - first_number]
        return Batch(kept, first_number, response, record["before"])

    async def _all_frames(self, chain: Sequence[Record]) -> list[list[bytes]]:
        contents = await asyncio.gather(*map(self._overflow.content, chain))
        if None in contents:
            raise Gone
        return [
            split_frames(content[int(record["body_bytes"]) :])
            for record, content in zip(chain, contents, strict=True)
            if content is not None
        ]


def chained(last: str, found: Mapping[str, Record], *, after: int = -1) -> list[Record]:
    """The batches that count, of those that tell of events above `after`, the oldest first.

    Raises:
        Gone: if one of them is not there.
    """
    chain: list[Record] = []
    while last and number_in(last) > after:
        if last not in found:
            raise Gone
        chain.append(found[last])
        last = found[last]["before"]
    return chain[::-1]


def name_of(record: Record) -> str:
    """The name of a batch; names sort as the numbers of their last events do."""
    name: str = record[SK].removeprefix(EVENTS)
    return name


def number_of(record: Record) -> int:
    """The number of a batch's last event."""
    return number_in(name_of(record))


def number_in(name: str) -> int:
    """The number of the last event of the batch that is named so."""
    return int(name.partition("#")[0])


def may_change(frames: Sequence[bytes]) -> bool:
    """Whether these events leave more of a live response changed than its words."""
    return any(frame.startswith(CHANGES) for frame in frames)


def above(after: int) -> str:
    """The lowest sort key of a batch with events above a number."""
    return f"{EVENTS}{after + 1:010d}"
