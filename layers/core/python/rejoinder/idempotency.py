"""A request that is sent twice is answered once: the second time with the first one's response."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from time import time
from typing import Self

from rejoinder.errors import InvalidRequest, NotFound
from rejoinder.runs import Runs
from rejoinder.storage.base import ResponseStore, StoredResponse
from rejoinder.storage.idempotency import IdempotencyKeys, Remembered

KEPT_SECONDS = 24 * 3600
LOOK_SECONDS = 0.25
MAX_KEY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What a client calls a request that it may send twice, and the digest of its body."""

    key: str
    digest: str

    @classmethod
    def of(cls, key: str, body: bytes) -> Self:
        """The key of a request.

        Raises:
            InvalidRequest: if it is too long.
        """
        if len(key) > MAX_KEY_LENGTH:
            raise InvalidRequest(
                f"'Idempotency-Key' may have at most {MAX_KEY_LENGTH} characters; got {len(key)}.",
                code="string_above_max_length",
            )
        return cls(key, sha256(body).hexdigest())


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Knows which response a key stands for. A response that is not stored has no key."""

    keys: IdempotencyKeys
    store: ResponseStore
    runs: Runs
    reserved_seconds: float = 0.0  # for the upstream's first word, where other processes may ask

    async def first(self, stored: StoredResponse, key: IdempotencyKey | None) -> str | None:
        """The id of the response that the key stands for; None: from now on, for this one.

        Raises:
            InvalidRequest: if the key came with another body.
        """
        if key is None or not stored.response.store:
            return None
        expires_at = stored.response.created_at + KEPT_SECONDS
        while True:
            mine = Remembered(key.digest, stored.response.id, time() + self.reserved_seconds)
            first = await self.keys.remember(stored.tenant, key.key, mine, expires_at=expires_at)
            if first is None:
                return None
            self._check(first, key)
            if await self._exists(stored.tenant, first.response_id):
                return first.response_id
            if time() < first.reserved_until:  # another process may be asking its upstream
                await asyncio.sleep(LOOK_SECONDS)
            else:  # it was deleted, or came to nothing
                await self.keys.forget(stored.tenant, key.key, first.response_id)

    async def release(self, stored: StoredResponse, key: IdempotencyKey | None) -> None:
        """A first one came to nothing: who sends it again need not wait."""
        if key is not None and stored.response.store:
            await self.keys.forget(stored.tenant, key.key, stored.response.id)

    def _check(self, first: Remembered, key: IdempotencyKey) -> None:
        if first.digest != key.digest:
            raise InvalidRequest(
                "This 'Idempotency-Key' came with another body before; a new request needs a new "
                "key.",
                code="idempotency_key_reused",
            )

    async def _exists(self, tenant: str, response_id: str) -> bool:
        run = self.runs.get(tenant, response_id)
        if run is not None and run.recording.is_empty:
            return True  # nobody keeps it yet; later ones may be deleted already
        with suppress(NotFound):
            await self.store.get(tenant, response_id)
            return True
        return False
