"""Thinking being written: as one part of a summary, or raw."""

from collections.abc import Sequence
from typing import override

from rejoinder.engine.deltas import Delta, ReasoningDelta
from rejoinder.engine.open_item import OpenItem
from rejoinder.engine.padding import Padding
from rejoinder.schema import events
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.ids import new_id
from rejoinder.schema.items import JSON, ItemStatus, Reasoning, ReasoningText, SummaryText


class OpenReasoning(OpenItem):
    """What clients display by default: a summary (contract 0.7)."""

    def __init__(self, output_index: int, padding: Padding, *, item_id: str = "") -> None:
        super().__init__(item_id or new_id("rs"), output_index, padding)

    @override
    def takes(self, delta: Delta) -> bool:
        return isinstance(delta, ReasoningDelta)

    @override
    def empty(self) -> Reasoning:
        return {"id": self.id, "type": "reasoning", "summary": []}

    @override
    def final(self, status: ItemStatus) -> Reasoning:
        return {"id": self.id, "type": "reasoning", "summary": [_summary(self.said)]}

    @override
    def open(self) -> Sequence[StreamEvent]:
        part = events.SummaryPartAdded(**self._place(), part=_summary(""))
        return [*super().open(), part]

    @override
    def add(self, delta: Delta) -> Sequence[StreamEvent]:
        assert isinstance(delta, ReasoningDelta)
        self.fragments.append(delta.text)
        pad = self.pad(delta.text)
        return [events.SummaryTextDelta(**self._place(), delta=delta.text, obfuscation=pad)]

    @override
    def finish(self, status: ItemStatus) -> Sequence[StreamEvent]:
        return [
            events.SummaryTextDone(**self._place(), text=self.said),
            events.SummaryPartDone(**self._place(), part=_summary(self.said)),
        ]

    def _place(self) -> dict[str, JSON]:
        return {"item_id": self.id, "output_index": self.output_index, "summary_index": 0}


class OpenRawReasoning(OpenItem):
    """The chain itself, for models whose users want it (`reasoning_output = "raw"`)."""

    def __init__(self, output_index: int, padding: Padding, *, item_id: str = "") -> None:
        super().__init__(item_id or new_id("rs"), output_index, padding)

    @override
    def takes(self, delta: Delta) -> bool:
        return isinstance(delta, ReasoningDelta)

    @override
    def empty(self) -> Reasoning:
        return {"id": self.id, "type": "reasoning", "summary": [], "content": []}

    @override
    def final(self, status: ItemStatus) -> Reasoning:
        return {**self.empty(), "content": [_raw(self.said)]}

    @override
    def open(self) -> Sequence[StreamEvent]:
        part = events.ContentPartAdded(**self._place(), part=_raw(""))
        return [*super().open(), part]

    @override
    def add(self, delta: Delta) -> Sequence[StreamEvent]:
        assert isinstance(delta, ReasoningDelta)
        self.fragments.append(delta.text)
        pad = self.pad(delta.text)
        return [events.ReasoningTextDelta(**self._place(), delta=delta.text, obfuscation=pad)]

    @override
    def finish(self, status: ItemStatus) -> Sequence[StreamEvent]:
        return [
            events.ReasoningTextDone(**self._place(), text=self.said),
            events.ContentPartDone(**self._place(), part=_raw(self.said)),
        ]

    def _place(self) -> dict[str, JSON]:
        return {"item_id": self.id, "output_index": self.output_index, "content_index": 0}


def _summary(text: str) -> SummaryText:
    return {"type": "summary_text", "text": text}


def _raw(text: str) -> ReasoningText:
    return {"type": "reasoning_text", "text": text}
