"""Which stored response holds an item, by the item's id."""

import sqlite3
from collections.abc import Sequence

from rejoinder.errors import NotFound
from rejoinder.schema.items import Item


class ItemIndex:
    """The items of all responses of one file; a response is named by its row."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, tenant: str, row: int | None, items: Sequence[Item]) -> None:
        """Let items be found; what is known already stays."""
        self._db.executemany(
            "INSERT OR IGNORE INTO items VALUES (?, ?, ?)",
            [(tenant, item["id"], row) for item in items],
        )

    def response_of(self, tenant: str, item_id: str, *, now: float) -> str:
        """The id of the newest response that holds an item.

        Raises:
            NotFound: if none does.
        """
        found = self._db.execute(
            "SELECT responses.id FROM items JOIN responses ON row = response"
            " WHERE items.tenant = ? AND items.id = ? AND deleted_at IS NULL AND expires_at > ?"
            " ORDER BY response DESC LIMIT 1",
            (tenant, item_id, now),
        ).fetchone()
        if found is None:
            raise NotFound(
                f"No item {item_id!r} is stored for this account.", code="item_not_found"
            )
        return str(found[0])
