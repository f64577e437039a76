"""The promises of the log of webhook deliveries: what became of each attempt."""

from dataclasses import dataclass
from typing import Protocol

from rejoinder.schema.items import JSON


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver an event. `outcome` is a status such as `200`, or what went wrong."""

    tenant: str
    webhook: str
    event: JSON
    attempt: int
    at: int
    outcome: str


class DeliveryLog(Protocol):
    """Keeps deliveries for as long as responses are kept."""

    async def note(self, delivery: Delivery, *, expires_at: int) -> None:
        """Keep one."""
        ...

    async def deliveries(self, tenant: str, *, limit: int) -> list[Delivery]:
        """A tenant's latest, newest first."""
        ...
