"""Upstreams that refuse: every status of contract §6.4, with the bodies that servers send."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.clients.models import Models
from tests.faults.asking import LEAKED_KEY, UPSTREAM_KEY, UPSTREAM_SAID, ask
from tests.faults.database import kept
from tests.faults.folding import folded
from tests.faults.wire import event_of
from tests.server import Server
from tests.upstreams.chat_replies import failure, html, raw, text
from tests.upstreams.chat_troubles import Stall

PATIENCE_SECONDS = 1.0  # of the server in conftest.py
PAGE = f"<html><head><title>{UPSTREAM_SAID}</title></head><body>{LEAKED_KEY}</body></html>"


@dataclass(frozen=True, slots=True)
class Ours:
    """What a client is told."""

    status: int
    type: str
    code: str | None


INVALID = Ours(400, "invalid_request_error", None)
OUR_KEY = Ours(500, "api_error", "upstream_auth")
ASTRAY = Ours(500, "api_error", "upstream_address")
TOO_LARGE = Ours(413, "invalid_request_error", "request_too_large")
SLOW_DOWN = Ours(429, "rate_limit_error", "rate_limit_exceeded")
NO_QUOTA = Ours(429, "rate_limit_error", "insufficient_quota")
DOWN = Ours(503, "server_error", "upstream_unavailable")
OVERLOADED = Ours(503, "server_error", "overloaded")
TIMEOUT = Ours(503, "server_error", "upstream_timeout")
STATUSES: Mapping[int, Ours] = {
    301: ASTRAY,
    307: ASTRAY,
    400: INVALID,
    401: OUR_KEY,
    402: NO_QUOTA,
    403: OUR_KEY,
    404: ASTRAY,
    405: ASTRAY,
    408: TIMEOUT,
    409: INVALID,
    413: TOO_LARGE,
    422: INVALID,
    429: SLOW_DOWN,
    500: DOWN,
    501: DOWN,
    502: DOWN,
    503: OVERLOADED,
    504: TIMEOUT,
    520: DOWN,
    529: OVERLOADED,
}
BODIES: Mapping[str, bytes] = {
    "error": b'{"error":{"message":"Key %b","type":"t","param":null,"code":null}}'
    % LEAKED_KEY.encode(),
    "page": PAGE.encode(),
    "nothing": b"",
    "half of something": b'{"error":{"message":"' + UPSTREAM_SAID.encode(),
    "a list": b'["%b"]' % UPSTREAM_SAID.encode(),
    "no text": bytes(range(128, 256)),
}


@pytest.mark.parametrize(
    ("stream", "store"), [(True, True), (False, True), (True, False)], ids=["stored", "json", "not"]
)
@pytest.mark.parametrize("sent", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("status", STATUSES)
def test_a_refusal_is_told_in_our_words(
    server: Server, models: Models, status: int, sent: bytes, stream: bool, store: bool
) -> None:
    model = models.saying(raw(status, sent))

    with ask(server, model, stream=stream, store=store) as exchange:
        told_status, told = exchange.status, exchange.json()

    error = told["error"]
    assert Ours(told_status, error["type"], error["code"]) == STATUSES[status]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["message"]
    assert LEAKED_KEY not in error["message"]
    assert UPSTREAM_SAID not in error["message"]
    assert kept(server, model) == []


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
def test_how_long_to_wait_is_passed_on(server: Server, models: Models, stream: bool) -> None:
    model = models.saying(failure(429, headers={"Retry-After": "17"}))

    with ask(server, model, stream=stream) as exchange:
        assert exchange.status == 429
        assert exchange.headers["retry-after"] == "17"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
def test_a_quota_that_is_used_up_is_not_tried_again(
    server: Server, models: Models, stream: bool
) -> None:
    model = models.saying(failure(429, code="insufficient_quota"))

    with ask(server, model, stream=stream) as exchange:
        assert exchange.status == 429
        assert exchange.json()["error"]["code"] == "insufficient_quota"
        assert exchange.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
def test_too_long_a_context_is_told_as_such(server: Server, models: Models, stream: bool) -> None:
    model = models.saying(failure(400, "Too long.", code="context_length_exceeded"))

    with ask(server, model, stream=stream) as exchange:
        assert exchange.status == 400
        error = exchange.json()["error"]

    assert (error["code"], error["param"]) == ("context_length_exceeded", "input")


@pytest.mark.parametrize("said", [LEAKED_KEY, UPSTREAM_KEY, f"Bearer {UPSTREAM_KEY}"])
def test_an_upstreams_words_pass_without_its_keys(
    server: Server, models: Models, said: str
) -> None:
    model = models.saying(failure(400, f"Bad header: {said}!")).replace("scripted/", "hasty/")

    with ask(server, model) as exchange:
        message = exchange.json()["error"]["message"]

    assert message.startswith("Bad header: ")
    assert LEAKED_KEY not in message
    assert UPSTREAM_KEY not in message


@pytest.mark.parametrize("store", [True, False], ids=["stored", "unstored"])
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_refusal_that_comes_late_is_told_in_the_stream(
    server: Server, models: Models, status: int, store: bool
) -> None:
    late = Stall("start", 1.3 * PATIENCE_SECONDS)
    model = models.saying(raw(status, PAGE.encode()).troubled(late))

    with ask(server, model, store=store) as exchange:
        assert exchange.status == 200
        first = exchange.chunk()
        frames = [*exchange.events()]

    assert first.startswith(b": ")
    assert [event_of(frame)["type"] for frame in frames] == [
        "response.created",
        "response.in_progress",
        "error",
        "response.failed",
    ]
    code = "rate_limit_exceeded" if status == 429 else "server_error"
    response = folded(frames)
    assert response["error"]["code"] == code
    assert response["output"] == []
    assert UPSTREAM_SAID.encode() not in b"".join(frames)
    assert kept(server, model) == ([response] if store else [])


def test_an_acceptance_that_comes_late_is_no_failure(server: Server, models: Models) -> None:
    model = models.saying(text("Hel", "lo").troubled(Stall("start", 1.3 * PATIENCE_SECONDS)))

    with ask(server, model) as exchange:
        assert exchange.status == 200
        assert exchange.chunk().startswith(b": ")
        response = folded(exchange.events())

    assert response["status"] == "completed"
    assert response["output_text"] == "Hello"


def test_a_page_with_status_200_is_a_failure(server: Server, models: Models) -> None:
    model = models.saying(html(200, PAGE))

    with ask(server, model) as exchange:
        status, error = exchange.status, exchange.json()["error"]

    assert (status, error["code"]) == (503, "upstream_unavailable")
    assert UPSTREAM_SAID not in error["message"]
