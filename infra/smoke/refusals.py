"""Checks of refusals: ours, and those of what stands before the functions."""

from collections.abc import Callable
from http import HTTPStatus

import httpx

from infra.smoke.endpoint import (
    Endpoint,
    Refusal,
    is_by_gateway,
    is_from_gateway,
    ok,
    read_as,
)
from infra.smoke.outcome import Broken, Mark, Outcome, absent, differs, expected, judged, require

NO_KEY = {"authorization": ""}
ORIGIN = {"Origin": "https://smoke.example"}
MEGABYTE = 1_000_000
LONG_HEADER_BYTES = 11_000  # API Gateway takes 10,240 of all headers together
LONG_HEADER = {"x-padding": "x" * LONG_HEADER_BYTES}

type Check = Callable[[Endpoint], Outcome]


def refused(reply: httpx.Response, status: int, code: str | None = None) -> Outcome:
    """What an error says; its shape is the contract's, or something is broken."""
    error = read_as(reply, Refusal).error
    require(bool(reply.headers.get("x-request-id")), f"{reply.status_code} has no x-request-id")
    by = "API Gateway" if is_by_gateway(reply) else "the application"
    if is_by_gateway(reply):
        allowed = reply.headers.get("access-control-allow-origin")
        require(bool(allowed), f"API Gateway's {reply.status_code} cannot be read by web pages")
    fact = f"{reply.status_code} {error.code}, by {by}"
    is_right = reply.status_code == status and code in (None, error.code)
    return judged(fact, is_expected=is_right)


def unauthorized(endpoint: Endpoint) -> Outcome:
    """No key."""
    reply = endpoint.ask("GET", "/models", headers=NO_KEY)
    return refused(reply, HTTPStatus.UNAUTHORIZED, "authentication_required")


def unknown_url(endpoint: Endpoint) -> Outcome:
    """A path that is not there."""
    return refused(endpoint.ask("GET", "/nothing"), HTTPStatus.NOT_FOUND, "unknown_url")


def unknown_response(endpoint: Endpoint) -> Outcome:
    """A response that is not there, asked of the streaming function."""
    reply = endpoint.ask("GET", f"/responses/resp_{'0' * 32}")
    return refused(reply, HTTPStatus.NOT_FOUND, "response_not_found")


def wrong_method(endpoint: Endpoint) -> Outcome:
    """A method that a path does not know."""
    reply = endpoint.ask("PUT", "/responses")
    require(bool(reply.headers.get("allow")), f"{reply.status_code} without the header Allow")
    return refused(reply, HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed")


def upgrade(endpoint: Endpoint) -> Outcome:
    """A WebSocket, as coding agents try it first. API Gateway need not pass the wish on."""
    wish = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "c21va2Utc21va2Utc21va2U=",
    }
    reply = endpoint.ask("GET", "/responses", headers=wish)
    if reply.status_code == HTTPStatus.OK:
        fact = "200: the wish to upgrade does not reach the application"
        return judged(fact, is_expected=is_from_gateway(reply))
    return refused(reply, HTTPStatus.UPGRADE_REQUIRED, "websocket_not_supported")


def root(endpoint: Endpoint) -> Outcome:
    """The address without any path: the application has it, with a key or without."""
    bare = endpoint.ask("GET", f"{endpoint.root_url}/", headers=NO_KEY)
    found = refused(bare, HTTPStatus.NOT_FOUND, "unknown_url")
    keyed = refused(endpoint.ask("GET", f"{endpoint.root_url}/"), HTTPStatus.NOT_FOUND)
    is_expected = found.mark is Mark.EXPECTED and keyed.mark is Mark.EXPECTED
    return judged(f"{found.fact}; with a key: {keyed.fact}", is_expected=is_expected)


def pages(endpoint: Endpoint) -> Outcome:
    """Whether pages of other origins may ask, and may read what API Gateway refuses."""
    wish = ORIGIN | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    reply = endpoint.ask("OPTIONS", "/responses", headers=NO_KEY | wish)
    origin = reply.headers.get("access-control-allow-origin", "no origin")
    asked = f"a page may ask: {origin} ({reply.status_code})"
    refusal = endpoint.ask("GET", "/models", headers=ORIGIN | LONG_HEADER)
    if not is_by_gateway(refusal):
        return absent(f"{asked}; API Gateway refused nothing")
    refused(refusal, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    return expected(f"{asked}; it may read what API Gateway refuses")


def body(size: int, letter: str = "a") -> Check:
    """A body of so many bytes; as JSON inside of JSON a quote takes twice as many."""

    def check(endpoint: Endpoint) -> Outcome:
        piece = letter.replace('"', '\\"')
        text = piece * (size // len(piece))
        content = f'{{"model": "demo", "store": false, "input": "{text}"}}'
        json = {"content-type": "application/json"}
        try:
            reply = endpoint.ask("POST", "/responses", headers=json, content=content)
        except httpx.TransportError as error:
            return differs(f"the connection was cut: {type(error).__name__}")
        if not is_from_gateway(reply):
            return absent(f"{reply.status_code}: there is no API Gateway")
        return refused(reply, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request_too_large")

    return check


def long_headers(endpoint: Endpoint) -> Outcome:
    """More headers than API Gateway takes."""
    reply = endpoint.ask("GET", "/models", headers=LONG_HEADER)
    if reply.status_code == HTTPStatus.OK:
        taken = f"taken: {LONG_HEADER_BYTES:,} bytes of headers"
        return differs(taken) if is_from_gateway(reply) else absent(taken)
    return refused(reply, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def head(endpoint: Endpoint) -> Outcome:
    """An answer without a body: it must not hang, nor spoil its connection for the next one."""
    reply = ok(endpoint.ask("HEAD", "/models", waits_seconds=10))
    try:
        ok(endpoint.ask("GET", "/models"))
    except httpx.RemoteProtocolError as error:
        raise Broken("HEAD is answered with a body: the connection is of no use then") from error
    return expected(
        f"{reply.status_code} after {reply.elapsed.total_seconds() * 1000:.0f} ms, "
        f"content-length: {reply.headers.get('content-length', 'none')}"
    )


def paths(endpoint: Endpoint) -> Outcome:
    """Names with slashes, as they are and escaped; a slash too many."""
    statuses = {
        name: endpoint.ask("GET", f"/models/{name}").status_code
        for name in ("demo", "demo/demo", "demo%2Fdemo")
    }
    slash = endpoint.ask("GET", "/models/").status_code
    told = ", ".join(f"{name}: {status}" for name, status in statuses.items())
    is_expected = set(statuses.values()) == {HTTPStatus.OK} and slash == HTTPStatus.NOT_FOUND
    return judged(f"{told}; a slash too many: {slash}", is_expected=is_expected)


def odd_bytes(endpoint: Endpoint) -> Outcome:
    """A body that is no UTF-8: refused, or mended before it arrives."""
    content = b'{"model": "demo", "store": false, "input": "caf\xe9"}'
    json = {"content-type": "application/json"}
    reply = endpoint.ask("POST", "/responses", headers=json, content=content)
    if reply.status_code == HTTPStatus.OK:
        return judged("taken, with U+FFFD in its place", is_expected="\ufffd" in reply.text)
    return refused(reply, HTTPStatus.BAD_REQUEST)
