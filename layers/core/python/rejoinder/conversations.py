"""Conversations as clients keep them: made, read, changed and deleted (contract §7)."""

from dataclasses import dataclass
from time import time

from rejoinder.context import check_called, distinct, resolved
from rejoinder.conversation_locks import ConversationLocks, busy
from rejoinder.errors import Conflict
from rejoinder.schema.conversation import Conversation, NewConversation
from rejoinder.schema.ids import new_id
from rejoinder.schema.items import InputItem, Item
from rejoinder.storage.base import ResponseStore
from rejoinder.storage.conversations import ConversationStore


@dataclass(frozen=True, slots=True)
class Conversations:
    """What a client may ask of them; how responses use them is the locks' to know."""

    store: ConversationStore
    responses: ResponseStore
    locks: ConversationLocks

    async def create(self, tenant: str, wanted: NewConversation) -> Conversation:
        """Make a conversation, of which some may have been said elsewhere.

        Raises:
            NotFound: if an item is referred to that is not stored.
            InvalidRequest: if the output of a tool has no call before it.
        """
        items = await self._resolved(tenant, wanted.items, [])
        conversation = Conversation(
            id=new_id("conv"), created_at=int(time()), metadata=wanted.metadata
        )
        await self.store.create(tenant, conversation, items)
        return conversation

    async def retrieve(self, tenant: str, conversation_id: str) -> Conversation:
        """A conversation, without its items.

        Raises:
            NotFound: if there is none.
        """
        return (await self.store.get(tenant, conversation_id)).conversation

    async def update(
        self, tenant: str, conversation_id: str, metadata: dict[str, str]
    ) -> Conversation:
        """Replace the metadata.

        Raises:
            NotFound: if there is none.
        """
        return await self.store.update(tenant, conversation_id, metadata)

    async def delete(self, tenant: str, conversation_id: str) -> None:
        """Remove a conversation and its items; responses made in it keep what they are made of.

        Raises:
            NotFound: if there is none.
        """
        await self.store.delete(tenant, conversation_id)

    async def items(self, tenant: str, conversation_id: str) -> list[Item]:
        """All that was said, oldest first.

        Raises:
            NotFound: if there is no such conversation.
        """
        await self.locks.caught_up(tenant, conversation_id)
        return await self.store.items(tenant, conversation_id)

    async def item(self, tenant: str, conversation_id: str, item_id: str) -> Item:
        """One thing that was said.

        Raises:
            NotFound: if there is no such conversation, or item.
        """
        await self.locks.caught_up(tenant, conversation_id)
        return await self.store.item(tenant, item_id, conversation_id)

    async def add(self, tenant: str, conversation_id: str, wanted: list[InputItem]) -> list[Item]:
        """Add items at the end; gives them with the ids that they have there.

        Raises:
            NotFound: if there is no such conversation, or no such item as one refers to.
            InvalidRequest: if a response is being made in the conversation, or the output of a
                tool has no call before it.
        """
        history = await self.items(tenant, conversation_id)
        items = await self._resolved(tenant, wanted, history)
        try:
            await self.store.append(tenant, conversation_id, items)
        except Conflict:
            raise busy(conversation_id, param="conversation_id") from None
        return items

    async def remove(self, tenant: str, conversation_id: str, item_id: str) -> Conversation:
        """Remove an item; gives the conversation.

        Raises:
            NotFound: if there is no such conversation, or item.
            InvalidRequest: if a response is being made in the conversation.
        """
        kept = await self.locks.caught_up(tenant, conversation_id)
        try:
            await self.store.remove(tenant, conversation_id, item_id)
        except Conflict:
            raise busy(conversation_id, param="conversation_id") from None
        return kept.conversation

    async def _resolved(
        self, tenant: str, wanted: list[InputItem], history: list[Item]
    ) -> list[Item]:
        stores = (self.responses, self.store)
        found = await resolved(stores, tenant, wanted, history, param="items")
        check_called(found, history)
        return distinct(found, history)
