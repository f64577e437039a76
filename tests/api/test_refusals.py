"""Requests refused by what they are, not by what they say: keys, media, methods, addresses."""

import httpx
import pytest

from tests.api.door import BEARER, KEY, Door, error_of

URL = "/v1/responses/resp_0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "authentication_required"),
        ({"Authorization": ""}, "authentication_required"),
        ({"Authorization": "Bearer"}, "authentication_required"),
        ({"Authorization": "Bearer   "}, "authentication_required"),
        ({"Authorization": "Basic bWU6bWU="}, "authentication_required"),
        ({"Authorization": "sk-mine"}, "authentication_required"),
        ({"X-API-Key": " "}, "authentication_required"),
        ({"Authorization": "Bearer sk-guessed"}, "invalid_api_key"),
        ({"Authorization": "Bearer SK-MINE"}, "invalid_api_key"),
        ({"X-API-Key": "sk-guessed"}, "invalid_api_key"),
        ({"Authorization": "Bearer sk-guessed", "X-API-Key": "sk-mine"}, "invalid_api_key"),
        ({"Authorization": "Bearer sk-mine,sk-mine"}, "invalid_api_key"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/responses"),
        ("GET", "/v1/responses"),
        ("GET", URL),
        ("DELETE", URL),
        ("GET", f"{URL}/input_items"),
        ("POST", f"{URL}/cancel"),
        ("GET", "/v1/webhook_deliveries"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/demo"),
        ("GET", "/v1/responses/malformed"),
        ("POST", "/v1/openai/responses"),
    ],
)
async def test_without_a_good_key_nothing_else_is_looked_at(
    door: Door, method: str, path: str, headers: dict[str, str], code: str
) -> None:
    door.http.headers.pop("Authorization")

    answer = await door.http.request(method, path, headers=headers, content=b"not JSON")

    error = error_of(answer)
    assert answer.status_code == 401
    assert (error["type"], error["code"], error["param"]) == ("authentication_error", code, None)
    assert "guessed" not in answer.text
    assert door.kept == 0


async def test_a_key_beyond_ascii_is_just_a_wrong_one(door: Door) -> None:
    answer = await door.http.get("/v1/models", headers=[(b"Authorization", b"Bearer \xff\xfe")])

    assert error_of(answer)["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    "media",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/octet-stream",
        "json",
        "",
    ],
)
async def test_another_content_type_is_refused(door: Door, media: str) -> None:
    answer = await door.http.post("/v1/responses", content=b"{}", headers={"Content-Type": media})

    assert answer.status_code == 415
    assert error_of(answer)["code"] == "unsupported_media_type"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, identity", "GZIP"])
async def test_a_compressed_body_is_refused(door: Door, encoding: str) -> None:
    answer = await door.http.post(
        "/v1/responses",
        content=b"{}",
        headers={"Content-Type": "application/json", "Content-Encoding": encoding},
    )

    assert answer.status_code == 415
    assert error_of(answer)["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/responses", "GET, POST"),
        ("PATCH", "/v1/responses", "GET, POST"),
        ("DELETE", "/v1/openai/responses", "GET, POST"),
        ("OPTIONS", "/v1/responses", "GET, POST"),
        ("POST", URL, "DELETE, GET"),
        ("POST", f"{URL}/input_items", "GET"),
        ("GET", f"{URL}/cancel", "POST"),
        ("DELETE", "/v1/webhook_deliveries", "GET"),
        ("POST", "/v1/models", "GET"),
        ("DELETE", "/v1/models/demo", "GET"),
        ("POST", "/health", "GET"),
        ("POST", "/metrics", "GET"),
        ("BREW", "/v1/responses", "GET, POST"),
    ],
)
async def test_other_methods_are_refused_naming_the_allowed_ones(
    door: Door, method: str, path: str, allowed: str
) -> None:
    answer = await door.http.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert error_of(answer)["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v2/responses",
        "/responses",
        "/v1/responses/",
        "/v1//responses",
        "/V1/responses",
        "/v1/responses/resp_0/output_items",
        "/v1/responses/resp_0/input_items/",
        "/v1/chat/completions",
        "/favicon.ico",
        "/v1/openai/openai/responses",
        "/health/",
        "/" + "a" * 3000,
    ],
)
async def test_unknown_urls_are_told_so(door: Door, path: str) -> None:
    answer = await door.http.get(httpx.URL("http://door", raw_path=path.encode()))

    error = error_of(answer)
    assert answer.status_code == 404
    assert (error["type"], error["code"]) == ("not_found_error", "unknown_url")
    assert len(error["message"]) < 300


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/openai/responses", "/v1/nowhere", URL])
@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket"])
async def test_a_websocket_is_refused_before_anything_else(
    door: Door, path: str, upgrade: str
) -> None:
    door.http.headers.pop("Authorization")
    handshake = {"Connection": "Upgrade", "Upgrade": upgrade, "Sec-WebSocket-Version": "13"}

    answer = await door.http.get(path, headers=handshake)

    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "HTTP/1.1"
    assert error_of(answer)["code"] == "websocket_not_supported"


async def test_keys_are_not_logged(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    await door.http.get("/v1/models", headers={"Authorization": "Bearer sk-guessed"})
    await door.http.get("/v1/models", headers=BEARER)

    said = str([vars(record) for record in caplog.records if record.name == "rejoinder"])
    assert KEY not in said
    assert "guessed" not in said
