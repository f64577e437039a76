"""Requests made up from the document, good and bad: no answer may surprise its reader."""

import asyncio
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import Receive, Scope, Send

from rejoinder.settings import Settings
from rejoinder.web.openapi import document
from tests.api.door import BEARER, JSON, application, many_models, opened

type Made = Case[Any]

type Operation = tuple[str, str]  # path and method
type Described = BaseSchema

TIMES = 40
FEW_TIMES = 10  # who is turned away at the door has been asked for nothing
MANY = 100_000

OPERATIONS: list[Operation] = [
    (path, method)
    for path, described in document()["paths"].items()
    for method in described
    if method != "servers"
]
READING = [
    (path, method) for path, method in OPERATIONS if "{" in path or method == "post"
]  # those that read more than a header
LOCKED = [each for each in OPERATIONS if each[0] not in ("/health", "/metrics", "/openapi.json")]

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Reopened:
    """The application, made anew for each request over the same store.

    The client calls it from several threads; a connection to the store belongs to one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settings = Settings(aliases={"quick": "demo"}, providers={"many": many_models()})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with application(self._folder, self._settings) as app:
            await app(scope, receive, send)


def named(operation: Operation) -> str:
    return " ".join(operation)


async def response_id_in(folder: Path) -> str:
    async with opened(folder) as door:
        return str((await door.create("Keep this."))["id"])


def leaning_to_success(response_id: str) -> JSON:
    """The document, for requests that get past the first look: models and responses that exist."""
    leaning: JSON = deepcopy(document())
    fields = leaning["components"]["schemas"]["CreateResponse"]["properties"]
    fields["model"] = {"enum": ["demo", "quick", "many/org/model-1.5:free"]}
    fields["previous_response_id"] = {"enum": [response_id, None]}
    for name in ("background", "conversation", "stream_options"):
        fields[name] = {"type": "null"}
    leaning["components"]["schemas"]["CreateResponse"]["required"] = ["model", "input"]
    for path, described in leaning["paths"].items():
        first = next(iter(described.values()))
        if "{response_id}" in path:
            first["parameters"][0]["schema"] = {"enum": [response_id]}
        elif "{model}" in path:
            first["parameters"][0]["schema"] = fields["model"]
    return leaning


def loaded(described: JSON, folder: Path) -> Described:
    """The document with the application behind it.

    Streams are given whole and unread: that events are as described, others test.
    """
    plain = deepcopy(described)
    for path_item in plain["paths"].values():
        for operation in path_item.values():
            if "responses" in operation:
                operation["responses"]["200"]["content"].get("text/event-stream", {}).clear()
    schema = schemathesis.openapi.from_dict(plain)
    schema.config.max_stream_events = MANY
    schema.app = Reopened(folder)
    return schema


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made-up")


@pytest.fixture(scope="module")
def described(folder: Path) -> Described:
    return loaded(document(), folder)


@pytest.fixture(scope="module")
def leaning(folder: Path) -> Described:
    return loaded(leaning_to_success(asyncio.run(response_id_in(folder))), folder)


def made_up(
    schema: Described,
    operation: Operation,
    mode: GenerationMode,
    check: Callable[[Made], None],
    times: int = TIMES,
) -> None:
    """Check some requests for an operation, always the same."""
    path, method = operation

    @settings(
        max_examples=times,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def checked(case: Made) -> None:
        check(case)

    checked()


def answered(case: Made) -> None:
    answer = case.call_and_validate(checks=CHECKS, headers=BEARER)

    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["message"].endswith((".", "?"))


def not_called_malformed(case: Made) -> None:
    answer = case.call_and_validate(checks=CHECKS, headers=BEARER)

    if answer.status_code >= 400:
        assert answer.json()["error"]["code"] not in ("invalid_json", "invalid_type"), answer.text


def told_nothing(case: Made) -> None:
    answer = case.call(headers={"Authorization": "Bearer sk-guessed"})

    assert answer.status_code == 401


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_good_requests_get_answers_as_described(described: Described, operation: Operation) -> None:
    made_up(described, operation, GenerationMode.POSITIVE, answered)


@pytest.mark.parametrize("operation", READING, ids=named)
def test_bad_requests_get_answers_as_described(described: Described, operation: Operation) -> None:
    made_up(described, operation, GenerationMode.NEGATIVE, answered)


@pytest.mark.parametrize("operation", READING, ids=named)
def test_what_the_document_allows_is_never_called_malformed(
    leaning: Described, operation: Operation
) -> None:
    made_up(leaning, operation, GenerationMode.POSITIVE, not_called_malformed)


@pytest.mark.parametrize("operation", LOCKED, ids=named)
def test_nobody_without_a_key_learns_anything(described: Described, operation: Operation) -> None:
    made_up(described, operation, GenerationMode.POSITIVE, told_nothing, FEW_TIMES)
