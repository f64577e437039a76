"""An item relayed from an upstream that speaks this API: its own events, with our ids and numbers.

What is told is folded as it passes. So an item that was cut can be closed like one of ours, one
that came whole is told in the order of one that came in pieces, and what an upstream leaves out
of that order (contract §4.4) is told in its place.
"""

from collections.abc import Mapping, Sequence
from typing import override

from rejoinder.engine.deltas import Delta, ReasoningSigned, Relayed
from rejoinder.engine.open_item import OpenItem
from rejoinder.engine.padding import Padding
from rejoinder.engine.relay_tables import ANNOTATION, ITEM, LISTS, PARTS, TEXTS, TYPES
from rejoinder.engine.relayed_parts import (
    NOTHING,
    OpenPart,
    OpenText,
    Place,
    emptied,
    part_for,
)
from rejoinder.schema import events
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.ids import renewed_id
from rejoinder.schema.items import JSON, ItemStatus, OutputItem


class OpenRelayed(OpenItem):
    """Begun by the item as its upstream first showed it; `Relayed` deltas are its life.

    Text stands in parts, or in the item itself if its type has no parts.
    """

    def __init__(
        self, output_index: int, padding: Padding, item: JSON, *, item_id: str = ""
    ) -> None:
        super().__init__(item_id or renewed_id(item["id"]), output_index, padding)
        self._place: Place = {"item_id": self.id, "output_index": output_index}
        self._item = emptied(item) | {"id": self.id}
        self._final: JSON = None  # as the upstream said it, once it has
        self._ended: dict[str, list[JSON]] = {name: [] for name in PARTS}  # parts, by their list
        self._part: OpenPart | None = None
        self._text = OpenText(self._item, self._place, padding) if item["type"] in TEXTS else None
        self._held: list[Relayed] = []  # since it was not known what the open part says

    @property
    @override
    def is_settled(self) -> bool:
        """Its upstream says when."""
        return self._final is not None

    @override
    def takes(self, delta: Delta) -> bool:
        if isinstance(delta, Relayed):
            return str(delta.event["type"]) != f"{ITEM}.added"
        return isinstance(delta, ReasoningSigned)

    @override
    def empty(self) -> OutputItem:
        item: OutputItem = self._item
        return item

    @override
    def add(self, delta: Delta) -> Sequence[StreamEvent]:
        if isinstance(delta, ReasoningSigned):
            self.secret = delta.secret
            return []
        assert isinstance(delta, Relayed)
        stem, _, verb = delta.event["type"].rpartition(".")
        if stem == ITEM:
            self._final = delta.event["item"] | {"id": self.id} if verb == "done" else None
            return []
        if self._held or self._must_wait(stem, verb):
            self._held.append(delta)
            return []
        if stem in TYPES:
            return self._write(TYPES[stem], verb, delta.event)
        return self._frame(stem, verb, delta.event)

    def _must_wait(self, stem: str, verb: str) -> bool:
        """Whether a part begins behind one of which its upstream told no text, and no end.

        Only the final form knows that text; so the rest is told when that has come.
        """
        if (part := self._part) is None:
            return False
        is_next = TYPES[stem] != part.type if stem in TYPES else stem in LISTS and verb == "added"
        return is_next and part.is_untouched

    def _write(self, kind: str, verb: str, event: JSON) -> Sequence[StreamEvent]:
        """More of a text, or its end; after the beginning of a part, if none of that type is open.

        Nothing may follow the end.
        """
        text = self._text if self._part is None else self._part.text
        if text is None or text.type != kind:
            return [*self._begin_part(*part_for(kind)), *self._write(kind, verb, event)]
        if text.has_ended:
            return []
        return [text.more(event)] if verb == "delta" else text.end(event, event)

    def _frame(self, stem: str, verb: str, event: JSON) -> Sequence[StreamEvent]:
        """What stands around texts: parts, annotations, the progress of hosted tools."""
        if stem in LISTS:
            part = event["part"]
            if verb == "added":
                return self._begin_part(LISTS[stem], part)
            return self._end_part(part, event)
        if stem == ANNOTATION:
            return [self._part.annotate(event["annotation"])] if self._part is not None else []
        place = self._place if self._part is None else self._part.place
        return [events.Relayed(event={**event, **place})]

    def _begin_part(self, name: str, part: JSON) -> Sequence[StreamEvent]:
        """The beginning of a part, after the end of the one before it."""
        before = self._end_part(self._part.written()) if self._part is not None else []
        index = len(self._ended[name])
        self._part = OpenPart(name, index, part, self._place, self.pad)
        return [*before, self._part.begin()]

    def _end_part(self, final: JSON, event: Mapping[str, JSON] = NOTHING) -> Sequence[StreamEvent]:
        """The end of the open part, if there is one."""
        if (part := self._part) is None:
            return []
        self._part = None
        self._ended[part.name].append(final)
        return part.end(final, event)

    @override
    def finish(self, status: ItemStatus) -> Sequence[StreamEvent]:
        """All that the final form has and nobody told; or without one, what was held back."""
        told: list[StreamEvent] = []
        while self._held and self._final is None:
            told += self._release()
        final: JSON = self.final(status)
        for name, ended in self._ended.items():
            for part in (final.get(name) or [])[len(ended) :]:
                if self._part is None or self._part.name != name:
                    told += self._begin_part(name, part)
                told += self._end_part(part)
        if self._text is not None and not self._text.has_ended and self._text.is_in(final):
            told += self._text.end(final)
        return told

    def _release(self) -> Sequence[StreamEvent]:
        """What was held back, as far as it need not wait again; the open part ends as it stands."""
        assert self._part is not None
        told = [*self._end_part(self._part.written())]
        held, self._held = self._held, []
        for delta in held:
            told += self.add(delta)
        return told

    @override
    def final(self, status: ItemStatus) -> OutputItem:
        """As the upstream said it; of what was cut, all that was told."""
        final: JSON = self._final or self._folded()
        if final.get("status") == "in_progress":
            final = final | {"status": status}
        whole: OutputItem = final
        return whole

    def _folded(self) -> JSON:
        """The item as far as it is told."""
        parts = {name: [*ended] for name, ended in self._ended.items()}
        if self._part is not None:
            parts[self._part.name].append(self._part.written())
        folded = self._item | {name: listed for name, listed in parts.items() if listed}
        return folded if self._text is None else self._text.filled(folded)
