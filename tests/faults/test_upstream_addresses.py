"""Upstreams that are not where the settings say: the operator hears of it, and how to mend it."""

import pytest

from tests.clients.models import Models
from tests.faults.asking import UPSTREAM_KEY, ask, wait_until
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import failure, raw

OURS = {"type": "api_error", "code": "upstream_address", "param": None}


def refusal_of(server: Server, model: str, *, stream: bool = False) -> tuple[int, dict[str, str]]:
    """The status and the error."""
    with ask(server, model, stream=stream) as exchange:
        return exchange.status, exchange.json()["error"]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
@pytest.mark.parametrize(
    ("provider", "path", "hint"),
    [
        ("rootless", "/chat/completions", "does base_url end with /v1?"),
        ("overlong", "/v1/chat/completions/chat/completions", "base_url ends with"),
    ],
)
def test_a_base_url_that_leads_to_nothing_is_the_operators_to_mend(
    own_server: Server, upstream: ChatUpstream, provider: str, path: str, hint: str, stream: bool
) -> None:
    status, error = refusal_of(own_server, f"{provider}/m", stream=stream)

    assert status == 500
    assert error == OURS | {"message": error["message"]}
    assert "address" in error["message"]
    assert str(upstream.port) not in error["message"]
    at = f"POST http://127.0.0.1:{upstream.port}{path} answered 404"
    [line] = [line for line in own_server.log.splitlines() if at in line]
    assert "upstream_misaddressed" in line
    assert f"provider={provider}" in line
    assert hint in line


def test_the_banner_says_that_nobody_was_found_there(
    own_server: Server, upstream: ChatUpstream
) -> None:
    asked = f"GET http://127.0.0.1:{upstream.port}/models answered 404"

    wait_until(lambda: asked in own_server.log)

    [line] = [line for line in own_server.log.splitlines() if asked in line]
    assert "rootless" in line
    assert "does base_url end with /v1?" in line


def test_a_model_that_is_not_there_is_still_the_clients_to_mend(
    server: Server, models: Models
) -> None:
    model = models.saying(failure(404, "The model `x` does not exist.", code="model_not_found"))

    status, error = refusal_of(server, model)

    assert (status, error["code"], error["param"]) == (400, "model_not_found", "model")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_with_where_it_leads(
    own_server: Server, models: Models, status: int
) -> None:
    there = f"https://user:{UPSTREAM_KEY}@models.example.com/v1/chat?key={UPSTREAM_KEY}"
    model = models.saying(raw(status, headers={"Location": there}))

    told_status, error = refusal_of(own_server, model)

    assert told_status == 500
    assert error == OURS | {"message": error["message"]}
    assert "redirects" in error["message"]
    assert "example.com" not in error["message"]
    assert f"answered {status}, a redirect to https://models.example.com;" in own_server.log


def test_a_country_that_is_not_served_is_not_a_wrong_key(server: Server, models: Models) -> None:
    said = "Country, region, or territory not supported"
    model = models.saying(failure(403, said, code="unsupported_country_region_territory"))

    status, error = refusal_of(server, model)

    assert (status, error["code"]) == (500, "upstream_auth")
    assert "key" not in error["message"]
    assert "country" in error["message"]
