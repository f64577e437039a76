"""The front door: events as API Gateway makes them, and answers as it reads them."""

import base64
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from mangum.handlers import APIGateway

from tests.rig.small import Small
from tests.rig.stack import GatewayResponse, Route

ECHO = """
    import json

    def handle(event, context):
        return {"statusCode": 200, "body": json.dumps(event)}
"""
ANSWERS = """
    import json

    def handle(event, context):
        return json.loads(event["body"])
"""
SHAPED = GatewayResponse(
    status=404,
    headers={"x-request-id": "context.requestId", "retry-after": "'1'"},
    template='{"error": {"message": $context.error.messageString}}',
)


async def test_an_event_has_all_that_a_proxy_event_has(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered("echo", ECHO)
    await small.start(Route("GET", "/v1/responses/{response_id}", "echo"))

    reply = await http.get(
        f"{small.rig.url}/v1/responses/resp%5F1?include=a&include=b%20c&empty=",
        headers=[("X-Twice", "1"), ("X-Twice", "2"), ("TE", "trailers")],
    )

    event = reply.json()
    assert event["resource"] == "/v1/responses/{response_id}"
    assert event["path"] == "/v1/responses/resp%5F1"
    assert event["pathParameters"] == {"response_id": "resp_1"}
    assert event["queryStringParameters"] == {"include": "b c", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"include": ["a", "b c"], "empty": [""]}
    assert event["multiValueHeaders"]["X-Twice"] == ["1", "2"]
    assert event["headers"]["X-Twice"] == "2"
    assert event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert not {"te", "connection", "content-length"} & {name.lower() for name in event["headers"]}
    assert (event["body"], event["isBase64Encoded"]) == (None, False)
    context = event["requestContext"]
    assert context["requestId"] == reply.headers["x-amzn-requestid"]
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["path"] == "/prod/v1/responses/resp%5F1"
    assert context["stage"] == "prod"


async def test_mangum_reads_our_events(small: Small, http: httpx.AsyncClient) -> None:
    small.buffered("echo", ECHO)
    await small.start()
    body = {"input": '\N{SNOWMAN} "quoted"'}

    event = (await http.post(small.url("echo"), json=body, params={"a": ["1", "2"]})).json()

    config = {
        "api_gateway_base_path": "/",
        "text_mime_types": DEFAULT_TEXT_MIME_TYPES,
        "exclude_headers": [],
    }
    assert APIGateway.infer(event, None, config)  # type: ignore[arg-type]
    read = APIGateway(event, None, config)  # type: ignore[arg-type]
    assert read.scope["method"] == "POST"
    assert read.scope["path"] == "/echo"
    assert read.scope["query_string"] == b"a=1&a=2"
    assert json.loads(read.body) == body


async def test_a_custom_domain_has_no_stage_in_its_paths(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered("echo", ECHO)
    await small.start()

    reply = await http.get(f"http://127.0.0.1:{small.rig.port}/echo")

    assert reply.json()["path"] == reply.json()["requestContext"]["path"] == "/echo"


@pytest.mark.parametrize(
    ("path", "function", "parameters"),
    [
        ("/v1/models", "list", None),
        ("/v1/models/", "list", None),
        ("/v1/models/a/b:c", "one", {"model": "a/b:c"}),
        ("/v1/models/a%2Fb", "one", {"model": "a/b"}),
        ("/v1/models/health", "health", None),
        ("/v2/other", "rest", {"proxy": "v2/other"}),
        ("/v1/models/health/more", "one", {"model": "health/more"}),
    ],
)
async def test_the_most_literal_resource_gets_the_request(
    small: Small,
    http: httpx.AsyncClient,
    path: str,
    function: str,
    parameters: dict[str, str] | None,
) -> None:
    resources = {
        "list": "/v1/models",
        "one": "/v1/models/{model+}",
        "health": "/v1/models/health",
        "rest": "/{proxy+}",
    }
    small.buffered(function, ECHO)
    await small.start(Route("ANY", resources[function], function), *others(resources, function))

    event = (await http.get(small.rig.url + path)).json()

    assert event["resource"] == resources[function]
    assert event["pathParameters"] == parameters


def others(resources: dict[str, str], function: str) -> list[Route]:
    """Routes that lead to functions that are not there."""
    return [Route("GET", path, name) for name, path in resources.items() if name != function]


async def test_a_resource_without_the_method_refuses_though_a_greedy_one_has_it(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered("echo", ECHO)
    routes = [Route("GET", "/one", "echo"), Route("ANY", "/{proxy+}", "echo")]
    await small.start(*routes)

    reply = await http.delete(f"{small.rig.url}/one")

    assert reply.status_code == 403


async def test_an_unknown_url_gets_the_gateways_answer_by_its_template(
    small: Small, http: httpx.AsyncClient
) -> None:
    await small.start(responses={"MISSING_AUTHENTICATION_TOKEN": SHAPED})

    reply = await http.get(f"{small.rig.url}/nowhere")

    assert reply.status_code == 404
    assert reply.json() == {"error": {"message": "Missing Authentication Token"}}
    assert reply.headers["x-request-id"] == reply.headers["x-amzn-requestid"]
    assert reply.headers["retry-after"] == "1"


async def test_without_a_template_the_gateway_answers_as_aws_does(
    small: Small, http: httpx.AsyncClient
) -> None:
    await small.start()

    reply = await http.get(f"{small.rig.url}/nowhere")

    assert reply.status_code == 403
    assert reply.json() == {"message": "Missing Authentication Token"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"x" * (10 * 1024 * 1024 + 1), id="a body above 10 MB"),
        pytest.param(b'"' * 4_000_000, id="an event above 6 MB"),
    ],
)
async def test_what_is_too_large_is_a_413(
    small: Small, http: httpx.AsyncClient, body: bytes
) -> None:
    small.buffered("echo", ECHO)
    await small.start(responses={"REQUEST_TOO_LARGE": GatewayResponse(template='{"too": "large"}')})

    reply = await http.post(small.url("echo"), content=body)

    assert (reply.status_code, reply.json()) == (413, {"too": "large"})
    assert small.fleet("echo").invoked == 0


async def test_a_body_in_chunks_is_counted_as_well(small: Small, http: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 1024 * 1024

    small.buffered("echo", ECHO)
    await small.start()

    reply = await http.post(small.url("echo"), content=endless())

    assert reply.status_code == 413


async def test_headers_above_10_kb_are_refused(small: Small, http: httpx.AsyncClient) -> None:
    await small.start()

    reply = await http.get(f"{small.rig.url}/nowhere", headers={"x-long": "y" * 10_240})

    assert reply.status_code == 431


@pytest.mark.parametrize(
    "answer",
    [
        [],
        "text",
        {},
        {"statusCode": "many"},
        {"statusCode": 200, "body": {"not": "a string"}},
        {"statusCode": 200, "headers": ["no", "object"]},
        {"statusCode": 200, "headers": {"x-two": "a\r\nb: c"}},
        {"statusCode": 200, "multiValueHeaders": {"x-one": "no list"}},
    ],
)
async def test_a_malformed_answer_is_a_502(
    small: Small, http: httpx.AsyncClient, answer: object
) -> None:
    small.buffered("answers", ANSWERS)
    await small.start()

    reply = await http.post(small.url("answers"), json=answer)

    assert (reply.status_code, reply.json()) == (502, {"message": "Internal server error"})


async def test_headers_of_an_answer_are_joined_and_some_are_renamed(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered("answers", ANSWERS)
    await small.start()
    headers = {"X-One": 1, "Date": "today", "Content-Length": "999", "WWW-Authenticate": "Bearer"}
    answer = {
        "statusCode": 401,
        "headers": headers,
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "x-one": ["2"]},
        "body": "no",
    }

    reply = await http.post(small.url("answers"), json=answer)

    assert (reply.status_code, reply.text) == (401, "no")
    assert reply.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert reply.headers.get_list("x-one") == ["2"]
    assert reply.headers["x-amzn-remapped-www-authenticate"] == "Bearer"
    assert "date" not in reply.headers


@pytest.mark.parametrize(("binary", "text"), [((), "aGk="), (("*/*",), "hi")])
async def test_base64_is_decoded_only_for_binary_media_types(
    small: Small, http: httpx.AsyncClient, binary: tuple[str, ...], text: str
) -> None:
    code = """
        def handle(event, context):
            return {"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}
    """
    small.buffered("encoded", code)
    await small.start(binary_media_types=binary)

    reply = await http.get(small.url("encoded"))

    assert reply.text == text


async def test_a_body_of_a_binary_media_type_comes_as_base64(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered("echo", ECHO)
    await small.start(binary_media_types=("image/*",))

    reply = await http.post(
        small.url("echo"), content=b"\x89PNG", headers={"content-type": "image/png"}
    )

    assert reply.json()["isBase64Encoded"] is True
    assert base64.b64decode(reply.json()["body"]) == b"\x89PNG"


async def test_a_function_may_answer_late_but_not_later_than_its_integration_waits(
    small: Small, http: httpx.AsyncClient
) -> None:
    code = """
        import time

        def handle(event, context):
            time.sleep(10)
    """
    small.buffered("late", code)
    await small.start(Route("GET", "/hasty", "late", timeout_seconds=0.2))

    reply = await http.get(f"{small.rig.url}/hasty")

    assert (reply.status_code, reply.json()) == (504, {"message": "Endpoint request timed out"})
