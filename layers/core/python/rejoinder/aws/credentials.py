"""Where our access keys come from: the environment, or the agent beside a restored function.

Lambda puts keys into the environment; with SnapStart it names an agent instead, whose keys
expire. Source: docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from time import time

import httpx
from msgspec import Struct, ValidationError
from msgspec.json import decode

from rejoinder.aws.replies import read
from rejoinder.aws.signing import AccessKey
from rejoinder.errors import Unavailable

REFRESH_SECONDS = 300.0  # before they expire
TIMEOUT_SECONDS = 2.0


class Handed(Struct, rename="pascal"):
    """What the agent says."""

    access_key_id: str
    secret_access_key: str
    token: str
    expiration: datetime


class Credentials:
    """Gives the access key to sign with; one that is about to expire is replaced before."""

    def __init__(
        self,
        env: Mapping[str, str],
        transport: httpx.AsyncBaseTransport,
        clock: Callable[[], float] = time,
    ) -> None:
        self._env = env
        self._transport = transport
        self._clock = clock
        self._key: AccessKey | None = None
        self._lock = asyncio.Lock()

    async def current(self) -> AccessKey:
        """The key to sign with now.

        Raises:
            Unavailable: if there is none to be had.
        """
        if (key := self._lasting(REFRESH_SECONDS)) is not None:
            return key
        async with self._lock:
            if (key := self._lasting(REFRESH_SECONDS)) is not None:
                return key  # somebody else fetched it while we waited
            try:
                self._key = await self._found()
            except Unavailable:
                if (key := self._lasting(0.0)) is None:
                    raise
                return key  # the old one is still good
            return self._key

    def _lasting(self, seconds: float) -> AccessKey | None:
        """The key that we have, if it lasts that long."""
        key = self._key
        return key if key is not None and key.expires_at > self._clock() + seconds else None

    async def _found(self) -> AccessKey:
        key, secret = self._env.get("AWS_ACCESS_KEY_ID"), self._env.get("AWS_SECRET_ACCESS_KEY")
        if key and secret:
            return AccessKey(key, secret, self._env.get("AWS_SESSION_TOKEN", ""))
        if url := self._env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            return await self._fetched(url)
        raise Unavailable("No AWS credentials were found.", code="server_error")

    async def _fetched(self, url: str) -> AccessKey:
        request = httpx.Request(
            "GET",
            url,
            headers=self._authorization(),
            extensions={
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT_SECONDS)
            },
        )
        try:
            reply = await read(await self._transport.handle_async_request(request))
            handed = decode(reply.body, type=Handed)
        except (httpx.HTTPError, ValidationError, ValueError) as error:
            raise Unavailable("AWS credentials could not be had.", code="server_error") from error
        return AccessKey(
            handed.access_key_id,
            handed.secret_access_key,
            handed.token,
            handed.expiration.timestamp(),
        )

    def _authorization(self) -> dict[str, str]:
        """The agent's own token. A file is read each time, because it may be rewritten."""
        token = self._env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        if file := self._env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            token = Path(file).read_text().strip()
        return {"authorization": token} if token else {}
