"""Upstreams whose replies are whole, but odd: what is not the answer never costs the answer."""

import json
from typing import Any

import pytest

from tests.clients.models import Models
from tests.faults.asking import UPSTREAM_SAID, WEATHER, ask
from tests.faults.folding import folded
from tests.faults.wire import Exchange
from tests.server import Server
from tests.upstreams.chat_replies import HttpReply, raw

type JSON = Any

COUNTS: JSON = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
ODD_COUNTS: JSON = {
    "a string": COUNTS | {"prompt_tokens": "5"},
    "a fraction": COUNTS | {"prompt_tokens": 5.5},
    "negative": COUNTS | {"prompt_tokens": -5},
    "beyond all reason": COUNTS | {"prompt_tokens": 1 << 70},
}
ODD_FIELDS: JSON = {
    "usage is a list": {"usage": []},
    "usage is a word": {"usage": "none"},
    "details are a list": {"usage": COUNTS | {"prompt_tokens_details": []}},
    "details of what was said are a number": {"usage": COUNTS | {"completion_tokens_details": 7}},
    "the tier is a number": {"usage": COUNTS, "service_tier": 1},
    "it was made at a word": {"usage": COUNTS, "created": "now", "system_fingerprint": 7},
}
ODD_LOGPROBS: JSON = [[], "none", 7, {"content": {}}, {"content": [7]}, {"content": "x"}]


def whole(choice: JSON, **fields: JSON) -> HttpReply:
    """A reply in one piece."""
    return raw(200, {"choices": [choice], **fields})


def streamed(*chunks: JSON) -> HttpReply:
    """The same as events."""
    told = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return raw(200, "".join([*told, "data: [DONE]\n\n"]).encode(), content_type="text/event-stream")


def answers(server: Server, models: Models, stop: JSON, **fields: JSON) -> list[JSON]:
    """The response in one piece and from a stream, whose last chunk has these fields."""
    said = {"role": "assistant", "content": "Hello"}
    model = models.saying(whole({"message": said, "finish_reason": "stop"} | stop, **fields))
    with ask(server, model, stream=False) as exchange:
        in_one_piece = exchange.json()
    model = models.saying(
        streamed(
            {"choices": [{"delta": said} | stop]},
            {"choices": [{"delta": {}, "finish_reason": "stop"}], **fields},
        )
    )
    with ask(server, model) as exchange:
        return [in_one_piece, folded(exchange.events())]


@pytest.mark.parametrize("counts", ODD_COUNTS.values(), ids=ODD_COUNTS)
def test_a_count_that_is_none_is_nothing_and_the_others_count(
    server: Server, models: Models, counts: JSON
) -> None:
    for response in answers(server, models, {}, usage=counts):
        assert response["status"] == "completed"
        assert response["output_text"] == "Hello"
        usage = response["usage"]
        assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (0, 3, 3)


@pytest.mark.parametrize("fields", ODD_FIELDS.values(), ids=ODD_FIELDS)
def test_what_stands_beside_an_answer_may_be_odd(
    server: Server, models: Models, fields: JSON
) -> None:
    for response in answers(server, models, {}, **fields):
        assert response["status"] == "completed"
        assert response["output_text"] == "Hello"
        assert isinstance(response["service_tier"], str)
        assert response["usage"]["input_tokens_details"]["cached_tokens"] == 0


@pytest.mark.parametrize("logprobs", ODD_LOGPROBS, ids=str)
def test_log_probabilities_may_be_odd(server: Server, models: Models, logprobs: JSON) -> None:
    for response in answers(server, models, {"logprobs": logprobs}, usage=COUNTS):
        assert response["status"] == "completed"
        assert response["output_text"] == "Hello"
        assert response["output"][0]["content"][0]["logprobs"] == []


def test_entries_of_one_list_are_calls_of_their_own_whatever_their_ids(
    server: Server, models: Models
) -> None:
    entries = [
        {"id": "call_1", "function": {"name": "get_weather", "arguments": given}}
        for given in ('{"city":"Oslo"}', '{"city":"Rome"}')
    ]
    model = models.saying(whole({"message": {"tool_calls": entries}, "finish_reason": "stop"}))

    with ask(server, model, stream=False) as exchange:
        first, second = exchange.json()["output"]

    assert (first["arguments"], second["arguments"]) == ('{"city":"Oslo"}', '{"city":"Rome"}')
    assert first["call_id"] != second["call_id"]


CALL: JSON = {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
PIECES: JSON = [{"name": "get_weather", "arguments": '{"city":'}, {"arguments": '"Oslo"}'}]
END: JSON = {"choices": [{"delta": {}, "finish_reason": "function_call"}]}


@pytest.mark.parametrize(
    ("reply", "stream"),
    [
        (whole({"message": {"function_call": CALL}, "finish_reason": "function_call"}), False),
        (
            streamed(*({"choices": [{"delta": {"function_call": p}}]} for p in PIECES), END),
            True,
        ),
    ],
    ids=["json", "stream"],
)
def test_a_call_in_the_old_form_is_a_call(
    server: Server, models: Models, reply: HttpReply, stream: bool
) -> None:
    with ask(server, models.saying(reply), stream=stream) as exchange:
        response = folded(exchange.events()) if stream else exchange.json()

    [call] = response["output"]
    assert (call["type"], call["name"]) == ("function_call", WEATHER["name"])
    assert call["arguments"] == '{"city":"Oslo"}'
    assert call["call_id"]


ENTRY: JSON = {"id": "call_1", "type": "function", "function": CALL}


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
@pytest.mark.parametrize("said", [{"content": "Hello"}, {"tool_calls": [ENTRY]}], ids=str)
def test_a_whole_reply_needs_no_reason_for_its_end(
    server: Server, models: Models, said: JSON, stream: bool
) -> None:
    model = models.saying(whole({"message": said, "finish_reason": None}))

    with ask(server, model, stream=stream) as exchange:
        response = folded(exchange.events()) if stream else exchange.json()

    assert response["status"] == "completed"
    assert [item["status"] for item in response["output"]] == ["completed"]


SENSE = "Out of memory"
ERRORS: JSON = {
    "nested": {"error": {"message": SENSE, "type": "server_error"}},
    "a string": {"error": SENSE},
    "flat": {"object": "error", "message": SENSE, "code": 500},
    "FastAPI's": {"detail": SENSE},
}


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
@pytest.mark.parametrize("told", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", None])
def test_an_error_that_comes_as_an_acceptance_keeps_its_sense(
    server: Server, models: Models, told: JSON, kind: str | None, stream: bool
) -> None:
    reply = raw(200, told, content_type=kind) if kind else streamed(told)

    with ask(server, models.saying(reply), stream=stream) as exchange:
        error = event_error(exchange) if exchange.status == 200 else exchange.json()["error"]

    assert error["message"] == f"The model server reported an error: {SENSE}"


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (400, 400, "invalid_request_error"),
        (401, 500, "api_error"),
        (429, 429, "rate_limit_error"),
        (500, 503, "server_error"),
    ],
)
def test_an_error_that_comes_as_an_acceptance_is_mapped_by_its_code(
    server: Server, models: Models, code: int, status: int, kind: str
) -> None:
    model = models.saying(raw(200, {"error": {"message": SENSE, "code": code}}))

    with ask(server, model, stream=False) as exchange:
        assert exchange.status == status
        assert exchange.json()["error"]["type"] == kind


@pytest.mark.parametrize("kind", ["missing", "value_error.missing"])
def test_a_body_that_is_refused_part_by_part_names_the_parts(
    server: Server, models: Models, kind: str
) -> None:
    at = ["body", "messages", 0, "content"]
    detail = [{"loc": at, "msg": UPSTREAM_SAID, "type": kind, "input": UPSTREAM_SAID}]
    model = models.saying(raw(422, {"detail": detail}))

    with ask(server, model, stream=False) as exchange:
        assert exchange.status == 400
        error = exchange.json()["error"]

    assert error["message"] == f"The model server refused messages.0.content: {kind}."
    assert error["param"] == "input"


def event_error(exchange: Exchange) -> JSON:
    """The error of the response that failed."""
    return folded(exchange.events())["error"]
