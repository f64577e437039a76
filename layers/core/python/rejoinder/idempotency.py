"""A request that is sent twice is answered once: the second time with the first one's response."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from time import time
from typing import Self

from rejoinder.errors import InvalidRequest, NotFound
from rejoinder.runs import Runs
from rejoinder.storage.base import ResponseStore
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
    clock: Callable[[], float] = time
    _beginning: set[str] = field(default_factory=set)  # ids of responses, in this process

    async def first(self, tenant: str, response_id: str, key: IdempotencyKey | None) -> str | None:
        """The id of the response that the key stands for; None: from now on, for this one.

        Raises:
            InvalidRequest: if the key came with another body.
        """
        if key is None:
            return None
        while True:
            now = self.clock()
            mine = Remembered(key.digest, response_id, now + self.reserved_seconds)
            expires_at = int(now) + KEPT_SECONDS
            first = await self.keys.remember(tenant, key.key, mine, expires_at=expires_at)
            if first is None:
                return None
            self._check(first, key)
            if await self._exists(tenant, first.response_id):
                return first.response_id
            if first.response_id in self._beginning or self.clock() < first.reserved_until:
                await asyncio.sleep(LOOK_SECONDS)
            else:  # it was deleted, or came to nothing
                await self.keys.forget(tenant, key.key, first.response_id)

    @asynccontextmanager
    async def beginning(
        self, tenant: str, response_id: str, key: IdempotencyKey | None
    ) -> AsyncGenerator[None]:
        """While a first one is put together; if that fails, its key stands for nothing."""
        self._beginning.add(response_id)
        try:
            yield
        except BaseException:
            await self.release(tenant, response_id, key)
            raise
        finally:
            self._beginning.discard(response_id)

    async def release(self, tenant: str, response_id: str, key: IdempotencyKey | None) -> None:
        """A first one came to nothing: who sends it again need not wait."""
        if key is not None:
            await self.keys.forget(tenant, key.key, response_id)

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
