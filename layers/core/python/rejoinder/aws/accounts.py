"""API keys: which tenant one stands for. The table knows keys by their digests only."""

import hmac
from collections.abc import Callable
from time import time

from msgspec import Struct

from rejoinder.aws.client import Service
from rejoinder.aws.secrets import Secrets
from rejoinder.aws.table import api_key_key

KNOWN_SECONDS = 60.0  # how long a key may still be good that was revoked
UNKNOWN_SECONDS = 10.0
MAX_REMEMBERED = 10_000


class Answer(Struct, frozen=True):
    """What the table said of a key, and until when it is believed."""

    tenant: str | None
    until: float


class Accounts:
    """The tenants of API keys; what was looked up is remembered for a moment."""

    def __init__(
        self,
        dynamodb: Service,
        table: str,
        secrets: Secrets,
        clock: Callable[[], float] = time,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._secrets = secrets
        self._clock = clock
        self._remembered: dict[str, Answer] = {}  # by digest, the oldest first

    async def tenant_of_key(self, key: str) -> str | None:
        """The tenant of a key; None if it is unknown or revoked.

        Raises:
            Unavailable: if that cannot be told now.
        """
        digest = digest_of(key, await self._secrets.pepper())
        answer = self._remembered.get(digest)
        now = self._clock()
        if answer is not None and now < answer.until:
            return answer.tenant
        tenant = await self._looked_up(digest)
        self._remembered.pop(digest, None)
        while len(self._remembered) >= MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        kept_seconds = UNKNOWN_SECONDS if tenant is None else KNOWN_SECONDS
        self._remembered[digest] = Answer(tenant, now + kept_seconds)
        return tenant

    async def _looked_up(self, digest: str) -> str | None:
        reply = await self._dynamodb.call(
            "GetItem",
            {
                "TableName": self._table,
                "Key": api_key_key(digest),
                "ProjectionExpression": "tenant",
                "ConsistentRead": True,  # a new key is good at once
            },
        )
        tenant: str | None = reply["Item"]["tenant"]["S"] if "Item" in reply else None
        return tenant


def digest_of(key: str, pepper: bytes) -> str:
    """How a key is kept. It is random and long, so that no slow digest is needed."""
    return hmac.digest(pepper, key.encode(), "sha256").hex()
