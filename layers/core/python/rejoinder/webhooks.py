"""Webhooks: what is sent when a background response has ended, and how it is signed.

The form is Standard Webhooks', so that the official SDKs' `webhooks.unwrap()` verifies it
unchanged (contract §5.6).
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import digest
from typing import Literal

from msgspec.json import encode

from rejoinder.schema.items import JSON
from rejoinder.schema.response import Response

type Outcome = Literal[
    "response.completed", "response.failed", "response.incomplete", "response.cancelled"
]
OUTCOMES: tuple[Outcome, ...] = (
    "response.completed",
    "response.failed",
    "response.incomplete",
    "response.cancelled",
)

MIN_SECRET_LENGTH = 16

# Seconds after which a delivery that failed is tried again: over a day in all.
WAITS_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600, 40000)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a tenant wants to be told, and of what."""

    name: str
    tenant: str
    url: str
    secret: str = field(repr=False)
    outcomes: tuple[Outcome, ...] = OUTCOMES


def outcome_event(response: Response) -> JSON:
    """What is told of a response that has ended; told twice, it has the same id."""
    return {
        "id": f"evt_{sha256(response.id.encode()).hexdigest()[:32]}",
        "object": "event",
        "type": f"response.{response.status}",
        "created_at": response.completed_at or response.created_at,
        "data": {"id": response.id},
    }


def signed_headers(secret: str, event_id: str, sent_at: int, body: bytes) -> dict[str, str]:
    """The headers by which a receiver knows that this comes from us, and when it was sent."""
    signed = b".".join((event_id.encode(), str(sent_at).encode(), body))
    signature = b64encode(digest(_key_of(secret), signed, "sha256")).decode()
    return {
        "content-type": "application/json",
        "user-agent": "rejoinder",
        "webhook-id": event_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": f"v1,{signature}",
    }


def body_of(event: JSON) -> bytes:
    """The event as it is sent."""
    return encode(event)


def _key_of(secret: str) -> bytes:
    """`whsec_` and base64, as the standard has it; anything else is the key itself."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return b64decode(secret.removeprefix("whsec_"), validate=True)
    except NotBase64:
        return secret.encode()
