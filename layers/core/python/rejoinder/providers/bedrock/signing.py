"""Who we are to AWS: SigV4 by botocore's signer, with the ordinary chain of credentials.

Botocore is imported when a first request needs it, in a thread: nothing here blocks the loop.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from rejoinder.errors import UpstreamAuth

SERVICE = "bedrock"

type Credentials = Any  # of several classes of botocore's


def configured_region(env: Mapping[str, str], profile: str = "") -> str:
    """The region that the environment names, or the profile; empty if none does."""
    if region := env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION"):
        return region
    if not (profile or env.get("AWS_PROFILE")):
        return ""
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        return str(Session(profile=profile or None).get_config_variable("region") or "")
    except BotoCoreError:
        return ""


def endpoint_of(region: str, env: Mapping[str, str]) -> str:
    """Where Bedrock answers, unless the environment says otherwise."""
    override = env.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME") or env.get("AWS_ENDPOINT_URL")
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return override or f"https://bedrock-runtime.{region}.{domain}"


class SigV4:
    """Signs requests. `ready` must have been awaited shortly before."""

    def __init__(self, region: str, env: Mapping[str, str], profile: str = "") -> None:
        self._region = region
        self._env = env
        self._profile = profile
        self._source: Credentials = None  # may refresh itself
        self._frozen: Credentials = None  # what is signed with
        self._signer: Any = None  # classes of botocore's, once it is loaded
        self._unsigned: Any = None
        self._lock = asyncio.Lock()

    async def ready(self) -> None:
        """Find credentials, or renew those that are about to expire.

        Raises:
            UpstreamAuth: if there are none.
        """
        if self._frozen is not None and not self._is_stale():
            return
        async with self._lock:
            if self._frozen is None or self._is_stale():
                self._frozen = await asyncio.to_thread(self._found)

    def sign(self, request: httpx.Request) -> None:
        """Add the headers that prove who asks."""
        unsigned = self._unsigned(
            request.method,
            str(request.url),
            headers={"host": request.headers["host"], "content-type": "application/json"},
            data=request.content,
        )
        self._signer(self._frozen, SERVICE, self._region).add_auth(unsigned)
        for name in ("X-Amz-Date", "X-Amz-Security-Token", "Authorization"):
            if name in unsigned.headers:
                request.headers[name] = unsigned.headers[name]

    def _is_stale(self) -> bool:
        needs = getattr(self._source, "refresh_needed", None)
        return needs is not None and bool(needs())

    def _found(self) -> Credentials:
        """In a thread: this may read files, ask the instance, or run a program."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        self._signer, self._unsigned = SigV4Auth, AWSRequest

        try:
            if self._source is None:
                self._source = self._load()
            if self._source is not None:
                return self._source.get_frozen_credentials()
        except BotoCoreError as error:
            raise UpstreamAuth(f"AWS credentials could not be had: {error}") from error
        raise UpstreamAuth("No AWS credentials were found for Bedrock.")

    def _load(self) -> Credentials:
        """The environment's first, as botocore does, without loading a session for them."""
        key, secret = self._env.get("AWS_ACCESS_KEY_ID"), self._env.get("AWS_SECRET_ACCESS_KEY")
        if key and secret and not self._profile:
            from botocore.credentials import Credentials as Static

            return Static(key, secret, self._env.get("AWS_SESSION_TOKEN") or None)
        from botocore.session import Session

        return Session(profile=self._profile or None).get_credentials()


class ApiKey:
    """A Bedrock API key: sent as it is, so that there is nothing to prepare or to sign."""

    sign: None = None

    async def ready(self) -> None:
        """Nothing to do."""
