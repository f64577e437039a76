"""The head of a streamed answer: status and headers as JSON, parted from the body by eight NULs.

Source: API Gateway developer guide, "Lambda proxy integrations with response streaming".
"""

import json
from collections.abc import Iterable

DELIMITER = b"\0" * 8
MAX_BYTES = 16 * 1024

# The gateway frames the body by itself, and keeps its connections to itself (RFC 9110, 7.6.1).
DROPPED = {
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


class PreludeTooLarge(Exception):
    """Status and headers exceed what API Gateway reads."""


def prelude_of(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """What stands before the body.

    Raises:
        PreludeTooLarge: if API Gateway would not find its end.
    """
    values: dict[str, list[str]] = {}
    for raw_name, value in headers:
        name = raw_name.decode("latin-1").lower()
        if name not in DROPPED:
            values.setdefault(name, []).append(value.decode("latin-1"))
    told: dict[str, object] = {"statusCode": status}
    if cookies := values.pop("set-cookie", None):
        told["cookies"] = cookies
    told["headers"] = {name: given[0] for name, given in values.items() if len(given) == 1}
    if repeated := {name: given for name, given in values.items() if len(given) > 1}:
        told["multiValueHeaders"] = repeated
    prelude = json.dumps(told, separators=(",", ":")).encode() + DELIMITER  # NULs are escaped
    if len(prelude) > MAX_BYTES:
        raise PreludeTooLarge(f"status and headers take {len(prelude)} of {MAX_BYTES} bytes")
    return prelude
