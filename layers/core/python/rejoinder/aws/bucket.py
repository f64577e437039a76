"""The bucket: what is too large for the table, as objects under a prefix for each response."""

import os
import re
from urllib.parse import quote, unquote_plus

import httpx

from rejoinder.aws.client import endpoint_of
from rejoinder.aws.credentials import Credentials
from rejoinder.aws.exchange import AwsError, Exchange
from rejoinder.aws.replies import Reply
from rejoinder.aws.signing import UNRESERVED, Scope, Unsigned

MAX_LISTED = 1000


class Bucket:
    """Objects by their keys, whose parts are neither `.` nor `..`."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        credentials: Credentials,
        *,
        name: str,
        region: str,
        endpoint: str | None = None,
    ) -> None:
        ordinary = endpoint_of("s3", region, {})
        endpoint = endpoint or endpoint_of("s3", region, os.environ)
        self._root = "/"
        if endpoint == ordinary:
            endpoint = ordinary.replace("://", f"://{name}.")
        else:
            self._root = f"/{name}/"  # a server of some other name knows it by its path
        self._exchange = Exchange(transport, credentials, Scope(region, "s3"), endpoint, refusal_in)

    async def put(self, key: str, content: bytes) -> None:
        """Keep an object.

        Raises:
            Unavailable: as every method here, if S3 cannot be reached, is too busy, or is broken.
        """
        await self._exchange.send(Unsigned("PUT", self._path(key), body=content))

    async def get(self, key: str) -> bytes | None:
        """An object's content; None if there is none."""
        try:
            return (await self._exchange.send(Unsigned("GET", self._path(key)))).body
        except AwsError as error:
            if error.code == "NoSuchKey":
                return None
            raise

    async def delete(self, key: str) -> None:
        """Remove an object, if there is one."""
        await self._exchange.send(Unsigned("DELETE", self._path(key)))

    async def delete_prefix(self, prefix: str) -> int:
        """Remove all objects whose keys begin so; gives their number."""
        removed = 0
        while keys := await self._listed(prefix):
            for key in keys:
                await self.delete(key)
            removed += len(keys)
            if len(keys) < MAX_LISTED:
                break
        return removed

    async def _listed(self, prefix: str) -> list[str]:
        query = {
            "list-type": "2",
            "prefix": prefix,
            "max-keys": str(MAX_LISTED),
            "encoding-type": "url",
        }
        listed = await self._exchange.send(Unsigned("GET", self._root, query))
        return [
            unquote_plus(key) for key in re.findall(r"<Key>([^<]+)</Key>", listed.body.decode())
        ]

    def _path(self, key: str) -> str:
        if not {".", ".."}.isdisjoint(key.split("/")):
            raise ValueError(f"no key of ours: {key!r}")  # a URL would mean another object
        return self._root + quote(key, safe=f"/{UNRESERVED}")


def refusal_in(reply: Reply) -> AwsError:
    """The error of S3, which is XML: of a few words, so that no parser is needed."""
    said = reply.body.decode(errors="replace")
    code, message = (
        found[1] if (found := re.search(f"<{tag}>([^<]*)</{tag}>", said)) else ""
        for tag in ("Code", "Message")
    )
    return AwsError(code, message, said, status=reply.status)
