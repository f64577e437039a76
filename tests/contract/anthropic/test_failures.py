"""What goes wrong at the Messages API, in this API's words (contract §6.4)."""

from typing import Any

import pytest

from tests.contract.anthropic.claude import SONNET, Claude
from tests.upstreams.anthropic import failed
from tests.upstreams.anthropic_steps import failing
from tests.upstreams.chat_replies import HttpReply, html, raw, text
from tests.upstreams.chat_troubles import Cut, End, Reset, Rubbish, Stall, Trouble

type JSON = Any

INVALID = "invalid_request_error"
POOR = (
    "Your credit balance is too low to access the Anthropic API. "
    "Please go to Plans & Billing to upgrade or purchase credits."
)
SPENT = (
    "You have reached your specified workspace API usage limits. "
    "You will regain access on 2026-06-01 at 00:00 UTC."
)


@pytest.mark.parametrize(
    ("reply", "status", "code", "param"),
    [
        (failed(400, INVALID, "messages.1.content: no"), 400, None, "input"),
        (failed(400, INVALID, "max_tokens: 9 > 8"), 400, None, "max_output_tokens"),
        (failed(400, INVALID, "Strange."), 400, None, None),
        (
            failed(400, INVALID, "prompt is too long: 9 tokens > 8 maximum"),
            400,
            "context_length_exceeded",
            "input",
        ),
        (failed(400, INVALID, POOR), 500, "upstream_auth", None),
        (failed(400, INVALID, SPENT), 500, "upstream_auth", None),
        (failed(400, INVALID, SPENT.replace("workspace ", "")), 500, "upstream_auth", None),
        (
            failed(400, INVALID, "tool_choice.name: Tool 'billing_lookup' not found in tools"),
            400,
            None,
            "tool_choice",
        ),
        (
            failed(400, INVALID, "tools.0.name: credit balance should match pattern '^[a-z]$'"),
            400,
            None,
            "tools",
        ),
        (
            failed(400, INVALID, "tool_choice.name: Tool 'context window' not found in tools"),
            400,
            None,
            "tool_choice",
        ),
        (failed(401, "authentication_error"), 500, "upstream_auth", None),
        (failed(402, "billing_error"), 500, "upstream_auth", None),
        (failed(403, "permission_error"), 500, "upstream_auth", None),
        (failed(404, "not_found_error", "model: x"), 400, "model_not_found", "model"),
        (failed(413, "request_too_large"), 413, "request_too_large", None),
        (failed(429, "rate_limit_error", retry_after="7"), 429, "rate_limit_exceeded", None),
        (failed(500, "api_error", "Oh dear"), 503, "upstream_unavailable", None),
        (failed(503, "unheard_of_error"), 503, "overloaded", None),
        (failed(504, "timeout_error"), 503, "upstream_timeout", None),
        (failed(529, "overloaded_error", "Overloaded"), 503, "overloaded", None),
        (html(413), 413, "request_too_large", None),
        (html(502), 503, "upstream_unavailable", None),
        (raw(400), 400, None, None),
        (raw(418, [1]), 400, None, None),
        (
            raw(200, {"type": "error", "error": {"type": "overloaded_error"}}),
            503,
            "overloaded",
            None,
        ),
        (raw(200, b"<html>"), 503, "upstream_unavailable", None),
    ],
)
async def test_each_error_before_the_first_word_has_its_status(
    claude: Claude, reply: HttpReply, status: int, code: str | None, param: str | None
) -> None:
    claude.upstream.on(SONNET, reply)

    for stream in (False, True) if reply.status != 200 else (False,):
        got, error = await claude.refused(stream=stream)
        assert (got, error["code"], error["param"]) == (status, code, param)
        assert error["message"]


async def test_a_wish_to_wait_is_passed_on(claude: Claude) -> None:
    claude.upstream.on(SONNET, failed(429, "rate_limit_error", retry_after="7"))

    answer = await claude.http.post("/v1/responses", json={"model": SONNET, "input": "Hi"})

    assert answer.headers["retry-after"] == "7"


async def test_an_overloaded_server_may_say_so_in_its_first_event(claude: Claude) -> None:
    claude.upstream.on(SONNET, text("a").troubled(failing("overloaded_error", 0)))

    status, error = await claude.refused(stream=True)

    assert (status, error["code"]) == (503, "overloaded")


@pytest.mark.parametrize(
    "trouble",
    [
        failing("overloaded_error", 1),
        failing("api_error", 1, "Internal server error"),
        failing("unheard_of_error", 1),
        Reset(1),
        Cut(1),
        End(1),
        Rubbish(1),
        Rubbish(1, "[1]"),
        Stall(1, 60),
    ],
)
async def test_a_stream_that_breaks_ends_as_failed(claude: Claude, trouble: Trouble) -> None:
    claude.upstream.on(SONNET, text("a", "b", "c").troubled(trouble))

    events = await claude.stream()

    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    response = events[-1]["response"]
    assert response["error"]["code"] == "server_error"
    assert response["output"][0]["content"][0]["text"] == "a"
    assert response["output"][0]["status"] == "incomplete"


async def test_a_rate_limit_in_the_middle_keeps_its_code(claude: Claude) -> None:
    claude.upstream.on(SONNET, text("a", "b").troubled(failing("rate_limit_error", 1)))

    events = await claude.stream()

    assert events[-1]["response"]["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize("trouble", [Reset("start"), Cut(1), End(1)])
async def test_a_broken_reply_in_one_piece_is_unavailable(claude: Claude, trouble: Trouble) -> None:
    claude.upstream.on(SONNET, text("a", "b").troubled(trouble))

    status, _ = await claude.refused(max_output_tokens=8000)

    assert (status, claude.asked["stream"]) == (503, False)


async def test_a_stream_that_ends_after_its_stop_reason_is_whole(claude: Claude) -> None:
    claude.upstream.on(SONNET, text("a").troubled(End("finish")))

    events = await claude.stream()

    assert events[-1]["type"] == "response.completed"


async def test_keys_in_an_upstreams_words_are_removed(claude: Claude) -> None:
    claude.upstream.on(SONNET, failed(400, INVALID, "bad key sk-ant-api03-abcdefgh"))

    _, error = await claude.refused()

    assert error["message"] == "bad key [removed]"
