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
