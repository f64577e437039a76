"""The promises of a store of conversations. One contract test suite holds for all.

Everything belongs to a tenant: what is another's, or deleted, does not exist. Nothing expires.
What one call has written, every later call sees, in whatever process.

A conversation may have an *owner*, a response that is being made in it: until it lets go, or its
lease runs out, nobody else changes the items; whoever does after that shuts it out. `version`
counts the changes of the items: who has read them becomes the owner only if they are still as read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rejoinder.schema.conversation import Conversation
from rejoinder.schema.items import Item


@dataclass(frozen=True, slots=True)
class KeptConversation:
    """A conversation, and what its store knows about it. The owner's lease may have run out."""

    conversation: Conversation
    version: int
    owner: str | None


class ConversationStore(Protocol):
    """Keeps conversations and their items, in their order, until they are deleted."""

    async def create(self, tenant: str, conversation: Conversation, items: Sequence[Item]) -> None:
        """Keep a new conversation with its first items. All of it, or nothing."""
        ...

    async def get(self, tenant: str, conversation_id: str) -> KeptConversation:
        """A conversation as it stands.

        Raises:
            NotFound: if there is none.
        """
        ...

    async def update(
        self, tenant: str, conversation_id: str, metadata: dict[str, str]
    ) -> Conversation:
        """Replace the metadata; an owner does not mind.

        Raises:
            NotFound: if there is none.
        """
        ...

    async def delete(self, tenant: str, conversation_id: str) -> None:
        """Remove a conversation with all its items, also from its owner.

        Raises:
            NotFound: if there is none.
        """
        ...

    async def items(self, tenant: str, conversation_id: str) -> list[Item]:
        """All items, oldest first: at least those of every version that was seen before.

        Raises:
            NotFound: if there is no such conversation.
        """
        ...

    async def item(self, tenant: str, item_id: str, conversation_id: str | None = None) -> Item:
        """An item by its id, of this conversation or of any; of several, the newest.

        Raises:
            NotFound: if there is none.
        """
        ...

    async def append(
        self, tenant: str, conversation_id: str, items: Sequence[Item], *, owner: str | None = None
    ) -> None:
        """Add items at the end: no reader sees some of them only. An owner lets go by this.

        Raises:
            NotFound: if there is no such conversation.
            Conflict: if another owns it, or whoever calls itself owner does not any more.
        """
        ...

    async def remove(self, tenant: str, conversation_id: str, item_id: str) -> None:
        """Remove an item.

        Raises:
            NotFound: if there is no such conversation, or item.
            Conflict: if somebody owns the conversation.
        """
        ...

    async def lock(
        self, tenant: str, conversation_id: str, owner: str, *, version: int, lease_seconds: float
    ) -> None:
        """Own a conversation, for as long as the lease.

        Raises:
            NotFound: if there is none.
            Conflict: if another owns it, or it has another version by now.
        """
        ...

    async def renew(
        self, tenant: str, conversation_id: str, owner: str, *, lease_seconds: float
    ) -> None:
        """Own a conversation for longer, counted from now; also after the lease has run out.

        Raises:
            Conflict: if another has owned it since, or it is deleted.
        """
        ...

    async def unlock(self, tenant: str, conversation_id: str, owner: str) -> None:
        """Let go of a conversation, unless another owns it by now, or nobody."""
        ...
