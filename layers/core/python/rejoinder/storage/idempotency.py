"""The promises of a store of idempotency keys: who asks twice is answered once."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an idempotency key stands for."""

    digest: str  # of the request's body
    response_id: str
    reserved_until: float = 0.0  # until then it may not be there yet, and is waited for


class IdempotencyKeys(Protocol):
    """Keys of tenants, each for a while."""

    async def remember(
        self, tenant: str, key: str, what: Remembered, *, expires_at: int
    ) -> Remembered | None:
        """Let an idempotency key stand for a response, unless it does for another: that one."""
        ...

    async def forget(self, tenant: str, key: str, response_id: str) -> None:
        """Let an idempotency key stand for nothing again, if it stands for this response."""
        ...
