"""From the event to the scope, with mangum's conversion as the oracle."""

from base64 import b64encode
from types import SimpleNamespace
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mangum.handlers.api_gateway import APIGateway
from starlette.requests import Request
from starlette.routing import Match, Route

from rejoinder_runtime.asgi import body_of, scope_of
from tests.runtime.events import event
from tests.runtime.requests import JSON

# What mangum does otherwise, and why we do not.
DIFFERENCES = {
    "asgi",  # 2.0: a lost client would not be an OSError
    "raw_path",  # None
    "root_path",  # "": links would lack the stage
    "headers",  # several values joined into one
    "server",  # port 80 if none is named, and a name of its own if there is no host
    "aws.event",
    "aws.context",  # added to both by who calls
}

TOKEN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
NAMES = st.text(TOKEN, min_size=1, max_size=12)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.lists(TEXTS, min_size=1, max_size=3)
SEGMENTS = st.lists(TEXTS.map(lambda text: quote(text, safe="")), min_size=1, max_size=4)


def headers_of(given: dict[str, list[str]]) -> dict[str, JSON]:
    return {
        "headers": {name: values[-1] for name, values in given.items()} or None,
        "multiValueHeaders": given or None,
    }


def query_of(given: dict[str, list[str]]) -> dict[str, JSON]:
    return {
        "queryStringParameters": {name: values[-1] for name, values in given.items()} or None,
        "multiValueQueryStringParameters": given or None,
    }


BODIES = st.one_of(
    st.just({"body": None, "isBase64Encoded": False}),
    TEXTS.map(lambda text: {"body": text, "isBase64Encoded": False}),
    st.binary(max_size=20).map(
        lambda data: {"body": b64encode(data).decode(), "isBase64Encoded": True}
    ),
)
EVENTS = st.builds(
    lambda segments, method, *parts: event(
        "/" + "/".join(segments),
        method=method,
        **{name: value for part in parts for name, value in part.items()},
    ),
    SEGMENTS,
    st.sampled_from(["GET", "POST", "DELETE", "OPTIONS"]),
    st.dictionaries(NAMES, VALUES, max_size=4).map(headers_of),
    st.dictionaries(TEXTS, VALUES, max_size=3).map(query_of),
    BODIES,
)


def by_mangum(told: dict[str, JSON]) -> APIGateway:
    config = {
        "api_gateway_base_path": "/",
        "text_mime_types": [],
        "exclude_headers": [],
    }
    return APIGateway(told, SimpleNamespace(), config)  # type: ignore[arg-type]


@given(EVENTS)
def test_the_scope_is_mangum_s_but_for_the_named_differences(told: dict[str, JSON]) -> None:
    ours = scope_of(told)

    theirs = dict(by_mangum(told).scope)

    assert set(ours) | {"aws.event", "aws.context"} == set(theirs)
    assert {name: ours[name] for name in ours.keys() - DIFFERENCES} == {
        name: theirs[name] for name in theirs.keys() - DIFFERENCES
    }


@given(EVENTS)
def test_the_body_is_mangum_s(told: dict[str, JSON]) -> None:
    assert body_of(told) == by_mangum(told).body


@given(EVENTS)
def test_headers_are_mangum_s_once_joined(told: dict[str, JSON]) -> None:
    joined: dict[bytes, bytes] = {}

    for name, value in scope_of(told)["headers"]:
        joined[name] = joined[name] + b", " + value if name in joined else value

    theirs = {name.lower() for name in told["multiValueHeaders"] or {}}
    if len(theirs) == len(told["multiValueHeaders"] or {}):  # mangum drops "A" for "a"
        assert [[*pair] for pair in joined.items()] == by_mangum(told).scope["headers"]


@given(st.dictionaries(NAMES, TEXTS, max_size=4))
def test_single_headers_do_if_there_are_no_others(given: dict[str, str]) -> None:
    told = event("/", headers=given, multiValueHeaders=None)

    assert dict(scope_of(told)["headers"]).keys() == {name.lower().encode() for name in given}


@given(st.dictionaries(TEXTS, VALUES, max_size=3))
def test_the_query_string_says_what_the_client_said(given: dict[str, list[str]]) -> None:
    query: bytes = scope_of(event("/", **query_of(given)))["query_string"]

    assert parse_qsl(query.decode(), keep_blank_values=True) == [
        (name, value) for name, values in given.items() for value in values
    ]


@given(SEGMENTS)
def test_the_raw_path_is_what_the_client_sent(segments: list[str]) -> None:
    path = "/" + "/".join(segments)

    assert scope_of(event(path))["raw_path"] == path.encode()


@pytest.mark.parametrize(
    ("told", "root_path", "path"),
    [
        # The gateway's own domain: the stage stands in requestContext.path only.
        ({"path": "/v1/x", "requestContext": {"path": "/prod/v1/x"}}, "/prod", "/v1/x"),
        # A custom domain without a base path.
        ({"path": "/v1/x", "requestContext": {"path": "/v1/x"}}, "", "/v1/x"),
        # A custom domain with the base path /llm: `path` has it, `resource` has not.
        (
            {
                "path": "/llm/v1/x",
                "resource": "/v1/{id}",
                "pathParameters": {"id": "x"},
                "requestContext": {"path": "/llm/v1/x"},
            },
            "/llm",
            "/v1/x",
        ),
        (
            {
                "path": "/llm/a/b",
                "resource": "/{proxy+}",
                "pathParameters": {"proxy": "a/b"},
                "requestContext": {"path": "/llm/a/b"},
            },
            "/llm",
            "/a/b",
        ),
        # A stage called as the first part of its paths: a root path would be taken off twice.
        ({"path": "/v1/x", "requestContext": {"path": "/v1/v1/x"}}, "", "/v1/x"),
        ({"path": "/v10/x", "requestContext": {"path": "/v1/v10/x"}}, "/v1", "/v10/x"),
        ({"path": None, "requestContext": None}, "", "/"),
    ],
)
def test_the_path_lacks_the_stage_and_the_base_path(
    told: dict[str, JSON], root_path: str, path: str
) -> None:
    scope = scope_of({"httpMethod": "GET", **told})

    assert (scope["root_path"], scope["path"]) == (root_path, path)


@pytest.mark.parametrize("stage", ["prod", "v1", "v1/responses"])
def test_starlette_finds_its_routes_behind_every_stage(stage: str) -> None:
    told = event("/v1/responses/resp_1", requestContext={"path": f"/{stage}/v1/responses/resp_1"})
    route = Route("/v1/responses/{response_id}", lambda request: None)

    match, found = route.matches(scope_of(told))

    assert match is Match.FULL
    assert found["path_params"] == {"response_id": "resp_1"}


def test_the_gateway_s_headers_tell_scheme_server_and_client() -> None:
    given = {"Host": ["api.example.com"], "X-Forwarded-Proto": ["https"]}
    scope = scope_of(event("/x", multiValueHeaders={**given, "X-Forwarded-Port": ["443"]}))

    assert scope["scheme"] == "https"
    assert scope["server"] == ("api.example.com", 443)
    assert scope["client"] == ("203.0.113.7", 0)
    assert str(Request(scope).url) == "https://api.example.com/x"


def test_half_a_character_is_left_to_the_application() -> None:
    assert body_of(event("/", body="\ud800")) == b"\xed\xa0\x80"
