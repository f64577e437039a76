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
        "/v1/models/",
        "/v1/conversations/conv_0/items/",
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


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/", "POST /v1/responses asks a model, GET /v1/models lists them"),
        ("GET", "/v1", "POST /v1/responses asks a model, GET /v1/models lists them"),
        ("GET", "/v1/", "GET /v1/openapi.json describes all"),
        ("GET", "/v1/openai", "POST /v1/openai/responses asks a model"),
        ("POST", "/v1/responses/", "Leave out the slash at its end: /v1/responses."),
        ("GET", "/v1/models/", "Leave out the slash at its end: /v1/models."),
        ("GET", "/health/", "Leave out the slash at its end: /health."),
        ("GET", "/v1/conversations/c/items/", "at its end: /v1/conversations/c/items."),
        ("POST", "/v1/openai/responses//", "at its end: /v1/openai/responses."),
        ("POST", "/responses", "Write /v1/responses."),
        ("GET", "/models", "Write /v1/models."),
        ("POST", "/chat/completions", "Chat Completions is not spoken here"),
        ("GET", "/v1/nowhere/", "GET /v1/openapi.json describes all that is there."),
    ],
)
async def test_an_unknown_url_comes_with_the_one_to_use(
    door: Door, method: str, path: str, said: str
) -> None:
    answer = await door.http.request(method, path)

    assert answer.status_code == 404
    assert error_of(answer)["message"].startswith(f"Unknown URL: {method} {path}. ")
    assert said in error_of(answer)["message"]


@pytest.mark.parametrize("authorization", ["sk-mine", "Basic sk-mine", "Token sk-mine"])
async def test_a_key_without_bearer_is_told_what_is_missing(door: Door, authorization: str) -> None:
    answer = await door.http.get("/v1/models", headers={"Authorization": authorization})

    error = error_of(answer)
    assert "'Authorization: Bearer KEY'" in error["message"]
    assert "The Authorization header" in error["message"]
    assert "sk-mine" not in error["message"]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("/", "The model '/' is not served here. GET /v1/models lists all."),
        ("gpt-4o", "The model 'gpt-4o' is not served here. GET /v1/models lists all."),
        ("/demo", "The model '/demo' is not served here. Did you mean 'demo' or 'demo-twin'?"),
        ("demo/", "The model 'demo/' is not served here. Did you mean 'demo' or 'demo-twin'?"),
    ],
)
async def test_a_model_is_guessed_at_only_if_its_name_is_like_one(
    door: Door, model: str, said: str
) -> None:
    answer = await door.http.post("/v1/responses", json={"model": model, "input": "Hm."})

    error = error_of(answer)
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert error["message"].startswith(said)


async def test_a_model_with_an_endless_name_is_refused_in_few_words(door: Door) -> None:
    body = {"model": "demo/" + "m" * 5_000_000, "input": "Hm."}

    answer = await door.http.post("/v1/responses", json=body)

    error = error_of(answer)
    assert answer.status_code == 400
    assert (error["code"], error["param"]) == ("string_above_max_length", "model")
    assert error["message"] == "'model' may have at most 256 characters; got 5000005."
    assert len(answer.content) < 1000
    assert door.kept == 0


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
