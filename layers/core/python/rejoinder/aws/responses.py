"""The response store of a deployment: a partition of the table for each response, and a bucket.

A response begins, changes and ends by one write each, that of its META. What META names was
written before it, under names that nobody else uses. So a crash leaves a response as it was
before or after, and what is sent twice does no harm.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from secrets import token_hex
from time import time

from rejoinder.aws.batches import Batch, EventLog, may_change, name_of, number_in
from rejoinder.aws.bucket import Bucket
from rejoinder.aws.client import Service
from rejoinder.aws.heads import Head, Heads
from rejoinder.aws.items import entries
from rejoinder.aws.metas import (
    GOES_ON,
    IS_LIVE,
    IS_MINE,
    MAY_BE_HELD,
    VISIBLE,
    Meta,
    Metas,
    meta_in,
)
from rejoinder.aws.origins import Origins
from rejoinder.aws.overflow import Overflow
from rejoinder.aws.partitions import Partition, read_part
from rejoinder.aws.readings import Readings, not_found
from rejoinder.aws.records import Records, Refused
from rejoinder.aws.removal import Removal
from rejoinder.aws.table import META, tenant_key
from rejoinder.errors import Conflict, Held, NotFound, Unavailable
from rejoinder.schema.items import Item
from rejoinder.schema.response import Response
from rejoinder.storage.base import ContinuedResponse, StoredResponse, Taken

TOMBSTONE_SECONDS = 3600  # so long may a writer be at work that was not told of a deletion


class DynamoStore:
    """A `ResponseStore` in a table and a bucket."""

    def __init__(
        self,
        dynamodb: Service,
        bucket: Bucket,
        table: str,
        *,
        batch_seconds: float = 1.0,
        clock: Callable[[], float] = time,
    ) -> None:
        self._batch_seconds = batch_seconds
        self._clock = clock
        self._records = Records(dynamodb, table)
        overflow = Overflow(bucket)
        self._metas = Metas(self._records)
        self._heads = Heads(self._metas, clock)
        self._log = EventLog(self._records, overflow)
        self._origins = Origins(overflow)
        self._readings = Readings(self._records, self._log, self._origins, clock)
        self._removal = Removal(self._records, overflow, self._log, self._origins)

    @property
    def batch_seconds(self) -> float:
        return self._batch_seconds

    async def begin(self, stored: StoredResponse, frames: Sequence[bytes]) -> None:
        response, expires_at = stored.response, stored.expires_at
        partition = Partition(stored.tenant, response.id)
        batch = await self._log.stowed(partition, Batch(frames, 0, response), expires_at=expires_at)
        origin = await self._origins.stowed(partition, stored)
        items = [*stored.input, *response.output]
        index = entries(stored.tenant, response, items, expires_at=expires_at)
        await self._records.keep([origin, batch, *index])
        meta = Meta(
            pk=partition.pk,
            sk=META,
            status=response.status,
            writer="",
            held_until=0.0,
            touched_at=self._clock(),
            is_followed=False,
            last=name_of(batch),
            body=name_of(batch),
            expires_at=expires_at,
            waiting=tenant_key(stored.tenant) if response.status == "queued" else "",
        )
        await self._metas.begin(meta)
        if response.is_live:
            self._heads.note(Head.of(meta))

    async def record(
        self,
        tenant: str,
        response: Response,
        frames: Sequence[bytes],
        *,
        first_number: int,
        writer: str = "",
    ) -> bool:
        partition = Partition(tenant, response.id)
        head = await self._heads.of(partition.pk, writer, first_number=first_number)
        is_changed = not response.is_live or may_change(frames)
        batch = Batch(frames, first_number, response if is_changed else None, head.last)
        return (await self._append(partition, head, batch, response)).is_followed

    async def take_over(
        self, tenant: str, response_id: str, writer: str, *, hold_seconds: float | None = None
    ) -> Taken:
        partition = Partition(tenant, response_id)
        try:
            whole = await self._readings.whole(partition)  # what cannot be read is not begun
            meta = await self._seized(partition.pk, writer, hold_seconds)
            self._heads.note(Head.of(meta))
            if meta.last != whole.meta.last:  # it was written on until now
                whole = await self._readings.whole(partition)
        except NotFound:
            raise Conflict from None
        return Taken(whole.stored, writer, whole.frames, meta.is_followed, meta.attempts)

    async def hold(self, tenant: str, response_id: str, writer: str, *, seconds: float) -> None:
        now = self._clock()
        changes = {"held_until": now + seconds, "touched_at": now}
        try:
            await self._metas.change(
                Partition(tenant, response_id).pk, changes, IS_MINE, now=now, mine=writer
            )
        except Refused:
            raise Conflict from None

    async def silent_seconds(self, tenant: str, response_id: str) -> float:
        now, meta = self._clock(), await self._metas.get(Partition(tenant, response_id).pk)
        return max(0.0, now - meta.touched_at) if meta is not None and meta.is_live(now) else 0.0

    async def rewind(
        self, tenant: str, response: Response, *, next_number: int, writer: str
    ) -> None:
        partition = Partition(tenant, response.id)
        part = await read_part(self._records, partition.pk)
        meta = part.meta
        if meta is None or not meta.is_live(self._clock()) or meta.writer != writer:
            raise Conflict
        try:
            batch = await self._log.cut(meta.last, part.batches, next_number, response)
        except NotFound:
            raise Conflict from None
        await self._append(partition, Head.of(meta), batch, response)

    async def mark_followed(self, tenant: str, response_id: str) -> None:
        pk = Partition(tenant, response_id).pk
        with suppress(Refused):
            await self._metas.change(pk, {"is_followed": True}, IS_LIVE, now=self._clock())

    async def writer(self, tenant: str, response_id: str) -> str | None:
        meta = await self._metas.get(Partition(tenant, response_id).pk)
        return meta.writer if meta is not None and meta.is_live(self._clock()) else None

    async def get(self, tenant: str, response_id: str) -> Response:
        return await self._readings.response(Partition(tenant, response_id))

    async def frames(self, tenant: str, response_id: str, *, after: int) -> list[bytes]:
        return await self._readings.frames(Partition(tenant, response_id), after=after)

    async def continued(self, tenant: str, response_id: str) -> ContinuedResponse:
        return await self._readings.continued(Partition(tenant, response_id))

    async def input_items(self, tenant: str, response_id: str) -> list[Item]:
        return await self._readings.input_items(Partition(tenant, response_id))

    async def item(self, tenant: str, item_id: str) -> Item:
        return await self._readings.item(tenant, item_id)

    async def delete(self, tenant: str, response_id: str) -> None:
        partition, now, deleter = Partition(tenant, response_id), self._clock(), token_hex(4)
        changes = {
            "deleted_at": now,
            "deleted_by": deleter,
            "expires_at": int(now) + TOMBSTONE_SECONDS,
        }
        meta: Meta | None
        try:
            meta = await self._metas.change(partition.pk, changes, VISIBLE, now=now)
        except Refused as refused:
            meta = meta_in(refused.found)
            if meta is None or not meta.deleted_at:
                raise not_found(response_id) from None
        await self._removal.content(partition)  # perhaps what an earlier attempt left
        if meta.deleted_by != deleter:
            raise not_found(response_id)

    async def sweep(self) -> int:
        return await self._removal.sweep(self._clock())

    async def _append(
        self, partition: Partition, head: Head, batch: Batch, response: Response
    ) -> Meta:
        """Write a batch after all that its writer knows of, and let it count."""
        expires_at, now = head.expires_at, self._clock()
        record = await self._log.stowed(partition, batch, expires_at=expires_at)
        ended = [] if response.is_live else response.output
        index = entries(partition.tenant, response, ended, expires_at=expires_at)
        name = name_of(record)
        self._heads.doubt(head, name)
        await self._records.keep([record, *index])
        changes = {"status": response.status, "last": name, "touched_at": now}
        if batch.response is not None:
            changes["body"] = name
        try:
            meta = await self._metas.change(
                head.pk, changes, GOES_ON, now=now, mine=head.writer, before=head.last
            )
        except Refused as refused:
            self._heads.forget(head)
            found = meta_in(refused.found)
            if found is None or found.deleted_at:
                with suppress(Unavailable):  # else it stays until it expires
                    await self._removal.take_back([record, *index])
                raise Conflict from None
            if found.last != name:
                moved = self._moved(head, found, batch)
                return await self._append(partition, moved, batch.after(found.last), response)
            meta = found  # it was we who changed it, and the reply was lost
        if response.is_live:
            self._heads.note(Head.of(meta))
        else:
            self._heads.forget(head)
        return meta

    def _moved(self, head: Head, meta: Meta, batch: Batch) -> Head:
        """The head, which was not where we knew it.

        Raises:
            Conflict: if it is not ours any more, or somebody told of these events.
        """
        is_ours = meta.is_live(self._clock()) and meta.writer == head.writer
        if not is_ours or number_in(meta.last) >= batch.first_number:
            raise Conflict
        return Head.of(meta)

    async def _seized(self, pk: str, writer: str, hold_seconds: float | None) -> Meta:
        now = self._clock()
        changes = {"writer": writer, "held_until": now + (hold_seconds or 0.0), "touched_at": now}
        is_forced = hold_seconds is None
        condition, counted = (IS_LIVE, ()) if is_forced else (MAY_BE_HELD, ("attempts",))
        try:
            return await self._metas.change(pk, changes, condition, now=now, counted=counted)
        except Refused as refused:
            meta = meta_in(refused.found)
            if meta is None or not meta.is_live(now):
                raise Conflict from None
            if meta.writer != writer:
                raise Held from None
            return meta  # it was we who changed it, and the reply was lost
