"""Requests that are wrong: each is refused with the right error, and leaves nothing behind."""

import httpx
import pytest

from tests.api.door import JSON, SECRET, Door, error_of, opened
from tests.unit.schema.malformed import MALFORMED, OVERSIZED
from tests.unit.schema.rows import Malformed

JSON_BODY = {"Content-Type": "application/json"}
GOOD = {"model": "demo", "input": SECRET}

URL = "/v1/responses/resp_0123456789abcdef0123456789abcdef"
BAD_IDS = {
    "another prefix": "msg_0123",
    "no prefix": "0123456789",
    "a prefix alone": "resp_",
    "capitals in the prefix": "RESP_0123",
    "a hyphen in the prefix": "resp-0123",
    "a blank": "resp_01 23",
    "a blank at the end": "resp_0123%20",
    "a dot": "resp_01.23",
    "a percent sign": "resp_01%2523",
    "a quote": "resp_01'--",
    "a line's end": "resp_0123%0a",
    "a zero byte": "resp_0123%00",
    "letters beyond ASCII": "resp_é",
    "digits of another script": "resp_٣",
    "invalid UTF-8": "resp_%ff",
    "65 characters": "resp_" + "a" * 60,
    "thousands of characters": "resp_" + "a" * 5000,
}
BAD_QUERIES = [
    ("", "stream=yes", "invalid_type", "stream"),
    ("", "stream=1", "invalid_type", "stream"),
    ("", "stream=", "invalid_type", "stream"),
    ("", "stream=true&starting_after=", "invalid_type", "starting_after"),
    ("", "stream=true&starting_after=x", "invalid_type", "starting_after"),
    ("", "stream=true&starting_after=1.5", "invalid_type", "starting_after"),
    ("", "stream=true&starting_after=1e3", "invalid_type", "starting_after"),
    ("", "stream=true&starting_after=%2B1", "invalid_type", "starting_after"),
    ("", "stream=true&starting_after=1_000", "invalid_type", "starting_after"),
    ("", "stream=true&starting_after=%D9%A3", "invalid_type", "starting_after"),
    ("", "stream=true&starting_after=" + "9" * 19, "invalid_type", "starting_after"),
    ("", "stream=true&starting_after=-1", "integer_below_min_value", "starting_after"),
    ("", "starting_after=3", "invalid_value", "starting_after"),
    ("", "stream=false&starting_after=3", "invalid_value", "starting_after"),
    ("", "stream=true&include_obfuscation=maybe", "invalid_type", "include_obfuscation"),
    ("/input_items", "limit=0", "integer_below_min_value", "limit"),
    ("/input_items", "limit=-5", "integer_below_min_value", "limit"),
    ("/input_items", "limit=101", "integer_above_max_value", "limit"),
    ("/input_items", "limit=ten", "invalid_type", "limit"),
    ("/input_items", "limit=", "invalid_type", "limit"),
    ("/input_items", "limit=%ff", "invalid_type", "limit"),
    ("/input_items", "order=newest", "invalid_value", "order"),
    ("/input_items", "order=ASC", "invalid_value", "order"),
    ("/input_items", "order=", "invalid_value", "order"),
    ("/input_items", "after=msg_nobody", "invalid_value", "after"),
    ("/input_items", "after=", "invalid_value", "after"),
    ("/input_items", "before=msg_nobody", "invalid_value", "before"),
]
ROUTES_OF_A_RESPONSE = [("GET", ""), ("DELETE", ""), ("GET", "/input_items"), ("POST", "/cancel")]


def named(case: Malformed) -> str:
    return case.name


async def post(door: Door, body: bytes, headers: JSON = None) -> httpx.Response:
    return await door.http.post("/v1/responses", content=body, headers=JSON_BODY | (headers or {}))


@pytest.mark.parametrize("case", MALFORMED + OVERSIZED, ids=named)
async def test_malformed_requests_are_refused(door: Door, case: Malformed) -> None:
    answer = await post(door, case.body, {"X-Request-ID": "mine"})

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (
        case.status,
        case.code,
        case.param,
    )
    assert error["type"] == ("not_found_error" if case.status == 404 else "invalid_request_error")
    assert answer.headers["x-request-id"] == "mine"
    assert door.kept == 0


@pytest.mark.parametrize("case", MALFORMED[::7], ids=named)
async def test_a_malformed_request_for_a_stream_gets_plain_json(
    door: Door, case: Malformed
) -> None:
    streamed = case.body.replace(b'{"model":', b'{"stream":true,"model":', 1)

    answer = await post(door, streamed)

    assert error_of(answer)["code"] == case.code


def test_the_table_is_long_enough_and_its_names_differ() -> None:
    names = [case.name for case in MALFORMED]

    assert len(names) >= 150
    assert len(names) == len(set(names))


@pytest.mark.parametrize("what", BAD_IDS)
@pytest.mark.parametrize(("method", "rest"), ROUTES_OF_A_RESPONSE)
async def test_malformed_ids_are_told_from_unknown_ones(
    door: Door, what: str, method: str, rest: str
) -> None:
    answer = await door.http.request(method, f"/v1/responses/{BAD_IDS[what]}{rest}")

    error = error_of(answer)
    assert answer.status_code == 400
    assert (error["code"], error["param"]) == ("invalid_response_id", "response_id")
    assert error["type"] == "invalid_request_error"
    assert len(error["message"]) < 200


@pytest.mark.parametrize(("method", "rest"), ROUTES_OF_A_RESPONSE)
async def test_unknown_ids_are_not_found(door: Door, method: str, rest: str) -> None:
    answer = await door.http.request(method, URL + rest)

    error = error_of(answer)
    assert answer.status_code == 404
    assert (error["type"], error["code"]) == ("not_found_error", "response_not_found")


@pytest.mark.parametrize(("rest", "query", "code", "param"), BAD_QUERIES)
async def test_bad_queries_are_refused(
    door: Door, rest: str, query: str, code: str, param: str
) -> None:
    response = await door.create()

    answer = await door.http.get(f"/v1/responses/{response['id']}{rest}?{query}")

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("0", "integer_below_min_value"),
        ("101", "integer_above_max_value"),
        ("ten", "invalid_type"),
        ("", "invalid_type"),
    ],
)
async def test_a_bad_limit_of_deliveries_is_refused(door: Door, limit: str, code: str) -> None:
    answer = await door.http.get("/v1/webhook_deliveries", params={"limit": limit})

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (400, code, "limit")


@pytest.mark.parametrize("body", [b"", b"{}", b"not JSON"])
async def test_a_foreground_response_cannot_be_cancelled(door: Door, body: bytes) -> None:
    response = await door.create()

    answer = await door.http.post(f"/v1/responses/{response['id']}/cancel", content=body)

    error = error_of(answer)
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error["code"], error["param"]) == (None, None)


async def test_what_is_not_stored_cannot_be_made_in_the_background(door: Door) -> None:
    fields = {"background": True, "store": False}

    answer = await door.http.post("/v1/responses", json=GOOD | fields)

    assert answer.status_code == 400
    assert error_of(answer)["param"] == "background"
    assert door.kept == 0


@pytest.mark.parametrize("excess", [0, 1])
async def test_a_body_over_the_limit_is_refused(
    tmp_path_factory: pytest.TempPathFactory, excess: int
) -> None:
    start, end = b'{"model": "demo", "input": "', b'"}'
    body = start + b"x" * (4096 - len(start) - len(end) + excess) + end

    async with opened(tmp_path_factory.mktemp("small"), max_body_bytes=4096) as door:
        announced = await post(door, body)
        unannounced = await door.http.post("/v1/responses", content=_parts(body), headers=JSON_BODY)

        for answer in (announced, unannounced):
            assert answer.status_code == (413 if excess else 200)
        assert door.kept == (0 if excess else 2)
    if excess:
        assert error_of(announced)["code"] == error_of(unannounced)["code"] == "request_too_large"


async def _parts(body: bytes) -> JSON:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


async def test_a_lie_about_the_length_does_not_help(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with opened(tmp_path_factory.mktemp("small"), max_body_bytes=1024) as door:
        for said in ("2000", "99999999999999999999", "²", "-5", "x"):
            headers = [("Content-Type", "application/json"), ("Content-Length", said)]
            raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
            answer = await door.http.post("/v1/responses", content=b"x" * 1025, headers=raw)
            assert answer.status_code == 413


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"model": "nobody"}, 400, "model_not_found", "model"),
        ({"model": "nobody\r\nX-Evil: 1"}, 400, "model_not_found", "model"),
        (
            {"previous_response_id": "resp_0"},
            400,
            "previous_response_not_found",
            "previous_response_id",
        ),
        ({"input": [{"type": "item_reference", "id": "msg_0"}]}, 404, "item_not_found", "input"),
        (
            {"input": [{"type": "function_call_output", "call_id": "c", "output": SECRET}]},
            400,
            "tool_call_not_found",
            "input",
        ),
        (
            {
                "input": [
                    {"type": "function_call", "call_id": "c", "name": "f", "arguments": SECRET}
                ]
            },
            400,
            "tool_output_missing",
            "input",
        ),
    ],
    ids=[
        "model",
        "model with line ends",
        "previous response",
        "item",
        "result without call",
        "call without result",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_does_not_fit_this_deployment_is_refused(
    door: Door, fields: JSON, status: int, code: str, param: str, stream: bool
) -> None:
    answer = await door.http.post("/v1/responses", json=GOOD | fields | {"stream": stream})

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)
    assert door.kept == 0


async def test_the_log_of_good_requests_is_discreet_too(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    await door.create(SECRET, instructions=SECRET, metadata={"note": SECRET})

    (record,) = [each for each in caplog.records if each.getMessage() == "request"]
    said = vars(record)
    assert (said["method"], said["path"], said["status"]) == ("POST", "/v1/responses", 200)
