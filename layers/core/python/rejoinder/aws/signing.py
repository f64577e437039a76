"""Signature Version 4, the part of it that our services need.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from math import inf
from time import gmtime, strftime
from urllib.parse import quote

from msgspec import Struct, field

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "-_.~"  # with letters and digits: what is never escaped


class AccessKey(Struct, frozen=True):
    """Who signs. `expires_at` is in Unix seconds; keys of the environment never expire."""

    id: str
    secret: str
    session_token: str = ""
    expires_at: float = inf

    def __repr__(self) -> str:
        return f"AccessKey({self.id!r})"


class Scope(Struct, frozen=True):
    """What a signature is good for, besides the day."""

    region: str
    service: str


class Unsigned(Struct, frozen=True):
    """A request. Its path is escaped, its query is not; the names of headers are lower-case.

    But for S3, a path has no empty parts and no dots: a signature would have to resolve them.
    """

    method: str
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def query_string(self) -> str:
        """The query in the one form that is both signed and sent."""
        escaped = [
            (quote(name, safe=UNRESERVED), quote(value, safe=UNRESERVED))
            for name, value in self.query.items()
        ]
        return "&".join(f"{name}={value}" for name, value in sorted(escaped))


def signed_headers(
    request: Unsigned, host: str, key: AccessKey, scope: Scope, *, at: float
) -> dict[str, str]:
    """The request's headers and those that prove who asks, at a time in Unix seconds."""
    stamp = strftime("%Y%m%dT%H%M%SZ", gmtime(at))
    digest = sha256(request.body).hexdigest()
    headers = {**request.headers, "host": host, "x-amz-date": stamp}
    if key.session_token:
        headers["x-amz-security-token"] = key.session_token
    if scope.service == "s3":
        headers["x-amz-content-sha256"] = digest
    names = ";".join(sorted(headers))
    day = stamp[:8]
    where = f"{day}/{scope.region}/{scope.service}/aws4_request"
    asked = sha256(_canonical(request, headers, names, digest, scope).encode()).hexdigest()
    text = f"{ALGORITHM}\n{stamp}\n{where}\n{asked}"
    signature = hmac.digest(_signing_key(key.secret, day, scope), text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"{ALGORITHM} Credential={key.id}/{where}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def _canonical(
    request: Unsigned, headers: Mapping[str, str], names: str, digest: str, scope: Scope
) -> str:
    """The request in the form that both sides sign. All but S3 escape the path a second time."""
    path = request.path if scope.service == "s3" else quote(request.path, safe="/~")
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
    return "\n".join((request.method, path, request.query_string, lines, names, digest))


@lru_cache(maxsize=16)
def _signing_key(secret: str, day: str, scope: Scope) -> bytes:
    """Good for a day: all that goes into it but the secret is in the scope of the signature."""
    derived = f"AWS4{secret}".encode()
    for part in (day, scope.region, scope.service, "aws4_request"):
        derived = hmac.digest(derived, part.encode(), "sha256")
    return derived
