"""How OpenAI's failures reach the client: by status while that is possible, then by events."""

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.openai.door import Door
from tests.upstreams.chat_replies import failure, raw
from tests.upstreams.chat_troubles import Cut, End, Reset, Rubbish, Trouble
from tests.upstreams.responses import ResponsesUpstream
from tests.upstreams.responses_script import Answer, called, said, thought

type JSON = Any

GPT = "gpt-5"
WEATHER = {"type": "function", "name": "get_weather"}
OURS = {"code": "server_error", "message": "The server had an error."}


async def test_a_limit_makes_the_response_incomplete(
    door: Door, upstream: ResponsesUpstream
) -> None:
    upstream.on(GPT, (thought(("Hm.",)) + said("Once upon")).cut_by("max_output_tokens"))

    for response in await door.both():
        assert response["status"] == "incomplete"
        assert response["incomplete_details"] == {"reason": "max_output_tokens"}
        assert response["output"][-1]["status"] == "incomplete"
        assert response["usage"]["output_tokens"] == 5


async def test_a_filter_makes_the_response_incomplete(
    door: Door, upstream: ResponsesUpstream
) -> None:
    upstream.on(GPT, said("Once").cut_by("content_filter"))

    for response in await door.both():
        assert response["incomplete_details"] == {"reason": "content_filter"}


BROKEN: list[Answer] = [
    said("Hel", "lo", "!"),
    thought(("Hm", "m"), ("So", ".")),
    called("get_weather", '{"city"', ':"Os', 'lo"}'),
]


@pytest.mark.parametrize("trouble", [Cut(2), Reset(2), End(2), Rubbish(2)])
@pytest.mark.parametrize("answer", BROKEN)
async def test_a_stream_that_breaks_is_ended_in_order(
    door: Door, upstream: ResponsesUpstream, answer: Answer, trouble: Trouble
) -> None:
    upstream.on(GPT, answer.troubled(trouble))

    told = await door.events(tools=[WEATHER])

    assert [event["type"] for event in told[-2:]] == ["error", "response.failed"]
    assert told[-1]["response"]["error"]["code"] == "server_error"
    assert told[-1]["response"]["output"][0].get("status", "incomplete") == "incomplete"


async def test_a_failure_in_the_middle_is_told(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, said("Hel", "lo").failing(OURS))

    told = await door.events()
    status, error = await door.refused()

    assert [event["type"] for event in told[-2:]] == ["error", "response.failed"]
    assert told[-1]["response"]["output"][0]["content"][0]["text"] == "Hello"
    assert "The server had an error." in told[-2]["message"]
    assert (status, error["type"]) == (503, "server_error")


async def test_what_came_with_a_failure_in_one_piece_is_not_lost(
    door: Door, upstream: ResponsesUpstream
) -> None:
    answer = said("Hel", "lo").failing(OURS)
    upstream.on(GPT, answer.framed(replace(answer.framing, joined=50)))

    told = await door.events()

    assert told[-1]["response"]["output_text"] == "Hello"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "rate_limit_exceeded", "message": "Slow down."}, "rate_limit_exceeded"),
        ({"code": "invalid_prompt", "message": "Not that."}, "invalid_prompt"),
        ({"code": "image_parse_error", "message": "What is it?"}, "image_parse_error"),
        ({"code": None, "message": "Oh."}, "server_error"),
    ],
)
async def test_the_code_of_a_failure_is_kept(
    door: Door, upstream: ResponsesUpstream, error: JSON, code: str
) -> None:
    upstream.on(GPT, said("Hel", "lo").failing(error))

    told = await door.events()

    assert told[-1]["response"]["error"]["code"] == code


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ({"code": "insufficient_quota", "type": "insufficient_quota"}, 429, "insufficient_quota"),
        ({"code": "rate_limit_exceeded", "type": "tokens"}, 429, "rate_limit_exceeded"),
        ({"code": "server_error", "message": "Oh."}, 503, "upstream_unavailable"),
        ({"code": "context_length_exceeded", "message": "Long."}, 400, "context_length_exceeded"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_before_the_first_item_is_a_status(
    door: Door, upstream: ResponsesUpstream, error: JSON, status: int, code: str, stream: bool
) -> None:
    upstream.on(GPT, Answer().failing(error))

    told_status, told = await door.refused(stream=stream)

    assert (told_status, told["code"]) == (status, code)


async def test_an_error_event_may_say_that_the_request_was_wrong(
    door: Door, upstream: ResponsesUpstream
) -> None:
    error = {"code": "odd", "type": "invalid_request_error", "message": "No.", "param": "user"}
    upstream.on(GPT, Answer().failing(error))

    status, told = await door.refused(stream=True)

    assert (status, told["code"], told["param"]) == (400, "odd", "user")


@pytest.mark.parametrize("stream", [False, True])
async def test_parameters_that_a_model_refuses_are_named(
    door: Door, upstream: ResponsesUpstream, stream: bool
) -> None:
    status, error = await door.refused(temperature=0.5, stream=stream)

    assert (status, error["param"], error["code"]) == (400, "temperature", None)
    assert "temperature" in error["message"]


@pytest.mark.parametrize(
    ("param", "shown"),
    [
        ("reasoning.effort", "reasoning.effort"),
        ("tools[3].parameters", "tools"),
        ("input[7].content[0].image_url", "input"),
        ("include", None),
        ("store", None),
        ("horoscope", None),
        (None, None),
    ],
)
async def test_parameters_are_named_as_the_client_knows_them(
    door: Door, upstream: ResponsesUpstream, param: str | None, shown: str | None
) -> None:
    error = {"message": "No.", "type": "invalid_request_error", "code": "bad", "param": param}
    upstream.on(GPT, raw(400, {"error": error}))

    status, told = await door.refused()

    assert (status, told["param"], told["code"]) == (400, shown, "bad")


@pytest.mark.parametrize(
    ("status", "shown", "code"),
    [
        (401, 500, "upstream_auth"),
        (403, 500, "upstream_auth"),
        (404, 400, "model_not_found"),
        (429, 429, "rate_limit_exceeded"),
        (500, 503, "upstream_unavailable"),
        (503, 503, "overloaded"),
    ],
)
async def test_each_status_has_its_meaning(
    door: Door, upstream: ResponsesUpstream, status: int, shown: int, code: str
) -> None:
    upstream.on(GPT, failure(status, "Not this model."))

    told_status, error = await door.refused()

    assert (told_status, error["code"]) == (shown, code)


@pytest.mark.parametrize(
    "body",
    [b"", b"no JSON", b"[]", b"{}", b'{"status":"in_progress"}', b'{"status":"failed"}'],
)
async def test_a_reply_that_is_no_response_is_the_servers_fault(
    door: Door, upstream: ResponsesUpstream, body: bytes
) -> None:
    upstream.on(GPT, raw(200, body))

    status, error = await door.refused()

    assert (status, error["code"]) == (503, "upstream_unavailable")
