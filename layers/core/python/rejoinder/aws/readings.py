"""What readers see of a response: one query backwards from META or ORIGIN, mostly.

The newest batch of a response that has ended holds it as it is; while it lives, an earlier one
may, which is then read by its name.
"""

from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from rejoinder.aws.batches import EventLog, above
from rejoinder.aws.items import ItemIndex
from rejoinder.aws.metas import Meta
from rejoinder.aws.origins import Origin, Origins
from rejoinder.aws.partitions import Part, Partition, read_part
from rejoinder.aws.records import Records
from rejoinder.aws.table import EVENTS, META, ORIGIN
from rejoinder.errors import NotFound
from rejoinder.schema.items import Item
from rejoinder.schema.response import Response
from rejoinder.storage.base import ContinuedResponse, StoredResponse


@dataclass(frozen=True, slots=True)
class Whole:
    """All that there is of a response."""

    meta: Meta
    stored: StoredResponse
    frames: list[bytes]


class Readings:
    """Reads responses. What is deleted or expired is not found."""

    def __init__(
        self, records: Records, log: EventLog, origins: Origins, clock: Callable[[], float]
    ) -> None:
        self._records = records
        self._log = log
        self._origins = origins
        self._items = ItemIndex(records)
        self._clock = clock

    async def whole(self, partition: Partition) -> Whole:
        """All of it, for who makes or ends it."""
        meta, part = await self._part(partition, high=ORIGIN)
        origin = await self._origins.read(part.origin)
        stored = StoredResponse(
            partition.tenant,
            await self._log.response(meta.pk, meta.body, part.batches),
            origin.history(),
            origin.input(),
            origin.tools(),
            meta.expires_at,
            origin.request(),
        )
        return Whole(meta, stored, await self._log.frames(meta.last, part.batches))

    async def response(self, partition: Partition) -> Response:
        """The response as last recorded."""
        meta, part = await self._part(partition, limit=2)
        return await self._log.response(meta.pk, meta.body, part.batches)

    async def frames(self, partition: Partition, *, after: int) -> list[bytes]:
        """The events numbered above `after`."""
        meta, part = await self._part(partition, low=above(after))
        return await self._log.frames(meta.last, part.batches, after=after)

    async def continued(self, partition: Partition) -> ContinuedResponse:
        """All that a next turn builds on."""
        response, origin = await self._said(partition)
        items = [*origin.history(), *origin.input(), *response.output]
        return ContinuedResponse(response, items, origin.tools())

    async def input_items(self, partition: Partition) -> list[Item]:
        """The request's own items."""
        _, part = await self._part(partition, low=META, high=ORIGIN)
        return (await self._origins.read(part.origin)).input()

    async def item(self, tenant: str, item_id: str) -> Item:
        """The newest item of that id."""
        async with aclosing(self._items.responses_of(tenant, item_id)) as response_ids:
            async for response_id in response_ids:
                with suppress(NotFound):
                    response, origin = await self._said(Partition(tenant, response_id))
                    output: list[Item] = response.output
                    for item in (*origin.input(), *output):
                        if item["id"] == item_id:
                            return item
        raise NotFound(f"No item {item_id!r} is stored for this account.", code="item_not_found")

    async def _said(self, partition: Partition) -> tuple[Response, Origin]:
        meta, part = await self._part(partition, high=ORIGIN, limit=3)
        response = await self._log.response(meta.pk, meta.body, part.batches)
        return response, await self._origins.read(part.origin)

    async def _part(
        self,
        partition: Partition,
        *,
        low: str = EVENTS,
        high: str = META,
        limit: int | None = None,
    ) -> tuple[Meta, Part]:
        part = await read_part(self._records, partition.pk, low=low, high=high, limit=limit)
        if part.meta is None or not part.meta.is_visible(self._clock()):
            raise not_found(partition.response_id)
        return part.meta, part


def not_found(response_id: str) -> NotFound:
    """There is no such response, or not for this reader."""
    return NotFound(f"No response {response_id!r} is stored for this account.", param="response_id")
