"""Answers of functions as API Gateway reads them: buffered objects, and streams with a prelude.

Sources: "Output format of a Lambda function for proxy integration" and "Set up a Lambda proxy
integration with response streaming" of AWS's guide.
"""

import base64
import binascii
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from tests.rig.invocations import Invocation
from tests.rig.wire import Headers

type JSON = Any

PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = b"\0" * 8
LONGEST_PRELUDE_BYTES = 16 * 1024  # with its delimiter
# Source: "Amazon API Gateway important notes", headers that come back under another name.
REMAPPED = frozenset({"connection", "date", "server", "www-authenticate"})
DROPPED = frozenset({"content-length", "keep-alive", "trailer", "transfer-encoding", "upgrade"})


class Malformed(Exception):
    """The answer has not the form that API Gateway wants."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes to the client; of a stream, `body` is only the beginning."""

    status: int
    headers: Headers
    body: bytes


def buffered(payload: bytes, *, may_be_binary: bool) -> Answer:
    """A buffered answer.

    Raises:
        Malformed: if it has not the form {statusCode, headers, multiValueHeaders, body, …}.
    """
    try:
        told = json.loads(payload)
    except ValueError as error:
        raise Malformed("not JSON") from error
    if not isinstance(told, dict) or "statusCode" not in told:
        raise Malformed("no object with a statusCode")
    body = told.get("body")
    if body is not None and not isinstance(body, str):
        raise Malformed("body is no string")
    raw = (body or "").encode()
    if told.get("isBase64Encoded") and may_be_binary:
        try:
            raw = base64.b64decode(raw, validate=True)
        except binascii.Error as error:
            raise Malformed("body is not base64") from error
    return Answer(_status(told), _headers(told, has_cookies=False), raw)


async def streamed(invocation: Invocation, pieces: AsyncGenerator[bytes]) -> Answer:
    """The beginning of a streamed answer; the rest is left in `pieces`.

    Raises:
        Malformed: if it does not begin with a prelude.
        FunctionError: if the function failed before the prelude was complete.
    """
    if (await invocation.opening()).content_type != PRELUDE_TYPE:
        raise Malformed("the content type does not announce a prelude")
    begun = b""
    async for piece in pieces:
        begun += piece
        if DELIMITER in begun[:LONGEST_PRELUDE_BYTES]:
            break
        if len(begun) >= LONGEST_PRELUDE_BYTES:
            raise Malformed("no delimiter within 16 KB")
    prelude, delimiter, rest = begun.partition(DELIMITER)
    if not delimiter:
        raise Malformed("the stream ended before the delimiter")
    try:
        told = json.loads(prelude)
    except ValueError as error:
        raise Malformed("the prelude is not JSON") from error
    if not isinstance(told, dict):
        raise Malformed("the prelude is no object")
    return Answer(_status({"statusCode": 200} | told), _headers(told, has_cookies=True), rest)


def _status(told: JSON) -> int:
    status = told["statusCode"]
    if isinstance(status, str) and status.isdecimal():
        status = int(status)
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise Malformed(f"{status!r} is no status")
    return status


def _headers(told: JSON, *, has_cookies: bool) -> Headers:
    """Single and multiple headers together; a multiple one hides the single of the same name."""
    single, multiple = told.get("headers") or {}, told.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        raise Malformed("headers are no object")
    pairs: Headers = []
    hidden = {name.lower() for name in multiple}
    for name, value in single.items():
        if name.lower() not in hidden:
            pairs.append((name, _scalar(value)))
    for name, values in multiple.items():
        if not isinstance(values, list):
            raise Malformed("a value of multiValueHeaders is no list")
        pairs += [(name, _scalar(value)) for value in values]
    if has_cookies:
        pairs += [("Set-Cookie", _scalar(cookie)) for cookie in told.get("cookies") or []]
    return [
        (f"x-amzn-Remapped-{name}" if name.lower() in REMAPPED else name, value)
        for name, value in pairs
        if name.lower() not in DROPPED
    ]


def _scalar(value: JSON) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float) and not set("\r\n\0") & set(str(value)):
        return str(value)
    raise Malformed(f"{value!r} is no value of a header")
