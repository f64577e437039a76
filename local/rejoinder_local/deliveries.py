"""The embedded log of webhook deliveries."""

from msgspec.json import decode, encode

from rejoinder.storage.deliveries import Delivery
from rejoinder_local.database import Database


class SQLiteDeliveries:
    """A `DeliveryLog` in one file."""

    def __init__(self, database: Database) -> None:
        self._db = database.db
        self._clock = database.clock

    async def note(self, delivery: Delivery, *, expires_at: int) -> None:
        self._db.execute(
            "INSERT INTO deliveries (tenant, webhook, event, attempt, at, outcome, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                delivery.tenant,
                delivery.webhook,
                encode(delivery.event),
                delivery.attempt,
                delivery.at,
                delivery.outcome,
                expires_at,
            ),
        )

    async def deliveries(self, tenant: str, *, limit: int) -> list[Delivery]:
        rows = self._db.execute(
            "SELECT webhook, event, attempt, at, outcome FROM deliveries"
            " WHERE tenant = ? AND expires_at > ? ORDER BY delivery DESC LIMIT ?",
            (tenant, self._clock(), limit),
        )
        return [
            Delivery(tenant, webhook, decode(event), attempt, at, outcome)
            for webhook, event, attempt, at, outcome in rows
        ]
