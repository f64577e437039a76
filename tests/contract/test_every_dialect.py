"""The same story, whoever tells it, is the same sequence of events to a client.

What differs is a row of `OTHERWISE`, with the reason; what a wire cannot carry at all stands in
`dialects/differences.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.clients.models import Models
from tests.clients.rows import ARGUMENTS, REFUSAL, SUMMARY, TEXT, order_of
from tests.clients.tools import TOOLS
from tests.contract.door import Door
from tests.dialects.differences import DIALECTS, sayable
from tests.upstreams.chat_replies import (
    Scripted,
    Usage,
    call,
    calls,
    custom_call,
    failure,
    html,
    refusal,
    text,
    thinking,
)
from tests.upstreams.chat_troubles import Cut, ErrorFrame, Reset, Rubbish
from tests.upstreams.framing import Framing

type JSON = Any

EVERY = (*DIALECTS, "nova")
SHOWN: JSON = {"effort": "low", "summary": "auto"}
HIDDEN: JSON = {"effort": "low"}
OSLO = call("get_weather", '{"city":', '"Oslo"}')
ROME = call("get_weather", '{"ci', 'ty":"Rome"}')
LONG = Usage(prompt=20, completion=7, cached=4, reasoning=2)
CALL, MESSAGE = f"+{{0}} {ARGUMENTS} -{{0}}", f"+{{0}} {TEXT} -{{0}}"
WORLDLY = text("Grüße, ", "世界 ", "👋🏽") + calls(call("get_weather", '{"city":"Kö', 'ln 🌧"}'))
PIECEMEAL = Framing(split_characters=True)


@dataclass(frozen=True, slots=True)
class Story:
    """What the model says, and the order in which a client is told."""

    said: Scripted
    order: str
    reasoning: JSON = None


STORIES: Mapping[str, Story] = {
    "text": Story(text("Hel", "lo"), f"C P +0 {TEXT} -0 completed"),
    "nothing": Story(text(), "C P completed"),
    "unicode in pieces": Story(
        WORLDLY.framed(PIECEMEAL), f"C P +0 {TEXT} -0 {CALL.format(1)} completed"
    ),
    "unicode byte by byte": Story(
        WORLDLY.framed(Framing(bytes_per_write=1)),
        f"C P +0 {TEXT} -0 {CALL.format(1)} completed",
    ),
    "parallel calls": Story(calls(OSLO, ROME), f"C P {CALL.format(0)} {CALL.format(1)} completed"),
    "interleaved calls": Story(
        calls(OSLO, ROME, interleaved=True),
        f"C P {CALL.format(0)} {CALL.format(1)} completed",
    ),
    "empty arguments": Story(
        calls(call("get_time"), call("get_time")),
        f"C P {CALL.format(0)} {CALL.format(1)} completed",
    ),
    "custom call": Story(
        calls(custom_call("write", "2 + ", '"2"')), "C P +0 input.delta input.done -0 completed"
    ),
    "text, then calls": Story(
        text("Let me ", "see.") + calls(OSLO, ROME),
        f"C P {MESSAGE.format(0)} {CALL.format(1)} {CALL.format(2)} completed",
    ),
    "reasoning with its summary": Story(
        thinking("Well", ", well.") + text("Yes."),
        f"C P +0 {SUMMARY} -0 {MESSAGE.format(1)} completed",
        SHOWN,
    ),
    "reasoning, nobody asks for its summary": Story(
        thinking("Well", ", well.") + text("Yes."),
        f"C P +0 {SUMMARY} -0 {MESSAGE.format(1)} completed",
        HIDDEN,
    ),
    "reasoning, then calls": Story(
        thinking("Two, ", "I think.") + calls(OSLO, ROME),
        f"C P +0 {SUMMARY} -0 {CALL.format(1)} {CALL.format(2)} completed",
        SHOWN,
    ),
    "refusal": Story(refusal("I will ", "not."), f"C P +0 {REFUSAL} -0 completed"),
    "length in text": Story(
        text("Once ", "upon").ending("length"), f"C P {MESSAGE.format(0)} incomplete"
    ),
    "length in a call": Story(
        calls(OSLO, call("get_weather", '{"ci')).ending("length"),
        f"C P {CALL.format(0)} {CALL.format(1)} incomplete",
    ),
    "length while thinking": Story(
        thinking("Well, ", "well").ending("length"), f"C P +0 {SUMMARY} -0 incomplete", SHOWN
    ),
    "filter": Story(
        text("They ", "then").ending("content_filter"), f"C P {MESSAGE.format(0)} incomplete"
    ),
    "filter at once": Story(text().ending("content_filter"), "C P incomplete"),
    "cut in text": Story(
        text("Hel", "lo").troubled(Cut(1)), f"C P {MESSAGE.format(0)} error failed"
    ),
    "cut in a call": Story(
        calls(OSLO, ROME).troubled(Reset(2)), f"C P {CALL.format(0)} error failed"
    ),
    "error event": Story(
        text("Hel", "lo").troubled(ErrorFrame(1)), f"C P {MESSAGE.format(0)} error failed"
    ),
    "rubbish": Story(
        text("Hel", "lo").troubled(Rubbish(1)), f"C P {MESSAGE.format(0)} error failed"
    ),
    "usage last": Story(text("Hi.").costing(LONG), f"C P {MESSAGE.format(0)} completed"),
    "usage missing": Story(
        text("Hi.").costing(place="missing"), f"C P {MESSAGE.format(0)} completed"
    ),
}

# Dialect and story → another order, and why.
OTHERWISE: Mapping[tuple[str, str], tuple[str, str]] = {
    ("anthropic", "refusal"): (
        f"C P +0 {REFUSAL} -0 incomplete",
        "the refusal is the stop reason, which is an incomplete response (contract §9.2)",
    ),
    ("anthropic", "reasoning, nobody asks for its summary"): (
        f"C P +0 -0 {MESSAGE.format(1)} completed",
        "Claude's thinking is shown to who asks for a summary (contract §9.2)",
    ),
}


@pytest.mark.parametrize(("vendor", "name"), sayable(STORIES, EVERY), indirect=["vendor"])
def test_a_story_is_told_in_the_same_order_by_everybody(
    at_door: Door, vendor: Models, name: str
) -> None:
    story = STORIES[name]
    model = vendor.saying(story.said)

    told = at_door.stream(model, tools=TOOLS, reasoning=story.reasoning)

    order, _ = OTHERWISE.get((vendor.name, name), (story.order, ""))
    assert order_of(told) == order
    done = [event["item"] for event in told if event["type"] == "response.output_item.done"]
    assert told[-1]["response"]["output"] == done
    is_cut = not order.endswith("completed")
    statuses = [item["status"] for item in done if "status" in item]
    assert statuses == ["completed"] * (len(statuses) - 1) + [
        "incomplete" if is_cut else "completed"
    ] * bool(statuses)


WHOLE = [
    (dialect, name)
    for dialect, name in sayable(STORIES, EVERY)
    if not STORIES[name].order.endswith("failed")
]


@pytest.mark.parametrize(("vendor", "name"), WHOLE, indirect=["vendor"])
def test_a_story_in_one_piece_is_the_story_in_pieces(
    at_door: Door, vendor: Models, name: str
) -> None:
    story = STORIES[name]
    model = vendor.saying(story.said)

    streamed = at_door.stream(model, tools=TOOLS, reasoning=story.reasoning)[-1]["response"]
    whole = at_door.create(model, tools=TOOLS, reasoning=story.reasoning)

    assert [shape(item) for item in whole["output"]] == [shape(item) for item in streamed["output"]]
    same = ("status", "output_text", "incomplete_details", "service_tier")
    assert [whole[key] for key in same] == [streamed[key] for key in same]


def shape(item: JSON) -> JSON:
    """What a story decides of an item: not its ids, nor the white space in arguments."""
    kept = {key: value for key, value in item.items() if key not in ("id", "call_id")}
    if item.get("arguments") and item["status"] == "completed":
        kept["arguments"] = "".join(item["arguments"].split())
    if item["type"] == "function_call" and item["status"] == "incomplete":
        del kept["arguments"]  # what was cut off is nowhere told in one piece
    return kept


@pytest.mark.parametrize(("vendor", "name"), sayable(["usage last"], EVERY), indirect=["vendor"])
def test_everybodys_tokens_are_counted_alike(at_door: Door, vendor: Models, name: str) -> None:
    model = vendor.saying(STORIES[name].said)

    usage = at_door.stream(model)[-1]["response"]["usage"]

    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (20, 7, 27)
    assert usage["input_tokens_details"] == {"cached_tokens": 4, "cache_write_tokens": 0}
    is_counted = (vendor.name, "reasoning tokens") in sayable(["reasoning tokens"])
    assert usage["output_tokens_details"]["reasoning_tokens"] == (2 if is_counted else 0)


@pytest.mark.parametrize(
    ("vendor", "_name"), sayable(["usage missing"], EVERY), indirect=["vendor"]
)
def test_who_does_not_count_costs_nothing(at_door: Door, vendor: Models, _name: str) -> None:
    model = vendor.saying(STORIES["usage missing"].said)

    usage = at_door.stream(model)[-1]["response"]["usage"]

    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (0, 0, 0)


FAILURES: Mapping[str, tuple[Scripted, int, str | None]] = {
    "bad request": (failure(400, "Strange."), 400, None),
    "too long": (failure(400, code="context_length_exceeded"), 400, "context_length_exceeded"),
    "no such model": (failure(404, "No such model."), 400, "model_not_found"),
    "our key": (failure(401), 500, "upstream_auth"),
    "throttled": (failure(429), 429, "rate_limit_exceeded"),
    "no quota": (failure(429, code="insufficient_quota"), 429, "insufficient_quota"),
    "broken": (failure(500), 503, "upstream_unavailable"),
    "overloaded": (failure(503), 503, "overloaded"),
    "a proxy's page": (html(502), 503, "upstream_unavailable"),
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("vendor", "name"), sayable(FAILURES, EVERY), indirect=["vendor"])
def test_a_failure_before_the_first_word_has_the_same_status(
    at_door: Door, vendor: Models, name: str, *, stream: bool
) -> None:
    reply, status, code = FAILURES[name]
    model = vendor.saying(reply)

    got, error = at_door.refused(model, stream=stream)

    assert (got, error["code"]) == (status, code)
    assert error["message"]
