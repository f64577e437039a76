"""The embedded store of conversations: two tables beside the responses, in the same file."""

import zlib
from collections.abc import Callable, Sequence

from msgspec.json import Decoder, decode, encode
from msgspec.structs import replace

from rejoinder.errors import Conflict, NotFound
from rejoinder.schema.conversation import Conversation
from rejoinder.schema.items import JSON, Item
from rejoinder.storage.conversations import KeptConversation
from rejoinder_local.database import Database

_decode_conversation: Callable[[bytes], Conversation] = Decoder(Conversation).decode


class SQLiteConversations:
    """A `ConversationStore` in one file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._db = database.db
        self._clock = database.clock

    async def create(self, tenant: str, conversation: Conversation, items: Sequence[Item]) -> None:
        with self._database.transaction():
            row = self._db.execute(
                "INSERT INTO conversations (tenant, id, body) VALUES (?, ?, ?)",
                (tenant, conversation.id, encode(conversation)),
            ).lastrowid
            self._add(tenant, row, items)

    async def get(self, tenant: str, conversation_id: str) -> KeptConversation:
        body, version, owner = self._found(tenant, conversation_id, "body, version, owner")
        return KeptConversation(_decode_conversation(body), version, owner)

    async def update(
        self, tenant: str, conversation_id: str, metadata: dict[str, str]
    ) -> Conversation:
        with self._database.transaction():
            row, body = self._found(tenant, conversation_id, "row, body")
            changed = replace(_decode_conversation(body), metadata=metadata)
            self._db.execute(
                "UPDATE conversations SET body = ? WHERE row = ?", (encode(changed), row)
            )
        return changed

    async def delete(self, tenant: str, conversation_id: str) -> None:
        with self._database.transaction():
            (row,) = self._found(tenant, conversation_id, "row")
            self._db.execute("DELETE FROM conversations WHERE row = ?", (row,))

    async def items(self, tenant: str, conversation_id: str) -> list[Item]:
        (row,) = self._found(tenant, conversation_id, "row")
        found = self._db.execute(
            "SELECT body FROM conversation_items WHERE conversation = ? ORDER BY position", (row,)
        )
        return [_unpacked(body) for (body,) in found]

    async def item(self, tenant: str, item_id: str, conversation_id: str | None = None) -> Item:
        if conversation_id is not None:
            self._found(tenant, conversation_id, "row")
        found = self._db.execute(
            "SELECT conversation_items.body FROM conversation_items"
            " JOIN conversations ON row = conversation"
            " WHERE conversation_items.tenant = ?1 AND conversation_items.id = ?2"
            " AND (?3 IS NULL OR conversations.id = ?3) ORDER BY position DESC LIMIT 1",
            (tenant, item_id, conversation_id),
        ).fetchone()
        if found is None:
            raise _no_item(item_id)
        return _unpacked(found[0])

    async def append(
        self, tenant: str, conversation_id: str, items: Sequence[Item], *, owner: str | None = None
    ) -> None:
        with self._database.transaction():
            row, found, owned_until = self._found(
                tenant, conversation_id, "row, owner, owned_until"
            )
            if found != owner and (owner is not None or owned_until > self._clock()):
                raise Conflict
            self._add(tenant, row, items)
            self._changed(row)

    async def remove(self, tenant: str, conversation_id: str, item_id: str) -> None:
        with self._database.transaction():
            row, owner, owned_until = self._found(
                tenant, conversation_id, "row, owner, owned_until"
            )
            if owner is not None and owned_until > self._clock():
                raise Conflict
            removed = self._db.execute(
                "DELETE FROM conversation_items WHERE position ="
                " (SELECT max(position) FROM conversation_items"
                " WHERE conversation = ? AND id = ?)",
                (row, item_id),
            ).rowcount
            if not removed:
                raise _no_item(item_id)
            self._changed(row)

    async def lock(
        self, tenant: str, conversation_id: str, owner: str, *, version: int, lease_seconds: float
    ) -> None:
        now = self._clock()
        locked = self._db.execute(
            "UPDATE conversations SET owner = ?, owned_until = ? WHERE tenant = ? AND id = ?"
            " AND version = ? AND (owner IS NULL OR owner = ?1 OR owned_until <= ?)",
            (owner, now + lease_seconds, tenant, conversation_id, version, now),
        ).rowcount
        if not locked:
            self._found(tenant, conversation_id, "row")
            raise Conflict

    async def renew(
        self, tenant: str, conversation_id: str, owner: str, *, lease_seconds: float
    ) -> None:
        renewed = self._db.execute(
            "UPDATE conversations SET owned_until = ? WHERE tenant = ? AND id = ? AND owner = ?",
            (self._clock() + lease_seconds, tenant, conversation_id, owner),
        ).rowcount
        if not renewed:
            raise Conflict

    async def unlock(self, tenant: str, conversation_id: str, owner: str) -> None:
        self._db.execute(
            "UPDATE conversations SET owner = NULL WHERE tenant = ? AND id = ? AND owner = ?",
            (tenant, conversation_id, owner),
        )

    def _found(self, tenant: str, conversation_id: str, columns: str) -> tuple[JSON, ...]:
        found: tuple[JSON, ...] | None = self._db.execute(
            f"SELECT {columns} FROM conversations WHERE tenant = ? AND id = ?",
            (tenant, conversation_id),
        ).fetchone()
        if found is None:
            raise NotFound(
                f"No conversation {conversation_id[:60]!r} is stored for this account.",
                code="conversation_not_found",
                param="conversation_id",
            )
        return found

    def _changed(self, row: int) -> None:
        """Who owned it has let go by this, or was too late."""
        self._db.execute(
            "UPDATE conversations SET version = version + 1, owner = NULL WHERE row = ?", (row,)
        )

    def _add(self, tenant: str, row: int | None, items: Sequence[Item]) -> None:
        self._db.executemany(
            "INSERT INTO conversation_items (conversation, tenant, id, body) VALUES (?, ?, ?, ?)",
            [(row, tenant, item["id"], zlib.compress(encode(item), 1)) for item in items],
        )


def _unpacked(body: bytes) -> Item:
    item: Item = decode(zlib.decompress(body))
    return item


def _no_item(item_id: str) -> NotFound:
    return NotFound(
        f"No item {item_id[:60]!r} is stored there for this account.",
        code="item_not_found",
        param="item_id",
    )
