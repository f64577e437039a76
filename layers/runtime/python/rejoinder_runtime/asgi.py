"""An event of API Gateway's as an ASGI scope.

Source: API Gateway developer guide, "Input format of a Lambda function for proxy integration"
(REST APIs, payload version 1.0); ASGI specification, "HTTP connection scope".
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode

type Event = Mapping[str, Any]

PATH_CHARACTERS = "/%:@!$&'()*+,;=~"  # what stands in a path as it is; RFC 3986, 3.3


class UnsupportedEvent(Exception):
    """The event is no HTTP request; the message says what is expected."""


def event_of(payload: bytes) -> Event:
    """Read an event.

    Raises:
        UnsupportedEvent: if it is not one of a REST API.
    """
    try:
        event = json.loads(payload)
    except ValueError:  # whose text would quote the request
        event = None
    if not isinstance(event, dict) or "httpMethod" not in event:
        raise UnsupportedEvent(
            "This function answers requests of an API Gateway REST API (Lambda proxy "
            "integration, payload version 1.0) only; the event has no 'httpMethod'."
        )
    return event


def body_of(event: Event) -> bytes:
    """The body of the request."""
    body: str = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return b64decode(body)
    return body.encode(errors="surrogatepass")  # half a character is for the application to refuse


def scope_of(event: Event) -> dict[str, Any]:
    """The request without its body."""
    headers = {
        name.lower(): values
        for name, values in _values(event, "headers", "multiValueHeaders").items()
    }
    told = {name: ", ".join(values) for name, values in headers.items()}
    root_path, path = _paths(event)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": event["httpMethod"],
        "scheme": told.get("x-forwarded-proto", "https"),
        "path": unquote(path),
        "raw_path": quote(path, PATH_CHARACTERS).encode(),
        "root_path": root_path,
        "query_string": _query(event),
        "headers": [
            (name.encode(), value.encode()) for name, values in headers.items() for value in values
        ],
        "client": (_requested(event).get("identity", {}).get("sourceIp"), 0),
        "server": (told.get("host", ""), int(told.get("x-forwarded-port", 443))),
    }


def _values(event: Event, single: str, multiple: str) -> Mapping[str, list[str]]:
    """All values by name; the gateway gives each of these maps, or null."""
    if several := event.get(multiple):
        return dict(several)
    return {name: [value] for name, value in (event.get(single) or {}).items()}


def _query(event: Event) -> bytes:
    values = _values(event, "queryStringParameters", "multiValueQueryStringParameters")
    return urlencode(values, doseq=True).encode()


def _requested(event: Event) -> Mapping[str, Any]:
    return event.get("requestContext") or {}


def _paths(event: Event) -> tuple[str, str]:
    """The root path, and the path as the API knows it.

    `requestContext.path` is what the client asked for; `path` lacks the stage, but not the base
    path of a custom domain; `resource` lacks both.
    """
    path: str = event.get("path") or "/"
    resource: str = event.get("resource") or ""
    for name, value in (event.get("pathParameters") or {}).items():
        resource = resource.replace(f"{{{name}}}", value).replace(f"{{{name}+}}", value)
    asked: str = _requested(event).get("path") or path
    stage = _before(path, asked)
    base = _before(resource, unquote(path))
    root_path = stage + base
    path = path.removeprefix(base)
    # Routers take the root path off a path that begins with it, and of this one it is off already.
    return ("" if f"{path}/".startswith(f"{root_path}/") else root_path), path


def _before(end: str, path: str) -> str:
    """What stands before the end of a path, if it ends so."""
    return path.removesuffix(end) if end and path.endswith(end) else ""
