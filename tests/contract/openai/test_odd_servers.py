"""Servers that speak Responses less well than OpenAI: what is no sense is their fault, told so."""

from typing import Any

import pytest
from msgspec.json import encode

from rejoinder.engine.deltas import Finished, Relayed, Started
from rejoinder.errors import Unavailable
from rejoinder.providers.openai.stream import EventReader
from rejoinder.schema.response import Usage

type JSON = Any

ADDED: JSON = {
    "type": "response.output_item.added",
    "output_index": 0,
    "item": {"id": "msg_1", "type": "message", "role": "assistant", "content": None},
}
DELTA = {"type": "response.output_text.delta", "output_index": 0, "delta": "a"}


@pytest.mark.parametrize(
    "event",
    [
        DELTA | {"output_index": 1},
        DELTA | {"delta": {"text": "a"}},
        {"type": "response.output_text.delta", "output_index": 0},
        {"type": "response.output_text.delta", "delta": "a"},
        {"type": "response.output_text.done", "output_index": 0},
        {"type": "response.output_text.done", "output_index": 0, "text": 1},
        {"type": "response.content_part.added", "output_index": 0, "part": {}},
        {"type": "response.content_part.done", "output_index": 0},
        {"type": "response.output_item.done", "output_index": "0", "item": ADDED["item"]},
        {"type": "response.output_item.added", "output_index": 1, "item": {"type": "message"}},
        {"type": "response.output_item.added", "output_index": 1, "item": "message"},
        {"type": "response.completed"},
        {"type": "response.completed", "response": None},
        {"type": "response.completed", "response": {"status": "completed", "output": [7]}},
        {"type": "response.content_part.added", "output_index": 0, "part": None},
        {"type": "response.output_text.annotation.added", "output_index": 0},
        {"type": ["response.completed"]},
        {"type": "response.failed"},
        {"type": "response.failed", "response": 7},
        {"no": "type"},
        [1],
        7,
    ],
)
def test_an_event_without_sense_ends_the_reading(event: JSON) -> None:
    reader = EventReader("origin")

    deltas = reader.read([encode(ADDED), encode(DELTA), encode(event), encode(DELTA)])

    assert [type(delta) for delta in deltas] == [Started, Relayed, Relayed]
    assert isinstance(reader.failure, Unavailable)
    assert reader.is_done


@pytest.mark.parametrize("told", [{"message": "Out of memory"}, "Out of memory"], ids=str)
@pytest.mark.parametrize("is_whole", [True, False])
def test_an_error_that_comes_without_an_event_keeps_its_sense(told: JSON, is_whole: bool) -> None:
    reader, said = EventReader("origin"), encode({"error": told})

    deltas = reader.read_whole(said) if is_whole else reader.read([said])

    assert deltas == []
    assert isinstance(reader.failure, Unavailable)
    assert "Out of memory" in reader.failure.message


def test_a_fault_of_ours_is_not_the_servers() -> None:
    no_payloads: Any = [None]

    with pytest.raises(AttributeError):
        EventReader("origin").read(no_payloads)


def test_usage_with_gaps_is_filled() -> None:
    response = {"status": "completed", "usage": {"input_tokens": 3, "output_tokens": 2}}

    *_, last = EventReader("origin").read_whole(encode(response))

    assert isinstance(last, Finished)
    assert last.usage == Usage(input_tokens=3, output_tokens=2, total_tokens=5)


def test_a_done_mark_is_no_event() -> None:
    reader = EventReader("origin")

    assert reader.read([b"[DONE]"]) == []
    assert reader.failure is None


def test_nulls_of_items_that_we_make_too_are_left_out() -> None:
    reader = EventReader("origin")

    *_, added = reader.read([encode(ADDED)])

    assert isinstance(added, Relayed)
    assert added.event["item"] == {**ADDED["item"], "content": []}
