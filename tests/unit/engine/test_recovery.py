"""A response that was cut off is ended as if nothing had happened, wherever it was cut."""

import pytest

from rejoinder.engine.deltas import (
    BlockEnded,
    Delta,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.engine.encoding import frames_of
from rejoinder.engine.recovery import resumed
from rejoinder.errors import Unavailable
from rejoinder.schema import events
from tests.unit.engine.laws import check_told
from tests.unit.engine.telling import JSON, START, new_assembler, new_response, order, parsed

CUT_OFF = Unavailable("The server stopped.", code="server_error")
LOGPROB = {"token": "Hel", "logprob": -0.5, "bytes": [72], "top_logprobs": []}

RUN: list[Delta] = [
    START,
    ReasoningDelta(0, "Two cities"),
    ReasoningDelta(0, ", two calls."),
    TextDelta(1, "Hel", [LOGPROB]),
    TextDelta(1, "lo"),
    RefusalDelta(1, "But no."),
    ToolCallDelta(2, '{"city":', "call_a", "get_weather"),
    ToolCallDelta(2, '"Oslo"}'),
    ToolCallDelta(3, "", "call_b", "notes__add"),
    BlockEnded(3),
    ToolCallDelta(4, '{"input":"{\\"input\\":\\"ls\\"}"}', "call_c", "shell"),
    ToolCallDelta(5, '{"input":"Dear"}', "call_d", "notes__draft"),
    Finished("stop"),
]


def run(*, raw: bool) -> list[bytes]:
    return frames_of(new_assembler(raw=raw).feed(RUN))


def ended(frames: list[bytes]) -> list[JSON]:
    return parsed([*frames, *frames_of(resumed(new_response(), frames).fail(CUT_OFF))])


CUTS = range(2, len(run(raw=False)))


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("cut", CUTS)
def test_a_run_cut_after_any_event_is_ended_well(cut: int, raw: bool) -> None:
    check_told(ended(run(raw=raw)[:cut]))


@pytest.mark.parametrize("cut", CUTS)
def test_what_was_done_stays_as_it_was(cut: int) -> None:
    frames = run(raw=False)[:cut]
    done = [e["item"] for e in parsed(frames) if e["type"] == "response.output_item.done"]

    items = ended(frames)[-1]["response"]["output"]

    assert items[: len(done)] == done
    assert len(items) <= len(done) + 1


def test_a_run_of_which_nothing_was_told_is_told_as_failed() -> None:
    assert order(ended([])) == "C P error failed"


def test_a_queued_response_fails_without_having_begun() -> None:
    queued = new_response(status="queued", background=True)
    frames = frames_of(
        [
            events.Created(response=queued, sequence_number=0),
            events.Queued(response=queued, sequence_number=1),
        ]
    )

    told = parsed([*frames, *frames_of(resumed(queued, frames).fail(CUT_OFF))])

    assert order(told) == "C queued error failed"
    assert [event["sequence_number"] for event in told] == [0, 1, 2, 3]
    assert told[-1]["response"]["background"] is True


def test_a_response_that_has_ended_is_left_as_it_is() -> None:
    assembler = new_assembler()
    frames = frames_of(assembler.feed(RUN))

    again = resumed(assembler.response, frames)

    assert again.is_finished
    assert again.fail(CUT_OFF) == []


@pytest.mark.parametrize(
    ("said", "ending"),
    [
        ([], "error failed"),
        ([TextDelta(0, "a")], "text. 0] -0 error failed"),
        ([TextDelta(0, "a"), BlockEnded(0)], "error failed"),
        ([RefusalDelta(0, "a")], "refusal. 0] -0 error failed"),
        ([ReasoningDelta(0, "a")], "summary. 0> -0 error failed"),
        ([ToolCallDelta(0, "", "", "get_time")], "args. -0 error failed"),
        ([ToolCallDelta(0, "{", "", "get_time")], "args. -0 error failed"),
        ([ToolCallDelta(0, '{"input":"l', "", "shell")], "input. -0 error failed"),
    ],
)
def test_what_was_open_is_closed_first(said: list[Delta], ending: str) -> None:
    frames = frames_of(new_assembler().feed([START, *said]))

    told = resumed(new_response(), frames).fail(CUT_OFF)

    assert order(parsed(frames_of(told))) == ending


def test_the_item_that_was_open_is_incomplete_and_keeps_what_was_told_of_it() -> None:
    frames = frames_of(
        new_assembler().feed([START, TextDelta(0, "a", [LOGPROB]), TextDelta(0, "b")])
    )

    item = ended(frames)[-1]["response"]["output"][0]

    assert item["status"] == "incomplete"
    assert item["content"] == [
        {"type": "output_text", "annotations": [], "logprobs": [LOGPROB], "text": "ab"}
    ]


@pytest.mark.parametrize("name", ["get_time", "notes__add", "shell", "notes__draft"])
def test_an_open_call_keeps_its_name_its_namespace_and_its_id(name: str) -> None:
    frames = frames_of(new_assembler().feed([START, ToolCallDelta(0, "{", "call_a", name)]))
    added = parsed(frames)[2]["item"]

    item = ended(frames)[-1]["response"]["output"][0]

    for key in ("id", "type", "call_id", "name", "namespace"):
        assert item.get(key) == added.get(key)


def test_the_stored_response_need_not_know_of_the_items_that_were_told() -> None:
    frames = frames_of(new_assembler().feed([START, TextDelta(0, "a"), BlockEnded(0)]))

    last = ended(frames)[-1]["response"]

    assert last["output"][0]["content"][0]["text"] == "a"
    assert last["output_text"] == "a"
