"""The embedded store of idempotency keys."""

from rejoinder.storage.idempotency import Remembered
from rejoinder_local.database import Database


class SQLiteKeys:
    """`IdempotencyKeys` in one file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember(
        self, tenant: str, key: str, what: Remembered, *, expires_at: int
    ) -> Remembered | None:
        with self._database.transaction() as db:
            found = db.execute(
                "SELECT digest, response_id, reserved_until FROM idempotency"
                " WHERE tenant = ? AND key = ? AND expires_at > ?",
                (tenant, key, self._database.clock()),
            ).fetchone()
            if found is not None:
                return Remembered(*found)
            db.execute(
                "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?)",
                (tenant, key, what.digest, what.response_id, what.reserved_until, expires_at),
            )
        return None

    async def forget(self, tenant: str, key: str, response_id: str) -> None:
        self._database.db.execute(
            "DELETE FROM idempotency WHERE tenant = ? AND key = ? AND response_id = ?",
            (tenant, key, response_id),
        )
