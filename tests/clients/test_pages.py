"""Pages in browsers: those of the origins that the settings name may ask, no others."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server import KEY, Server

MINE = "https://pages.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang",
}
ALLOWED = "access-control-allow-origin"


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = f'cors_origins = ["{MINE}", "http://localhost:5173"]\n'
    with Server(tmp_path_factory.mktemp("pages"), config_extra=settings) as server:
        yield server


def asked(server: Server, origin: str) -> httpx.Response:
    """What a browser is told before the page's own request is sent."""
    url = f"{server.base_url}/responses"
    return httpx.options(url, headers={"Origin": origin, **PREFLIGHT})


def created(server: Server, origin: str, key: str = KEY, **fields: object) -> httpx.Response:
    """What the page is answered."""
    return httpx.post(
        f"{server.base_url}/responses",
        json={"model": "demo", "input": "Hm.", "mood": "merry", **fields},
        headers={"Origin": origin, "Authorization": f"Bearer {key}"},
    )


@pytest.mark.parametrize("origin", [MINE, "http://localhost:5173"])
def test_a_page_of_a_named_origin_may_ask(open_server: Server, origin: str) -> None:
    preflight = asked(open_server, origin)
    answer = created(open_server, origin)

    assert preflight.status_code == 200
    assert preflight.headers[ALLOWED] == answer.headers[ALLOWED] == origin
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "x-stainless-lang" in preflight.headers["access-control-allow-headers"]
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"x-request-id", "x-ignored-parameters", "x-upstream-model"} <= {*exposed}
    assert answer.headers["x-ignored-parameters"] == "mood"


def test_a_page_may_read_refusals_and_streams(open_server: Server) -> None:
    refused = created(open_server, MINE, key="sk-guessed")
    streamed = created(open_server, MINE, stream=True)

    assert (refused.status_code, refused.headers[ALLOWED]) == (401, MINE)
    assert streamed.headers[ALLOWED] == MINE
    assert streamed.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("origin", ["https://other.example", f"{MINE}.evil", "null"])
def test_a_page_of_another_origin_is_told_nothing(open_server: Server, origin: str) -> None:
    assert asked(open_server, origin).status_code == 400
    assert ALLOWED not in asked(open_server, origin).headers
    assert ALLOWED not in created(open_server, origin).headers


def test_every_page_may_ask_where_the_settings_say_so(tmp_path: Path) -> None:
    with Server(tmp_path, config_extra='cors_origins = ["*"]\n') as server:
        assert asked(server, MINE).headers[ALLOWED] == "*"
        assert created(server, MINE).headers[ALLOWED] == "*"


def test_no_page_may_ask_where_the_settings_say_nothing(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        assert asked(server, MINE).status_code == 405
        assert ALLOWED not in created(server, MINE).headers
