"""Events as bytes: one frame each, parted and joined without loss."""

import json

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import (
    Delta,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.engine.encoding import (
    TERMINAL_HEADS,
    frames_of,
    split_frames,
    without_padding,
)
from rejoinder.engine.padding import padded, unpadded
from rejoinder.engine.tool_names import ToolNames
from rejoinder.schema import events
from tests.unit.engine.telling import START, TOOLS, new_assembler, new_response

DELTAS: list[Delta] = [
    START,
    ReasoningDelta(0, "Hm."),
    TextDelta(
        1,
        'A "quote",\r\n\n and\u2028 🌧',
        [{"token": "A", "logprob": -0.1, "bytes": [65], "top_logprobs": []}],
    ),
    RefusalDelta(1, "No."),
    ToolCallDelta(2, '{"city":"Oslo"}', "call_a", "get_weather"),
    ToolCallDelta(3, '{"input":"ls"}', "call_b", "shell"),
    Finished("stop"),
]


def test_a_frame_is_the_event_name_one_line_of_data_and_a_blank_line() -> None:
    frame = frames_of(new_assembler().feed(DELTAS))[4]
    name, data, *blank = frame.decode().split("\n")

    assert name == "event: response.reasoning_summary_text.delta"
    assert json.loads(data.removeprefix("data: "))["delta"] == "Hm."
    assert blank == ["", ""]


def test_the_name_of_a_frame_is_the_type_of_its_event() -> None:
    for frame in frames_of(new_assembler().feed(DELTAS)):
        name, data = frame.decode().removesuffix("\n\n").split("\n")
        assert name.removeprefix("event: ") == json.loads(data.removeprefix("data: "))["type"]


def test_joined_frames_are_parted_where_they_were_joined() -> None:
    frames = frames_of(new_assembler().feed(DELTAS))

    assert split_frames(b"".join(frames)) == frames


def test_nothing_is_parted_into_nothing() -> None:
    assert split_frames(b"") == []


def test_the_terminal_events_are_known_by_their_heads() -> None:
    response = new_response()
    frames = frames_of(
        [
            events.Completed(response=response),
            events.Incomplete(response=response),
            events.Failed(response=response),
        ]
    )

    assert all(frame.startswith(TERMINAL_HEADS) for frame in frames)
    assert not frames_of([events.InProgress(response=response)])[0].startswith(TERMINAL_HEADS)


def test_frames_without_their_padding_are_those_of_a_client_that_asked_for_none() -> None:
    one = ResponseAssembler(new_response(), ToolNames(TOOLS), padding=padded)
    frames = frames_of(one.feed(DELTAS))
    plain = [without_padding(frame) for frame in frames]

    assert b'"obfuscation":' in b"".join(frames)
    assert b'"obfuscation":' not in b"".join(plain)
    assert [len(frame) > len(bare) for frame, bare in zip(frames, plain, strict=True)] == [
        b'"obfuscation"' in frame for frame in frames
    ]


def test_text_that_looks_like_padding_is_left_alone() -> None:
    text = 'x","obfuscation":"abc"'
    assembler = new_assembler(padding=unpadded)

    for frame in frames_of(assembler.feed([START, TextDelta(0, text), Finished("stop")])):
        assert without_padding(frame) == frame


def test_a_client_that_asks_for_no_padding_does_not_see_the_key() -> None:
    told = new_assembler(padding=unpadded).feed([START, TextDelta(0, "Hi")])

    assert b"obfuscation" not in b"".join(frames_of(told))
