"""What holds for the events of every relayed response (contract §4.3), whatever was relayed.

The output is folded from the events alone, and OpenAI's own types check each of them.
"""

from collections.abc import Sequence
from typing import Any, get_args

import openai.types.responses as sdk
from pydantic import BaseModel, TypeAdapter

type JSON = Any

TERMINAL = ("response.completed", "response.incomplete", "response.failed")
KEYS = {
    "refusal": "refusal",
    "function_call_arguments": "arguments",
    "custom_tool_call_input": "input",
}


def checked(events: list[JSON]) -> list[JSON]:
    """The events, of which all laws hold."""
    for number, event in enumerate(events):
        assert event["sequence_number"] == number
        _SDK_TYPES[event["type"]].validate_python(event)
        _check_padding(event)
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert [kind for kind in kinds if kind in TERMINAL] == kinds[-1:]
    assert kinds.count("response.created") == kinds.count("response.in_progress") == 1
    last = events[-1]["response"]
    assert {event["response"]["id"] for event in events if "response" in event} == {last["id"]}
    assert fold(events) == last["output"]
    assert [item.get("status") for item in last["output"]].count("in_progress") == 0
    assert len({item["id"] for item in last["output"]}) == len(last["output"])
    return events


def _check_padding(event: JSON) -> None:
    if "obfuscation" in event:
        assert (len(event["delta"]) + len(event["obfuscation"])) % 16 == 0


def fold(events: Sequence[JSON]) -> list[JSON]:
    """The output that the events tell."""
    folding = Folding()
    for event in events[2:-1]:
        if event["type"] != "error":
            folding.take(event)
    assert folding.item is None
    return folding.done


class Folding:
    """One item after the other, one part after the other, each growing by its deltas."""

    def __init__(self) -> None:
        self.done: list[JSON] = []
        self.item: JSON = None
        self.part: JSON = None

    def take(self, event: JSON) -> None:
        """The next event."""
        assert event["output_index"] == len(self.done)
        stem, _, verb = event["type"].removeprefix("response.").rpartition(".")
        if stem == "output_item":
            self._item(verb, event["item"])
            return
        assert event["item_id"] == self.item["id"]
        if stem in ("content_part", "reasoning_summary_part"):
            self._part(verb, "content" if stem == "content_part" else "summary", event)
        elif stem == "output_text.annotation":
            assert event["annotation_index"] == len(self.part["annotations"])
            annotations = [*self.part["annotations"], event["annotation"]]
            self.part = self.part | {"annotations": annotations}
        elif verb == "delta":
            self._grow(KEYS.get(stem, "text"), event)
        elif verb == "done":
            key = KEYS.get(stem, "text")
            assert event[key] == (self.part or self.item)[key]

    def _item(self, verb: str, item: JSON) -> None:
        assert self.part is None
        if verb == "added":
            assert self.item is None
            self.item = item
            return
        told = {key: item[key] for key in ("status", "encrypted_content") if key in item}
        assert item == self.item | told
        self.done.append(item)
        self.item = None

    def _part(self, verb: str, name: str, event: JSON) -> None:
        assert event[f"{name}_index"] == len(self.item[name])
        if verb == "added":
            assert self.part is None
            self.part = event["part"]
        else:
            assert event["part"] == self.part
            self.item = self.item | {name: [*self.item[name], self.part]}
            self.part = None

    def _grow(self, key: str, event: JSON) -> None:
        holder = self.part or self.item
        grown = {key: holder[key] + event["delta"]}
        if "logprobs" in event:
            grown["logprobs"] = [*holder["logprobs"], *event["logprobs"]]
        if self.part is None:
            self.item = holder | grown
        else:
            self.part = holder | grown


def _sdk_types() -> dict[str, TypeAdapter[BaseModel]]:
    members: tuple[type[BaseModel], ...] = get_args(get_args(sdk.ResponseStreamEvent)[0])
    return {
        get_args(member.model_fields["type"].annotation)[0]: TypeAdapter(member)
        for member in members
    }


_SDK_TYPES = _sdk_types()
