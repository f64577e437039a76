"""Thinking being written: as one part of a summary, or raw."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import override

from rejoinder.engine.deltas import Delta, ReasoningDelta, ReasoningSigned
from rejoinder.engine.open_item import OpenItem
from rejoinder.engine.padding import Padding
from rejoinder.schema import events
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.ids import new_id
from rejoinder.schema.items import JSON, ItemStatus, Reasoning, ReasoningText, SummaryText


class OpenThinking(OpenItem):
    """Thinking of either kind: its fragments, and what its upstream signed."""

    def __init__(self, output_index: int, padding: Padding) -> None:
        super().__init__(new_id("rs"), output_index, padding)
        self._is_telling = False

    @override
    def takes(self, delta: Delta) -> bool:
        return isinstance(delta, ReasoningDelta | ReasoningSigned)

    @override
    def add(self, delta: Delta) -> Sequence[StreamEvent]:
        if isinstance(delta, ReasoningSigned):
            self.secret = delta.secret
            return []
        assert isinstance(delta, ReasoningDelta)
        self.fragments.append(delta.text)
        if self._is_telling:
            return [self.more(delta.text)]
        self._is_telling = True
        return [self.begin(), self.more(delta.text)]

    @override
    def finish(self, status: ItemStatus) -> Sequence[StreamEvent]:
        """Thinking of which only the signature may be seen has no part at all."""
        return self.end() if self._is_telling else []

    @abstractmethod
    def begin(self) -> StreamEvent:
        """The part begins."""

    @abstractmethod
    def more(self, text: str) -> StreamEvent:
        """More text of the part."""

    @abstractmethod
    def end(self) -> Sequence[StreamEvent]:
        """The part has ended."""


class OpenReasoning(OpenThinking):
    """What clients display by default: a summary (contract 0.7)."""

    @override
    def empty(self) -> Reasoning:
        return {"id": self.id, "type": "reasoning", "summary": []}

    @override
    def final(self, status: ItemStatus) -> Reasoning:
        parts = [_summary(self.said)] if self.fragments else []
        return {"id": self.id, "type": "reasoning", "summary": parts}

    @override
    def begin(self) -> StreamEvent:
        return events.SummaryPartAdded(**self._place(), part=_summary(""))

    @override
    def more(self, text: str) -> StreamEvent:
        return events.SummaryTextDelta(**self._place(), delta=text, obfuscation=self.pad(text))

    @override
    def end(self) -> Sequence[StreamEvent]:
        return [
            events.SummaryTextDone(**self._place(), text=self.said),
            events.SummaryPartDone(**self._place(), part=_summary(self.said)),
        ]

    def _place(self) -> dict[str, JSON]:
        return {"item_id": self.id, "output_index": self.output_index, "summary_index": 0}


class OpenRawReasoning(OpenThinking):
    """The chain itself, for models whose users want it (`reasoning_output = "raw"`)."""

    @override
    def empty(self) -> Reasoning:
        return {"id": self.id, "type": "reasoning", "summary": [], "content": []}

    @override
    def final(self, status: ItemStatus) -> Reasoning:
        parts = [_raw(self.said)] if self.fragments else []
        return {"id": self.id, "type": "reasoning", "summary": [], "content": parts}

    @override
    def begin(self) -> StreamEvent:
        return events.ContentPartAdded(**self._place(), part=_raw(""))

    @override
    def more(self, text: str) -> StreamEvent:
        return events.ReasoningTextDelta(**self._place(), delta=text, obfuscation=self.pad(text))

    @override
    def end(self) -> Sequence[StreamEvent]:
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
