"""Whatever an upstream says, the events tell one well-formed response, and all of it.

The laws themselves are in `laws`, the event catalogue in `wire`, what may be said in `stories`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from rejoinder.engine.calls import MAX_CALL_ID_LENGTH
from rejoinder.engine.deltas import (
    Block,
    BlockEnded,
    Delta,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.engine.encoding import frames_of, split_frames, without_padding
from rejoinder.engine.recovery import resumed
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import Unavailable
from tests.unit.engine.laws import TERMINAL, check_told, nameless
from tests.unit.engine.stories import Story, blocks, examples, stories, tell
from tests.unit.engine.telling import JSON, TOOLS, new_assembler, output, parsed

CUT_OFF = Unavailable("The server stopped.", code="server_error")


@examples(200)
@given(stories)
def test_the_events_of_any_response_obey_the_laws(story: Story) -> None:
    told = tell(story)
    events = parsed(told.frames)

    check_told(events)
    assert events[-1]["response"]["status"] == told.assembler.response.status
    assert told.assembler.is_finished


@examples(200)
@given(stories)
def test_frames_are_parted_where_they_were_joined(story: Story) -> None:
    frames = tell(story).frames

    assert split_frames(b"".join(frames)) == frames
    for frame, event in zip(frames, parsed(frames), strict=True):
        assert frame.startswith(f"event: {event['type']}\ndata: {{".encode())
        assert frame.endswith(b"}\n\n")
        assert frame.count(b"\n") == 3
        assert b"\r" not in frame


@examples(100)
@given(stories)
def test_every_delta_is_padded_and_only_for_who_wants_it(story: Story) -> None:
    frames = tell(story).frames

    for event in parsed(frames):
        is_padded = story.is_padded and event["type"].endswith(".delta")
        assert ("obfuscation" in event) == is_padded
        if is_padded:
            assert (len(event["delta"]) + len(event["obfuscation"])) % 16 == 0
    for event, bare in zip(
        parsed(frames), parsed(without_padding(frame) for frame in frames), strict=True
    ):
        assert bare == {key: value for key, value in event.items() if key != "obfuscation"}


@examples(200)
@given(stories)
def test_how_deltas_are_batched_changes_nothing_that_is_told(story: Story) -> None:
    one_by_one = Story(
        [[delta] for delta in story.said],
        story.ending,
        story.after,
        story.choice,
        story.is_raw,
        story.is_padded,
        story.shows_sealed,
    )

    assert nameless(parsed(tell(one_by_one).frames)) == nameless(parsed(tell(story).frames))


@examples(200)
@given(stories)
def test_nothing_that_was_said_is_lost(story: Story) -> None:
    told = tell(story)
    items = output(parsed(told.frames))
    expected, found = _said(story), _shown(items)

    if _contradicts_itself(told.assembler.failure, story):
        assert all(not found[kind] - expected[kind] for kind in found)
    else:
        assert found == expected


@examples(200)
@given(stories)
def test_each_allowed_call_is_told_whole_and_under_its_own_name(story: Story) -> None:
    told = tell(story)
    found = Counter(map(_call_shown, _calls(output(parsed(told.frames)))))
    expected = Counter(_calls_said(story))

    if _contradicts_itself(told.assembler.failure, story):  # what came after is not heard
        assert _names(found) <= _names(expected)
    elif told.assembler.failure is not None:  # what came too late for its call is lost
        assert _names(found) == _names(expected)
    else:
        assert found == expected


@examples(200)
@given(st.lists(st.tuples(blocks, st.sampled_from("trc")), max_size=30), st.booleans())
def test_the_words_of_a_block_keep_their_order(spoken: list[tuple[Block, str]], raw: bool) -> None:
    """Each word is unlike all others, so that it can be found again."""
    said: list[Delta] = []
    words: defaultdict[Block, list[str]] = defaultdict(list)
    for number, (block, kind) in enumerate(spoken):
        word, call = f"<{number}>", f"call {block}"
        if kind == "c":
            said.append(ToolCallDelta(call, word, "", "get_time"))
        else:
            said.append((TextDelta if kind == "t" else ReasoningDelta)(block, word))
        words[call if kind == "c" else block].append(word)
    assembler = new_assembler(raw=raw)
    told = parsed(frames_of(assembler.feed([Started(), *said, Finished("stop")])))

    all_words = "".join(_texts(output(told)))
    for spoken_there in words.values():
        places = [all_words.index(word) for word in spoken_there]
        assert places == sorted(places)
        assert all(all_words.count(word) == 1 for word in spoken_there)


@examples(150)
@given(stories, st.data())
def test_a_response_cut_after_any_event_can_be_ended(story: Story, data: st.DataObject) -> None:
    frames = tell(story).frames
    cut = data.draw(st.integers(0, len(frames) - 1), label="cut")
    begun = story.assembler().response

    _check_ended(begun, frames[:cut])


@examples(100)
@given(stories, st.data())
def test_a_response_cut_between_batches_can_be_ended_from_what_was_stored(
    story: Story, data: st.DataObject
) -> None:
    told = tell(story)
    cut = data.draw(st.integers(0, len(told.batches) - 1), label="cut")
    stored = told.responses[cut]
    frames = [frame for batch in told.batches[: cut + 1] for frame in frames_of(batch)]

    if stored.is_live:
        _check_ended(stored, frames)
    else:
        assert resumed(stored, frames).fail(CUT_OFF) == []


def _check_ended(response: JSON, frames: list[bytes]) -> None:
    """The part that was told before is not told again, and the whole obeys the laws.

    Two things differ, and only for cuts inside of what one batch tells, which stores never
    make: after `response.created` alone no `in_progress` follows, and an `error` event whose
    `response.failed` was lost is followed by another.
    """
    assembler = resumed(response, frames)
    ending = frames_of(assembler.fail(CUT_OFF))
    if frames and parsed(frames)[-1]["type"] == "error":
        frames = frames[:-1]
        ending = frames_of(resumed(response, frames).fail(CUT_OFF))

    events = parsed([*frames, *ending])
    check_told(events, starts=["created"] if len(frames) == 1 else ["created", "in_progress"])
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["error"]["message"] == "The server stopped."
    assert assembler.is_finished
    _check_nothing_told_was_lost(events, len(frames))


def _check_nothing_told_was_lost(events: list[JSON], cut: int) -> None:
    told = Counter(
        character
        for event in events[:cut]
        if event["type"].endswith(".delta")
        for character in event["delta"]
    )
    assert not told - Counter("".join(_texts(output(events))))


def _contradicts_itself(failure: Exception | None, story: Story) -> bool:
    return failure is not None and failure is not story.ending


def _said(story: Story) -> dict[str, Counter[str]]:
    """Every character of text, by the kind of delta that said it."""
    said: dict[str, Counter[str]] = {
        "output_text": Counter(),
        "refusal": Counter(),
        "reasoning": Counter(),
    }
    for delta in story.said:
        match delta:
            case TextDelta():
                said["output_text"].update(delta.text)
            case RefusalDelta():
                said["refusal"].update(delta.text)
            case ReasoningDelta():
                said["reasoning"].update(delta.text)
    return said


def _shown(items: list[JSON]) -> dict[str, Counter[str]]:
    shown: dict[str, Counter[str]] = {
        name: Counter() for name in ("output_text", "refusal", "reasoning")
    }
    for item in items:
        for part in (*item.get("content", ()), *item.get("summary", ())):
            name = part["type"] if item["type"] == "message" else "reasoning"
            shown[name].update(part.get("text") or part.get("refusal") or "")
    return shown


def _texts(items: list[JSON]) -> Iterator[str]:
    """All text of an output, in its order."""
    for item in items:
        for part in (*item.get("content", ()), *item.get("summary", ())):
            yield part.get("text") or part.get("refusal") or ""
        yield item.get("arguments") or item.get("input") or ""


def _calls(items: list[JSON]) -> list[JSON]:
    return [item for item in items if "call_id" in item]


def _names(calls: Counter[tuple[str, str]]) -> Counter[str]:
    return Counter(name for name, _ in calls.elements())


def _call_shown(item: JSON) -> tuple[str, str]:
    assert 0 < len(item["call_id"]) <= MAX_CALL_ID_LENGTH
    said = item["arguments"] if item["type"] == "function_call" else item["input"]
    return item["name"], _essence(said)


def _calls_said(story: Story) -> Iterator[tuple[str, str]]:
    """Name and text of each allowed call: the first call of a block is all of the block's."""
    names = ToolNames(TOOLS, story.choice)
    begun: dict[Block, tuple[str, list[str]]] = {}
    for delta in story.said:
        if not isinstance(delta, ToolCallDelta):
            continue
        if delta.block in begun:
            begun[delta.block][1].append(delta.arguments)
        elif names.allows(delta.name):
            begun[delta.block] = delta.name, [delta.arguments]
    for flat, pieces in begun.values():
        tool = names.original(flat)
        text = "".join(pieces)
        yield tool.name, _essence(_unwrapped(text) if tool.is_custom else text)


def _unwrapped(text: str) -> str:
    try:
        wrapped = json.loads(text)
    except ValueError:
        return text
    is_wrapped = isinstance(wrapped, dict) and isinstance(wrapped.get("input"), str)
    return str(wrapped["input"]) if is_wrapped else text


def _essence(arguments: str) -> str:
    """Without white space, which after a call's end is dropped; no arguments are `{}`."""
    return "".join(arguments.split()).replace("{}", "")


def test_the_catalogue_of_laws_knows_every_terminal_event() -> None:
    assert {f"response.{name}" for name in ("completed", "incomplete", "failed")} == set(TERMINAL)


def test_an_ended_block_can_be_ended_again() -> None:
    told = new_assembler().feed(
        [Started(), TextDelta(0, "x"), BlockEnded(0), BlockEnded(0), Finished("stop")]
    )

    check_told(parsed(frames_of(told)))
