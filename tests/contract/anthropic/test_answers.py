"""What a model behind the Messages API says reaches the client as this API says it."""

from typing import Any

import pytest

from tests.contract.anthropic.claude import OPUS, SONNET, TIME, WEATHER, Claude, types_of
from tests.upstreams.anthropic_events import REDACTED
from tests.upstreams.chat_replies import (
    FinishReason,
    Reply,
    Usage,
    call,
    calls,
    raw,
    refusal,
    text,
    thinking,
)
from tests.upstreams.framing import Framing

type JSON = Any

LOW: JSON = {"effort": "low", "summary": "auto"}
MESSAGE = [
    "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
    "output_text.delta", "output_text.done", "content_part.done", "output_item.done", "completed",
]  # fmt: skip


async def said(claude: Claude, reply: Reply, **fields: JSON) -> tuple[JSON, JSON]:
    """The events and the final response of a stream, which JSON must equal but for its ids."""
    claude.upstream.on(SONNET, reply)
    events = await claude.stream(**fields)
    streamed = events[-1]["response"]
    whole = (await claude.create(**fields, max_output_tokens=8000)).model_dump(exclude_unset=True)
    for one, other in zip(streamed["output"], whole["output"], strict=True):
        is_call = one["type"] == "function_call"
        names = ("id", "call_id", "arguments") if is_call else ("id",)
        same = one | {name: other[name] for name in names}
        assert same | {"encrypted_content": None} == other | {"encrypted_content": None}
    assert [request.body["stream"] for request in claude.upstream.requests] == [True, False]
    assert streamed["status"] == whole["status"]
    assert streamed["usage"]["output_tokens"] == whole["usage"]["output_tokens"]
    return events, streamed


async def test_text_streams_as_a_message(claude: Claude) -> None:
    events, response = await said(claude, text("Hel", "lo"))

    assert types_of(events) == MESSAGE
    assert [e["delta"] for e in events if e["type"] == "response.output_text.delta"] == [
        "Hel",
        "lo",
    ]
    assert response["output"][0]["content"][0]["text"] == "Hello"
    assert response["model"] == SONNET


@pytest.mark.parametrize(
    "framing",
    [
        Framing(split_characters=True),
        Framing(bytes_per_write=1),
        Framing(line_end="\r\n", comments=True),
        Framing(pretty=True, space=False),
        Framing(joined=100, chunked=False),
    ],
)
async def test_no_framing_changes_what_is_said(claude: Claude, framing: Framing) -> None:
    reply = text("Grüße, ", "世界 ", "👋🏽") + calls(call("get_time", '{"ort":', '"Köln"}'))

    _, response = await said(claude, reply.framed(framing), tools=[TIME])

    assert response["output"][0]["content"][0]["text"] == "Grüße, 世界 👋🏽"
    assert response["output"][1]["arguments"] == '{"ort":"Köln"}'


async def test_text_blocks_that_follow_each_other_are_one_message(claude: Claude) -> None:
    events, response = await said(claude, text("He") + text("llo"))

    assert types_of(events) == MESSAGE
    assert len(response["output"]) == 1


async def test_parallel_calls_are_items_of_their_own(claude: Claude) -> None:
    reply = text("Let me see.") + calls(
        call("get_weather", '{"city":', '"Bonn"}', id="toolu_1"), call("get_time", id="toolu_2")
    )

    events, response = await said(claude, reply, tools=[WEATHER, TIME])

    message, weather, time = response["output"]
    assert message["type"] == "message"
    assert (weather["name"], weather["call_id"]) == ("get_weather", "toolu_1")
    assert weather["arguments"] == '{"city":"Bonn"}'
    assert (time["name"], time["arguments"], time["status"]) == ("get_time", "{}", "completed")
    assert response["status"] == "completed"
    deltas = [e["delta"] for e in events if e["type"].endswith("arguments.delta")]
    assert deltas == ['{"city":', '"Bonn"}', "{}"]


async def test_thinking_is_a_summary_and_its_proof_is_sealed(claude: Claude) -> None:
    reply = thinking("Hm", "m.") + text("42")

    _, response = await said(claude, reply, reasoning=LOW, store=False)

    thought, message = response["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": "Hmm."}]
    assert thought["encrypted_content"].startswith("gw1.")
    assert message["content"][0]["text"] == "42"
    assert response["usage"]["output_tokens_details"]["reasoning_tokens"] == 2


@pytest.mark.parametrize("model", [SONNET, OPUS])
async def test_without_a_wish_for_a_summary_thinking_has_none(claude: Claude, model: str) -> None:
    claude.upstream.on(model, thinking("Hmm.") + text("42"))

    response = await claude.create(model=model, reasoning={"effort": "low"}, store=False)

    thought = response.output[0].model_dump()
    assert (thought["type"], thought["summary"]) == ("reasoning", [])
    assert thought["encrypted_content"]


async def test_redacted_thinking_is_an_item_without_words(claude: Claude) -> None:
    reply = thinking(REDACTED) + text("42")

    _, response = await said(claude, reply, reasoning=LOW, store=False)

    thought, _ = response["output"]
    assert thought["summary"] == []
    assert thought["encrypted_content"].startswith("gw1.")


async def test_thinking_between_calls_keeps_its_place(claude: Claude) -> None:
    reply = thinking("One.") + calls(call("get_time")) + thinking("Two.") + calls(call("get_time"))

    _, response = await said(claude, reply, tools=[TIME], reasoning=LOW)

    kinds = [item["type"] for item in response["output"]]
    assert kinds == ["reasoning", "function_call"] * 2


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("function_call", "completed", None),  # told as pause_turn
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
    ],
)
async def test_each_stop_reason_has_its_status(
    claude: Claude, finish: FinishReason, status: str, reason: str | None
) -> None:
    _, response = await said(claude, text("So ", "far").ending(finish))

    assert response["status"] == status
    assert (response["incomplete_details"] or {}).get("reason") == reason
    assert response["output"][0]["content"][0]["text"] == "So far"


async def test_a_full_context_window_is_a_limit_of_length(claude: Claude) -> None:
    message = {
        "content": [{"type": "text", "text": "So far"}],
        "stop_reason": "model_context_window_exceeded",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    claude.upstream.on(SONNET, raw(200, message))

    response = await claude.create()

    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


async def test_a_call_cut_off_by_the_limit_is_incomplete(claude: Claude) -> None:
    claude.upstream.on(SONNET, calls(call("get_weather", '{"ci', 'ty": "Bo')).ending("length"))

    events = await claude.stream(tools=[WEATHER])

    assert events[-1]["type"] == "response.incomplete"
    assert events[-1]["response"]["output"][0]["status"] == "incomplete"


async def test_a_refusal_says_why_if_nothing_else_was_said(claude: Claude) -> None:
    events, response = await said(claude, refusal("That could ", "do harm."))

    assert response["status"] == "incomplete"
    assert response["incomplete_details"]["reason"] == "content_filter"
    part = response["output"][0]["content"][0]
    assert (part["type"], part["refusal"]) == ("refusal", "That could do harm.")
    assert "refusal.delta" in types_of(events)


async def test_a_refusal_after_some_text_adds_no_words(claude: Claude) -> None:
    _, response = await said(claude, text("Well,") + refusal("That could do harm."))

    parts = response["output"][0]["content"]
    assert [part["type"] for part in parts] == ["output_text"]


async def test_a_refusal_without_reasons_has_no_item(claude: Claude) -> None:
    _, response = await said(claude, refusal())

    assert (response["status"], response["output"]) == ("incomplete", [])


async def test_usage_adds_what_the_caches_took(claude: Claude) -> None:
    spent = Usage(100, 20, cached=64, reasoning=16)

    _, response = await said(claude, text("x").costing(spent))

    usage = response["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (100, 20, 120)
    assert usage["input_tokens_details"]["cached_tokens"] == 64
    assert usage["output_tokens_details"]["reasoning_tokens"] == 16
    assert response["service_tier"] == "default"


async def test_blocks_of_kinds_that_we_do_not_know_say_nothing(claude: Claude) -> None:
    events = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use"}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"q":1}'},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "news"},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "text", "text": "Al"},
        },
        {"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta"}},
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "text_delta", "text": "l."},
        },
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        {"type": "message_stop"},
    ]
    frames = b"".join(Framing().frame(event) for event in events)
    claude.upstream.on(SONNET, raw(200, frames, content_type="text/event-stream"))

    told = await claude.stream()

    assert told[-1]["response"]["output"][0]["content"][0]["text"] == "All."
    assert len(told[-1]["response"]["output"]) == 1


async def test_a_call_that_was_cut_off_does_not_spoil_the_conversation(claude: Claude) -> None:
    cut = text("Wait.") + calls(call("get_weather", '{"ci', 'ty": "Bo'))
    claude.upstream.on(SONNET, cut.ending("length"), text("Again."))
    first = await claude.stream(tools=[WEATHER])

    second = await claude.create("Go on.", previous_response_id=first[-1]["response"]["id"])

    assert second.output_text == "Again."
    assert [turn["role"] for turn in claude.asked["messages"]] == ["user", "assistant", "user"]
