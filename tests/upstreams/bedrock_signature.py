"""AWS's check of a signature, version 4, written from its specification and not from a client.

Source: "Create a signed AWS API request", AWS Identity and Access Management user guide.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from tests.upstreams.connection import HttpRequest

TOLERANCE = timedelta(minutes=5)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who may ask, and where."""

    key_id: str = "AKIDSCRIPTED"
    secret: str = "scripted/secret+key"
    token: str | None = None
    region: str = "us-east-1"
    service: str = "bedrock"

    @property
    def env(self) -> dict[str, str]:
        """What a client finds in its environment."""
        given = {
            "AWS_ACCESS_KEY_ID": self.key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": self.region,
        }
        return given | ({"AWS_SESSION_TOKEN": self.token} if self.token else {})


class Unsigned(Exception):
    """An exception of AWS's by name, and its text."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


def check_signature(request: HttpRequest, account: Account) -> None:
    """Let pass only what this account signed.

    Raises:
        Unsigned: with AWS's name for what is wrong.
    """
    found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise Unsigned("MissingAuthenticationTokenException", "Missing Authentication Token")
    key_id, day, region, service, signed, signature = found.groups()
    if key_id != account.key_id or request.headers.get("x-amz-security-token") != account.token:
        text = "The security token included in the request is invalid."
        raise Unsigned("UnrecognizedClientException", text)
    if (region, service) != (account.region, account.service):
        raise _invalid("Credential should be scoped to a valid region.")
    names = signed.split(";")
    must = {"host", "x-amz-date"} | ({"x-amz-security-token"} if account.token else set())
    if not must <= set(names) or names != sorted(names):
        raise _invalid("Not all headers that must be signed are.")
    date = request.headers["x-amz-date"]
    at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs(datetime.now(UTC) - at) > TOLERANCE or not date.startswith(day):
        raise _invalid("Signature expired.")
    if _signature(request, names, (day, region, service), account.secret) != signature:
        text = "The request signature we calculated does not match the signature you provided."
        raise _invalid(text)


def _signature(
    request: HttpRequest, names: list[str], scope: tuple[str, str, str], secret: str
) -> str:
    canonical = hashlib.sha256(_canonical(request, names).encode()).hexdigest()
    place = "/".join((*scope, "aws4_request"))
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], place, canonical])
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _invalid(message: str) -> Unsigned:
    return Unsigned("InvalidSignatureException", message)


def _canonical(request: HttpRequest, names: list[str]) -> str:
    """The path is escaped once more than it is on the wire: so for all services but S3."""
    path, _, query = request.path.partition("?")
    headers = [f"{name}:{' '.join(request.headers[name].split())}" for name in names]
    digest = hashlib.sha256(request.raw).hexdigest()
    escaped = quote(path, safe="/-_.~")
    return "\n".join([request.method, escaped, query, *headers, "", ";".join(names), digest])
