"""Contract §4.4, row by row: the canonical orders of events."""

import pytest

from rejoinder.engine.deltas import (
    BlockEnded,
    Delta,
    Finished,
    Reason,
    ReasoningDelta,
    ReasoningSigned,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.errors import InvalidRequest, RateLimited, Unavailable
from rejoinder.schema.response import InputTokensDetails, Usage
from tests.unit.engine.telling import (
    JSON,
    START,
    narrate,
    new_assembler,
    order,
    output,
    shown,
)

STOP = Finished("stop")
CUT = Finished("max_output_tokens")


def call(block: int = 0, arguments: str = '{"city":"Oslo"}', call_id: str = "call_a") -> Delta:
    return ToolCallDelta(block, arguments, call_id, "get_weather")


def test_plain_text() -> None:
    told = narrate(TextDelta(0, "Hel"), TextDelta(0, "lo"), STOP)

    assert order(told) == "C P +0 [0 text text text. 0] -0 completed"
    assert output(told)[0]["content"] == [
        {"type": "output_text", "annotations": [], "logprobs": [], "text": "Hello"}
    ]


def test_several_parts_of_one_message() -> None:
    told = narrate(TextDelta(0, "a"), RefusalDelta(0, "b"), TextDelta(0, "c"), STOP)

    assert order(told) == (
        "C P +0 [0 text text. 0] [1 refusal refusal. 1] [2 text text. 2] -0 completed"
    )


def test_a_refusal_is_a_completed_message() -> None:
    told = narrate(RefusalDelta(0, "I will not."), STOP)

    assert order(told) == "C P +0 [0 refusal refusal. 0] -0 completed"
    assert output(told)[0]["content"] == [{"type": "refusal", "refusal": "I will not."}]


def test_one_call() -> None:
    told = narrate(call(0, '{"city":'), ToolCallDelta(0, '"Oslo"}'), STOP)

    assert order(told) == "C P +0 args args args. -0 completed"
    assert told[2]["item"]["arguments"] == ""
    assert output(told)[0] == {
        "id": told[2]["item"]["id"],
        "type": "function_call",
        "status": "completed",
        "arguments": '{"city":"Oslo"}',
        "call_id": "call_a",
        "name": "get_weather",
    }


def test_parallel_calls() -> None:
    told = narrate(call(0), call(1, call_id="call_b"), STOP)

    assert order(told) == "C P +0 args args. -0 +1 args args. -1 completed"


def test_text_then_a_call() -> None:
    told = narrate(TextDelta("m", "Let me see."), call(0), STOP)

    assert order(told) == "C P +0 [0 text text. 0] -0 +1 args args. -1 completed"


def test_reasoning_without_a_summary() -> None:
    told = narrate(ReasoningSigned(0, "secret"), TextDelta(1, "Hello"), STOP)

    assert order(told) == "C P +0 -0 +1 [0 text text. 0] -1 completed"
    assert output(told)[0] == {"id": told[2]["item"]["id"], "type": "reasoning", "summary": []}


def test_reasoning_with_a_summary() -> None:
    told = narrate(ReasoningDelta(0, "Hm"), ReasoningDelta(0, "m."), TextDelta(1, "Hi"), STOP)

    assert order(told) == (
        "C P +0 <0 summary summary summary. 0> -0 +1 [0 text text. 0] -1 completed"
    )
    assert output(told)[0]["summary"] == [{"type": "summary_text", "text": "Hmm."}]


def test_raw_reasoning_for_models_whose_users_want_it() -> None:
    told = narrate(ReasoningDelta(0, "Hm"), ReasoningDelta(0, "m."), STOP, raw=True)

    assert order(told) == "C P +0 [0 raw raw raw. 0] -0 completed"
    assert output(told)[0]["content"] == [{"type": "reasoning_text", "text": "Hmm."}]
    assert output(told)[0]["summary"] == []


def test_raw_reasoning_of_which_nothing_may_be_seen_has_no_part() -> None:
    told = narrate(ReasoningSigned(0, "secret"), STOP, raw=True)

    assert order(told) == "C P +0 -0 completed"
    assert output(told)[0]["content"] == []


def test_nothing_said_at_all() -> None:
    assert order(narrate(STOP)) == "C P completed"


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_text_that_is_cut(reason: Reason) -> None:
    told = narrate(TextDelta(0, "Once upon"), Finished(reason, Usage(3, output_tokens=2)))

    assert order(told) == "C P +0 [0 text text. 0] -0 incomplete"
    assert output(told)[0]["status"] == "incomplete"
    assert told[-1]["response"]["status"] == "incomplete"
    assert told[-1]["response"]["incomplete_details"] == {"reason": reason}
    assert told[-1]["response"]["usage"]["output_tokens"] == 2
    assert told[-1]["response"]["completed_at"] is None


def test_a_call_that_is_cut_keeps_its_partial_arguments() -> None:
    told = narrate(call(0, '{"city":"Os'), CUT)

    assert order(told) == "C P +0 args args. -0 incomplete"
    assert output(told)[0]["arguments"] == '{"city":"Os'
    assert output(told)[0]["status"] == "incomplete"


def test_a_call_that_is_cut_before_its_arguments_gets_none() -> None:
    told = narrate(call(0, ""), CUT)

    assert order(told) == "C P +0 args. -0 incomplete"
    assert output(told)[0]["arguments"] == ""


def test_thinking_that_is_cut() -> None:
    told = narrate(ReasoningDelta(0, "Hm"), CUT)

    assert order(told) == "C P +0 <0 summary summary. 0> -0 incomplete"
    assert "status" not in output(told)[0]


def test_only_the_last_of_several_items_is_incomplete() -> None:
    told = narrate(TextDelta("m", "Look:"), call(0, '{"city":"Oslo"}'), call(1, "{"), CUT)

    assert [item["status"] for item in output(told)] == ["completed", "completed", "incomplete"]


def test_an_upstream_that_dies_in_the_middle() -> None:
    assembler = new_assembler()
    told = assembler.feed([START, TextDelta(0, "Once")])
    told += assembler.fail(Unavailable("It died.", code="server_error"))

    events = shown(told)

    assert order(events) == "C P +0 [0 text text. 0] -0 error failed"
    assert output(events)[0]["status"] == "incomplete"
    assert events[-1]["response"]["usage"] is None


def test_an_upstream_that_refuses_after_the_promise() -> None:
    assembler = new_assembler()
    assembler.promise()

    assert assembler.must_tell
    assert order(shown(assembler.fail(RateLimited("Slow down.")))) == "C P error failed"


def test_an_error_is_told_nested_and_flat_and_in_the_failed_response() -> None:
    told = shown(new_assembler().fail(InvalidRequest("Not so.", param="input")))

    shown_error = {
        "type": "invalid_request_error",
        "code": "server_error",
        "message": "Not so.",
        "param": "input",
    }
    assert told[-2] == {
        "type": "error",
        "sequence_number": 2,
        "code": "server_error",
        "message": "Not so.",
        "param": "input",
        "error": shown_error,
    }
    assert told[-1]["response"]["error"] == shown_error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RateLimited("x"), "rate_limit_exceeded"),
        (RateLimited("x", code="insufficient_quota"), "insufficient_quota"),
        (RateLimited("x", code="slow_down"), "rate_limit_exceeded"),
        (Unavailable("x"), "server_error"),
        (InvalidRequest("x"), "server_error"),
        (InvalidRequest("x", code="invalid_image"), "invalid_image"),
    ],
)
def test_the_code_of_a_failure_is_one_of_the_closed_list(error: Unavailable, code: str) -> None:
    assert shown(new_assembler().fail(error))[-1]["response"]["error"]["code"] == code


def test_a_completed_response_says_when_and_what_it_took() -> None:
    usage = Usage(61, InputTokensDetails(cached_tokens=7), 48, total_tokens=109)
    response: JSON = narrate(TextDelta(0, "Hi"), Finished("stop", usage, "flex"))[-1]["response"]

    assert response["completed_at"] >= response["created_at"]
    assert response["service_tier"] == "flex"
    assert response["usage"]["input_tokens_details"]["cached_tokens"] == 7
    assert response["output_text"] == "Hi"
    assert response["error"] is None
    assert response["incomplete_details"] is None


def test_the_service_tier_is_default_when_the_upstream_names_none() -> None:
    first, *_, last = narrate(STOP)

    assert first["response"]["service_tier"] == "auto"
    assert last["response"]["service_tier"] == "default"


def test_the_text_of_all_messages_is_joined_with_nothing_between() -> None:
    told = narrate(TextDelta(0, "a"), BlockEnded(0), TextDelta(1, "b"), STOP)

    assert told[-1]["response"]["output_text"] == "ab"


def test_a_second_start_tells_nothing() -> None:
    assert order(narrate(Started(), TextDelta(0, "a"), Started(), STOP)) == (
        "C P +0 [0 text text. 0] -0 completed"
    )


def test_after_the_end_nothing_is_told() -> None:
    assembler = new_assembler()
    assembler.feed([START, STOP])

    assert assembler.is_finished
    assert assembler.feed([TextDelta(0, "more"), BlockEnded(0), START, STOP]) == []
    assert assembler.fail(Unavailable("Late.")) == []
    assert assembler.response.status == "completed"


def test_a_told_event_never_changes() -> None:
    assembler = new_assembler()
    told = assembler.feed([START, TextDelta(0, "a", [{"token": "a"}])])
    before = shown(told)

    assembler.feed([TextDelta(0, "b", [{"token": "b"}]), RefusalDelta(0, "c"), STOP])

    assert shown(told) == before


def test_log_probabilities_are_told_with_their_text_and_kept_with_all_of_it() -> None:
    told = narrate(TextDelta(0, "a", [{"token": "a"}]), TextDelta(0, "b", [{"token": "b"}]), STOP)

    both = [{"token": "a"}, {"token": "b"}]
    assert [e["logprobs"] for e in told if e["type"] == "response.output_text.delta"] == [
        [{"token": "a"}],
        [{"token": "b"}],
    ]
    assert next(e for e in told if e["type"] == "response.output_text.done")["logprobs"] == both
    assert output(told)[0]["content"][0]["logprobs"] == both


def test_a_response_object_has_every_key_of_the_contract_in_its_order() -> None:
    keys = (
        "id object created_at status background completed_at conversation error frequency_penalty"
        " incomplete_details instructions max_output_tokens max_tool_calls model output output_text"
        " parallel_tool_calls presence_penalty previous_response_id prompt_cache_key"
        " prompt_cache_retention reasoning safety_identifier service_tier store temperature text"
        " tool_choice tools top_logprobs top_p truncation usage user metadata"
    )

    assert list(narrate(STOP)[-1]["response"]) == keys.split()
