"""openai-python: failures reach the client as the exceptions that it declares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from openai import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    OpenAI,
    RateLimitError,
)

from tests.clients.models import Models
from tests.clients.tools import WEATHER
from tests.dialects.differences import sayable, speakers
from tests.upstreams.chat_replies import HttpReply, failure, html, text

type JSON = Any

MISTAKES: Mapping[str, tuple[JSON, str | None, str]] = {
    "no model": ({"input": "?", "model": None}, "missing_required_parameter", "model"),
    "no input": ({"input": None}, "missing_required_parameter", "input"),
    "unknown model": ({"model": "nobody/knows"}, "model_not_found", "model"),
    "hot": ({"temperature": 3}, "decimal_above_max_value", "temperature"),
    "short": ({"max_output_tokens": 1}, "integer_below_min_value", "max_output_tokens"),
    "text for a boolean": ({"store": "true"}, "invalid_type", "store"),
    "role": ({"input": [{"role": "tool", "content": "?"}]}, "invalid_value", "input[0].role"),
    "chat": ({"max_tokens": 99}, "unsupported_parameter", "max_tokens"),
    "forced tool that is not there": (
        {"tool_choice": {"type": "function", "name": "look"}, "tools": [WEATHER]},
        "invalid_value",
        "tool_choice",
    ),
    "hosted tool": ({"tools": [{"type": "file_search"}]}, "unsupported_tool_type", "tools[0].type"),
    "unknown predecessor": (
        {"previous_response_id": "resp_none"},
        "previous_response_not_found",
        "previous_response_id",
    ),
}


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize(("wrong", "code", "param"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named(
    client: OpenAI, models: Models, *, is_streamed: bool, wrong: JSON, code: str, param: str
) -> None:
    body = {"model": models.saying(), "input": "?", "stream": is_streamed} | wrong

    with pytest.raises(BadRequestError) as raised:
        client.post("/responses", body=body, cast_to=object)

    assert (raised.value.code, raised.value.param) == (code, param)
    assert raised.value.type == "invalid_request_error"
    assert raised.value.request_id is not None


def test_a_wrong_key_is_refused(client: OpenAI) -> None:
    nobody = client.with_options(api_key="sk-wrong")

    with pytest.raises(AuthenticationError) as raised:
        nobody.models.list()

    assert raised.value.code == "invalid_api_key"
    assert raised.value.type == "authentication_error"
    assert "sk-wrong" not in str(raised.value)


def test_a_missing_key_is_refused(client: OpenAI) -> None:
    with pytest.raises(AuthenticationError) as raised:
        client.models.list(extra_headers={"Authorization": ""})

    assert raised.value.code == "authentication_required"


def test_an_unknown_response_is_not_found(client: OpenAI) -> None:
    with pytest.raises(NotFoundError) as raised:
        client.responses.retrieve("resp_none")

    assert raised.value.code == "response_not_found"
    assert raised.value.type == "not_found_error"


def test_what_is_no_id_of_a_response_is_refused(client: OpenAI) -> None:
    with pytest.raises(BadRequestError) as raised:
        client.responses.retrieve("msg_1")

    assert raised.value.code == "invalid_response_id"


def test_an_unknown_path_is_not_found(client: OpenAI) -> None:
    with pytest.raises(NotFoundError) as raised:
        client.chat.completions.create(model="demo", messages=[{"role": "user", "content": "?"}])

    assert raised.value.code == "unknown_url"


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize("any_models", speakers("wait"), indirect=True)
def test_a_busy_model_server_asks_for_patience(
    client: OpenAI, any_models: Models, is_streamed: bool, store: bool
) -> None:
    model = any_models.saying(failure(429, headers={"retry-after": "7"}))

    with pytest.raises(RateLimitError) as raised:
        client.responses.create(model=model, input="?", stream=is_streamed, store=store)

    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.code == "rate_limit_exceeded"
    assert raised.value.type == "rate_limit_error"


@dataclass(frozen=True, slots=True)
class Broken:
    """What the upstream says, and what the client must be told."""

    reply: HttpReply
    kind: type[APIStatusError]
    status: int
    code: str | None


BROKEN: Mapping[str, Broken] = {
    "500": Broken(failure(500), InternalServerError, 503, "upstream_unavailable"),
    "503": Broken(failure(503), InternalServerError, 503, "overloaded"),
    "a proxy's page": Broken(html(502), InternalServerError, 503, "upstream_unavailable"),
    "our key": Broken(
        failure(401, "Bad key sk-12345678."), InternalServerError, 500, "upstream_auth"
    ),
    "no quota": Broken(
        failure(429, code="insufficient_quota"),
        RateLimitError,
        429,
        "insufficient_quota",
    ),
    "model gone": Broken(failure(404, "No such model."), BadRequestError, 400, "model_not_found"),
    "too long": Broken(
        failure(400, code="context_length_exceeded"),
        BadRequestError,
        400,
        "context_length_exceeded",
    ),
    "refused": Broken(failure(400, "No tools here."), BadRequestError, 400, None),
}


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize(("any_models", "name"), sayable(BROKEN), indirect=["any_models"])
def test_a_failing_model_server_is_told_apart(
    client: OpenAI, any_models: Models, *, is_streamed: bool, name: str
) -> None:
    broken = BROKEN[name]
    model = any_models.saying(broken.reply, text("Yes."))

    with pytest.raises(broken.kind) as raised:
        client.responses.create(model=model, input="?", stream=is_streamed)
    later = client.responses.create(model=model, input="?")

    assert (raised.value.status_code, raised.value.code) == (broken.status, broken.code)
    assert "sk-12345678" not in str(raised.value)
    assert later.output_text == "Yes."


def test_clients_that_try_again_succeed(client: OpenAI, models: Models) -> None:
    model = models.saying(failure(503), failure(429, headers={"retry-after": "0"}), text("Yes."))
    patient = client.with_options(max_retries=4)

    response = patient.responses.create(model=model, input="?")

    assert response.output_text == "Yes."
