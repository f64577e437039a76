"""The one secret of a deployment: a JSON object, fetched once and kept for a while.

Its member `master` is what our own keys are derived from; the others are read as if they were
environment variables, such as the keys of upstreams.
"""

import asyncio
import hmac
from collections.abc import Callable, Mapping
from logging import getLogger
from time import time

from msgspec import DecodeError, Struct
from msgspec.json import decode

from rejoinder.aws.client import AwsError, Service
from rejoinder.errors import Unavailable

PATIENCE_SECONDS = 2.0  # for a newer secret, with a good one in hand
KEPT_SECONDS = 300.0
APART_SECONDS = 10.0  # what is refused again and again may not fetch it each time
MASTER = "master"

log = getLogger("rejoinder")


class Fetched(Struct, frozen=True):
    """The secret's members, and when they were asked for."""

    members: Mapping[str, str]
    at: float


class Secrets:
    """The members of the secret, and the keys derived from it."""

    def __init__(
        self, secretsmanager: Service, secret_id: str, clock: Callable[[], float] = time
    ) -> None:
        self._service = secretsmanager
        self._secret_id = secret_id
        self._clock = clock
        self._fetched: Fetched | None = None
        self._lock = asyncio.Lock()

    async def members(self) -> Mapping[str, str]:
        """All but the master, by their names.

        Raises:
            Unavailable: if the secret was never read, and cannot be.
        """
        members = await self._members(KEPT_SECONDS)
        return {name: value for name, value in members.items() if name != MASTER}

    async def refresh(self) -> None:
        """Fetch the secret again, because a member of it was refused."""
        await self._members(APART_SECONDS)

    async def seal_key(self) -> bytes:
        """The 32 bytes that the contents of reasoning items are sealed with."""
        return await self._derived(b"seal")

    async def pepper(self) -> bytes:
        """What API keys are digested with."""
        return await self._derived(b"keys")

    async def _derived(self, purpose: bytes) -> bytes:
        members = await self._members(KEPT_SECONDS)
        return hmac.digest(members[MASTER].encode(), purpose, "sha256")

    async def _members(self, age_seconds: float) -> Mapping[str, str]:
        """The secret, of that age at most; older, if there is no newer one to be had."""
        async with self._lock:
            kept = self._fetched
            if kept is not None and self._clock() < kept.at + age_seconds:
                return kept.members
            asked_at = self._clock()
            try:
                async with asyncio.timeout(None if kept is None else PATIENCE_SECONDS):
                    members = await self._read()
            except (AwsError, Unavailable, TimeoutError):
                if kept is None:
                    raise
                log.warning("secret_not_refreshed")
                members = kept.members
            self._fetched = Fetched(members, asked_at)
            return members

    async def _read(self) -> Mapping[str, str]:
        reply = await self._service.call("GetSecretValue", {"SecretId": self._secret_id})
        try:
            members = decode(reply["SecretString"], type=dict[str, str])
            members[MASTER]
        except (DecodeError, KeyError) as error:
            raise Unavailable(
                "The secret of this deployment is no JSON object with a 'master'.",
                code="server_error",
            ) from error
        return members
