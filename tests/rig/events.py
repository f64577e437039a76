"""Requests as REST API proxy events of version 1.0, which is what a proxy integration sends.

Source: "Input format of a Lambda function for proxy integration" of AWS's guide.
"""

import base64
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from zlib import crc32

from tests.rig.stack import ACCOUNT, REGION, STAGE, Route
from tests.rig.wire import Head

type JSON = Any

API_ID = "rig0000000"
# Source: "Amazon API Gateway important notes", headers that do not pass.
NEVER_PASSED = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
NOBODY = (
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "user",
    "userArn",
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that the gateway has read."""

    head: Head
    body: bytes
    request_id: str
    source_ip: str
    has_stage: bool  # /prod/v1/…, as at the API's own address; without: as at a custom domain

    @property
    def path(self) -> str:
        """The path without stage and query, as the client wrote it."""
        path = self.head.target.partition("?")[0]
        return path.removeprefix(f"/{STAGE}") or "/" if self.has_stage else path


def proxy_event(
    arrival: Arrival, route: Route, parameters: Mapping[str, str], *, is_binary: bool
) -> bytes:
    """The event, as JSON."""
    query = parse_qsl(arrival.head.target.partition("?")[2], keep_blank_values=True)
    headers = [*_passed(arrival.head), *_added(arrival)]
    event: JSON = {
        "resource": route.resource,
        "path": arrival.path,
        "httpMethod": arrival.head.method,
        "headers": dict(headers),
        "multiValueHeaders": _collected(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _collected(query) or None,
        "pathParameters": dict(parameters) or None,
        "stageVariables": None,
        "requestContext": _context(arrival, route),
        "body": _text(arrival.body, is_binary=is_binary),
        "isBase64Encoded": bool(arrival.body) and is_binary,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def trace_id(request_id: str) -> str:
    """A trace of X-Ray, in its form."""
    return f"1-{int(time.time()):08x}-{request_id.replace('-', '')[:24]}"


def _passed(head: Head) -> Iterable[tuple[str, str]]:
    return ((name, value) for name, value in head.headers if name.lower() not in NEVER_PASSED)


def _added(arrival: Arrival) -> Iterable[tuple[str, str]]:
    told = ", ".join([*arrival.head.values("x-forwarded-for"), arrival.source_ip])
    yield "X-Amzn-Trace-Id", f"Root={trace_id(arrival.request_id)}"
    yield "X-Forwarded-For", told
    yield "X-Forwarded-Port", "443"
    yield "X-Forwarded-Proto", "https"


def _collected(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    collected: dict[str, list[str]] = {}
    for name, value in pairs:
        collected.setdefault(name, []).append(value)
    return collected


def _context(arrival: Arrival, route: Route) -> JSON:
    now = datetime.now(UTC)
    return {
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "deploymentId": "rig001",
        "domainName": f"{API_ID}.execute-api.{REGION}.amazonaws.com",
        "domainPrefix": API_ID,
        "extendedRequestId": arrival.request_id.replace("-", "")[:15] + "=",
        "httpMethod": arrival.head.method,
        "identity": dict.fromkeys(NOBODY)
        | {
            "sourceIp": arrival.source_ip,
            "userAgent": arrival.head.value("user-agent") or None,
        },
        "path": f"/{STAGE}{arrival.path}" if arrival.has_stage else arrival.path,
        "protocol": "HTTP/1.1",
        "requestId": arrival.request_id,
        "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now.timestamp() * 1000),
        "resourceId": f"{crc32(route.resource.encode()):08x}",
        "resourcePath": route.resource,
        "stage": STAGE,
    }


def _text(body: bytes, *, is_binary: bool) -> str | None:
    if not body:
        return None
    if is_binary:
        return base64.b64encode(body).decode()
    return body.decode(errors="replace")
