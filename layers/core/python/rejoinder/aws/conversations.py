"""The store of conversations of a deployment: a partition of the table for each, and the bucket.

As responses do, a conversation changes by one write, that of its META; what that names was written
before, under names that nobody else uses. Nothing expires.
"""

from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from time import time

from msgspec.json import encode

from rejoinder.aws.additions import Additions, index_of, new_addition, newest_in, without
from rejoinder.aws.bucket import Bucket
from rejoinder.aws.client import Service
from rejoinder.aws.overflow import Overflow
from rejoinder.aws.records import Record, Records
from rejoinder.aws.standings import (
    IS_OWNED,
    MAY_BE_OWNED,
    NOBODY,
    VISIBLE,
    Overtaken,
    Place,
    Standing,
    Standings,
    new_name,
    no_conversation,
)
from rejoinder.aws.table import PK, SK
from rejoinder.errors import Conflict, NotFound, Unavailable
from rejoinder.schema.conversation import Conversation
from rejoinder.schema.items import Item
from rejoinder.storage.conversations import KeptConversation


class DynamoConversations:
    """A `ConversationStore` in a table and a bucket."""

    def __init__(
        self,
        dynamodb: Service,
        bucket: Bucket,
        table: str,
        *,
        clock: Callable[[], float] = time,
    ) -> None:
        self._clock = clock
        self._records = Records(dynamodb, table)
        self._standings = Standings(self._records)
        self._additions = Additions(self._records, Overflow(bucket))

    async def create(self, tenant: str, conversation: Conversation, items: Sequence[Item]) -> None:
        place, name = Place(tenant, conversation.id), new_name(version=0)
        if items:
            await self._records.keep(await self._added(place, name, items))
        await self._standings.begin(Standing.new(place, conversation, name, is_empty=not items))

    async def get(self, tenant: str, conversation_id: str) -> KeptConversation:
        standing = await self._standings.get(Place(tenant, conversation_id))
        conversation = standing.conversation(conversation_id)
        return KeptConversation(conversation, standing.version, standing.owner or None)

    async def update(
        self, tenant: str, conversation_id: str, metadata: dict[str, str]
    ) -> Conversation:
        changes = {"metadata": encode(metadata).decode()}
        place = Place(tenant, conversation_id)
        changed = await self._standings.change(place, changes, VISIBLE)
        return changed.conversation(conversation_id)

    async def delete(self, tenant: str, conversation_id: str) -> None:
        place = Place(tenant, conversation_id)
        is_ours = await self._standings.hide(place)
        await self._additions.clear(place)  # perhaps what an earlier attempt left
        await self._standings.remove(place)
        if not is_ours:
            raise no_conversation(place)

    async def items(self, tenant: str, conversation_id: str) -> list[Item]:
        return (await self._additions.read(Place(tenant, conversation_id))).items()

    async def item(self, tenant: str, item_id: str, conversation_id: str | None = None) -> Item:
        if conversation_id is None:
            return await self._item_of_any(tenant, item_id)
        reading = await self._additions.read(Place(tenant, conversation_id))
        found = newest_in(reading.additions, item_id)
        if found is None:
            raise _no_item(item_id)
        return found

    async def append(
        self, tenant: str, conversation_id: str, items: Sequence[Item], *, owner: str | None = None
    ) -> None:
        place = Place(tenant, conversation_id)
        is_done = False
        while not is_done:
            standing = await self._standings.get(place)
            self._check_open(standing, owner)
            name = new_name(standing.version + 1)
            records = await self._added(place, name, items, before=standing.last)
            is_done = await self._counts(place, standing, name, records, owner)

    async def remove(self, tenant: str, conversation_id: str, item_id: str) -> None:
        place = Place(tenant, conversation_id)
        is_done = False
        while not is_done:
            reading = await self._additions.read(place)
            self._check_open(reading.standing, None)
            item = newest_in(reading.additions, item_id)
            if item is None:  # perhaps because it was cut off when it had been done
                await self._additions.discard(place, reading.outdated(), reading.additions)
                raise _no_item(item_id)
            rest, name = without(reading.additions, item), new_name(reading.standing.version + 1)
            batch = await self._additions.stowed(place, name, rest)
            is_done = await self._counts(place, reading.standing, name, [batch], None)
        await self._additions.discard(place, list(reading.batches.values()), rest)

    async def lock(
        self, tenant: str, conversation_id: str, owner: str, *, version: int, lease_seconds: float
    ) -> None:
        now = self._clock()
        changes = {"owner": owner, "owned_until": now + lease_seconds}
        place = Place(tenant, conversation_id)
        await self._standings.change(place, changes, MAY_BE_OWNED, read=version, now=now)

    async def renew(
        self, tenant: str, conversation_id: str, owner: str, *, lease_seconds: float
    ) -> None:
        changes = {"owned_until": self._clock() + lease_seconds}
        try:
            await self._standings.change(
                Place(tenant, conversation_id), changes, IS_OWNED, mine=owner
            )
        except NotFound:
            raise Conflict from None

    async def unlock(self, tenant: str, conversation_id: str, owner: str) -> None:
        with suppress(Conflict, NotFound):
            await self._standings.change(
                Place(tenant, conversation_id), NOBODY, IS_OWNED, mine=owner
            )

    async def _added(
        self, place: Place, name: str, items: Sequence[Item], *, before: str = ""
    ) -> list[Record]:
        """A batch of new items, and what leads to them, not kept yet."""
        addition = new_addition(items)
        batch = await self._additions.stowed(place, name, [addition], before=before)
        return [batch, *({PK: pk, SK: sk} for pk, sk in index_of(place, [addition]))]

    async def _counts(
        self, place: Place, read: Standing, name: str, records: list[Record], owner: str | None
    ) -> bool:
        """Write a batch and let it count; False if another change came before it.

        Raises:
            NotFound: if the conversation was deleted.
        """
        await self._records.keep(records)
        try:
            await self._standings.advance(place, read, name, owner=owner, now=self._clock())
        except (Overtaken, NotFound) as refused:
            with suppress(Unavailable):  # else a removal takes it back, or the deletion
                await self._additions.take_back(records)
            if isinstance(refused, NotFound):
                raise
            return False
        return True

    async def _item_of_any(self, tenant: str, item_id: str) -> Item:
        async with aclosing(self._additions.holders(tenant, item_id)) as holders:
            async for stamp, conversation_id in holders:
                with suppress(NotFound):
                    reading = await self._additions.read(Place(tenant, conversation_id))
                    added = [each for each in reading.additions if each.stamp == stamp]
                    if (found := newest_in(added, item_id)) is not None:
                        return found
        raise _no_item(item_id)

    def _check_open(self, standing: Standing, owner: str | None) -> None:
        if not standing.is_open_to(owner, self._clock()):
            raise Conflict


def _no_item(item_id: str) -> NotFound:
    return NotFound(
        f"No item {item_id[:60]!r} is stored there for this account.",
        code="item_not_found",
        param="item_id",
    )
