"""A message being written: parts of text and of refusal, one after the other."""

from collections.abc import Sequence
from typing import override

from rejoinder.engine.deltas import Delta, RefusalDelta, TextDelta
from rejoinder.engine.open_item import OpenItem
from rejoinder.engine.padding import Padding
from rejoinder.schema import events
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.ids import new_id
from rejoinder.schema.items import JSON, ItemStatus, Message, OutputText, Part, Refusal


class OpenMessage(OpenItem):
    """The part being written is of one kind; a delta of the other kind begins the next part."""

    def __init__(self, output_index: int, padding: Padding) -> None:
        super().__init__(new_id("msg"), output_index, padding)
        self._parts: list[Part] = []
        self._kind: type[Delta] | None = None
        self._logprobs: list[JSON] = []

    @override
    def takes(self, delta: Delta) -> bool:
        return isinstance(delta, TextDelta | RefusalDelta)

    @override
    def empty(self) -> Message:
        return self._message("in_progress", [])

    @override
    def final(self, status: ItemStatus) -> Message:
        return self._message(status, self._parts)

    def _message(self, status: ItemStatus, parts: list[Part]) -> Message:
        return {
            "id": self.id,
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": parts,
        }

    @override
    def add(self, delta: Delta) -> Sequence[StreamEvent]:
        if type(delta) is not self._kind:
            return [*self._close_part(), *self._open_part(type(delta)), *self.add(delta)]
        if isinstance(delta, TextDelta):
            return [self._text(delta)]
        assert isinstance(delta, RefusalDelta)
        return [self._refusal(delta)]

    def _text(self, delta: TextDelta) -> StreamEvent:
        self.fragments.append(delta.text)
        if delta.logprobs:
            self._logprobs += delta.logprobs
        return events.OutputTextDelta(
            item_id=self.id,
            output_index=self.output_index,
            content_index=len(self._parts),
            delta=delta.text,
            logprobs=delta.logprobs or [],
            obfuscation=self.pad(delta.text),
        )

    def _refusal(self, delta: RefusalDelta) -> StreamEvent:
        self.fragments.append(delta.text)
        return events.RefusalDelta(
            item_id=self.id,
            output_index=self.output_index,
            content_index=len(self._parts),
            delta=delta.text,
            obfuscation=self.pad(delta.text),
        )

    @override
    def finish(self, status: ItemStatus) -> Sequence[StreamEvent]:
        return self._close_part()

    def _open_part(self, kind: type[Delta]) -> Sequence[StreamEvent]:
        self._kind = kind
        part = refusal("") if kind is RefusalDelta else output_text("", [])
        return [
            events.ContentPartAdded(
                item_id=self.id,
                output_index=self.output_index,
                content_index=len(self._parts),
                part=part,
            )
        ]

    def _close_part(self) -> Sequence[StreamEvent]:
        if self._kind is None:
            return []
        place: dict[str, JSON] = {
            "item_id": self.id,
            "output_index": self.output_index,
            "content_index": len(self._parts),
        }
        text = self.said
        part: Part
        told: StreamEvent
        if self._kind is RefusalDelta:
            part = refusal(text)
            told = events.RefusalDone(**place, refusal=text)
        else:
            part = output_text(text, self._logprobs)
            told = events.OutputTextDone(**place, text=text, logprobs=self._logprobs)
        self._parts.append(part)
        self._kind, self.fragments, self._logprobs = None, [], []
        return [told, events.ContentPartDone(**place, part=part)]


def output_text(text: str, logprobs: list[JSON]) -> OutputText:
    """A text part, with both arrays always there (contract §3.2)."""
    return {"type": "output_text", "annotations": [], "logprobs": logprobs, "text": text}


def refusal(text: str) -> Refusal:
    """A refusal part."""
    return {"type": "refusal", "refusal": text}
