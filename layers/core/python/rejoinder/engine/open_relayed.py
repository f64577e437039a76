"""An item relayed from an upstream that speaks this API: its own events, with our ids and numbers.

What is told is folded as it passes. So an item that was cut can be closed like one of ours, one
that came whole is told in the order of one that came in pieces, and what an upstream leaves out
of that order (contract §4.4) is told in its place.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import override

from rejoinder.engine.deltas import Delta, ReasoningSigned, Relayed
from rejoinder.engine.open_item import OpenItem
from rejoinder.engine.padding import Padding
from rejoinder.schema import events
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.ids import renewed_id
from rejoinder.schema.items import JSON, ItemStatus, OutputItem

# The type of a part, or of an item that is not made of parts → the events that write its text,
# and the key under which the text stands.
TEXTS: Mapping[str, tuple[str, str]] = {
    "output_text": ("response.output_text", "text"),
    "refusal": ("response.refusal", "refusal"),
    "reasoning_text": ("response.reasoning_text", "text"),
    "summary_text": ("response.reasoning_summary_text", "text"),
    "function_call": ("response.function_call_arguments", "arguments"),
    "custom_tool_call": ("response.custom_tool_call_input", "input"),
    "mcp_call": ("response.mcp_call_arguments", "arguments"),
    "code_interpreter_call": ("response.code_interpreter_call_code", "code"),
}
TYPES: Mapping[str, str] = {stem: kind for kind, (stem, _) in TEXTS.items()}
PARTS: Mapping[str, tuple[str, str]] = {  # in the order in which an item that came whole is told
    "summary": ("response.reasoning_summary_part", "summary_index"),
    "content": ("response.content_part", "content_index"),
}
LISTS: Mapping[str, str] = {stem: name for name, (stem, _) in PARTS.items()}
NOTHING: Mapping[str, JSON] = MappingProxyType({})
LISTED = ("summary", "content", "annotations", "logprobs")
ITEM = "response.output_item"
ANNOTATION = "response.output_text.annotation"


class OpenRelayed(OpenItem):
    """Begun by the item as its upstream first showed it; `Relayed` deltas are its life."""

    def __init__(
        self, output_index: int, padding: Padding, item: JSON, *, item_id: str = ""
    ) -> None:
        super().__init__(item_id or renewed_id(item["id"]), output_index, padding)
        self._item = _emptied(item) | {"id": self.id}
        self._type: str = item["type"]
        self._final: JSON = None  # as the upstream said it, once it has
        self._parts: dict[str, list[JSON]] = {name: [] for name in PARTS}  # those that have ended
        self._list = ""  # which of those lists the open part will join
        self._part: JSON = None
        self._place: dict[str, JSON] = {"item_id": self.id, "output_index": output_index}
        self._logprobs: list[JSON] = []
        self._has_ended = False  # the text being written, though not what it stands in
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
        event = delta.event
        stem, _, verb = event["type"].rpartition(".")
        if stem != ITEM and (self._held or self._must_wait(stem, verb)):
            self._held.append(delta)
            return []
        if stem in TYPES and not self._is_over(stem):
            told = self._begin(stem)
            more = [self._more(event)] if verb == "delta" else self._end_text(event, event)
            return [*told, *more]
        return self._framed(stem, verb, event)

    def _must_wait(self, stem: str, verb: str) -> bool:
        """Whether a part begins behind one of which its upstream told no text, and no end.

        Only the final form knows that text; so the rest is told when that has come.
        """
        if self._part is None or self.fragments or self._has_ended:
            return False
        return TYPES.get(stem, self._part["type"]) != self._part["type"] or (
            stem in LISTS and verb == "added"
        )

    def _framed(self, stem: str, verb: str, event: JSON) -> Sequence[StreamEvent]:
        """What stands around texts: items, parts, annotations, the progress of hosted tools."""
        if stem == ITEM:
            self._final = event["item"] | {"id": self.id} if verb == "done" else None
            return []
        if stem in LISTS:
            part = event["part"]
            if verb == "added":
                return self._open_part(LISTS[stem], part)
            return self._end_part(part, event)
        if stem == ANNOTATION:
            return [self._annotate(event["annotation"])] if self._part is not None else []
        return [] if stem in TYPES else [self._tell(event)]

    @override
    def finish(self, status: ItemStatus) -> Sequence[StreamEvent]:
        """All that the final form has and nobody told; or without one, what was held back."""
        told: list[StreamEvent] = []
        while self._held and self._final is None:
            told += self._end_part(self._written())
            held, self._held = self._held, []
            for delta in held:
                told += self.add(delta)
        final: JSON = self.final(status)
        for name, ended in self._parts.items():
            for part in (final.get(name) or [])[len(ended) :]:
                told += self._open_part(name, part) if self._list != name else []
                told += self._end_part(part)
        is_text = isinstance(final.get(TEXTS.get(self._type, ("", ""))[1]), str)
        return [*told, *self._end_text(final)] if is_text and not self._has_ended else told

    @override
    def final(self, status: ItemStatus) -> OutputItem:
        """As the upstream said it; of what was cut, all that was told."""
        final: JSON = self._final or self._folded()
        if final.get("status") == "in_progress":
            final = final | {"status": status}
        whole: OutputItem = final
        return whole

    def _folded(self) -> JSON:
        folded = dict(self._item)
        for name, ended in self._parts.items():
            if ended or name == self._list:
                folded[name] = [*ended, self._written()] if name == self._list else ended
        return folded | ({TEXTS[self._type][1]: self.said} if self._type in TEXTS else {})

    def _written(self) -> JSON:
        """The open part as far as it is told."""
        if self._part["type"] not in TEXTS:
            return self._part
        logprobs = {"logprobs": self._logprobs} if "logprobs" in self._part else {}
        return self._part | {TEXTS[self._part["type"]][1]: self.said} | logprobs

    def _is_over(self, stem: str) -> bool:
        """Whether the end of this text was told: nothing may follow it."""
        return self._has_ended and TYPES[stem] == (self._part or self._item)["type"]

    def _tell(self, event: JSON) -> StreamEvent:
        return events.Relayed(event=event | self._place)

    def _begin(self, stem: str) -> Sequence[StreamEvent]:
        """The part that a text needs, if its upstream did not begin it."""
        kind = TYPES[stem]
        if kind == (self._part or self._item)["type"]:
            return []
        name = "summary" if kind == "summary_text" else "content"
        lists: JSON = {"annotations": [], "logprobs": []} if kind == "output_text" else {}
        return self._open_part(name, {"type": kind, **lists, TEXTS[kind][1]: ""})

    def _more(self, event: JSON) -> StreamEvent:
        text = event["delta"]
        self.fragments.append(text)
        if logprobs := event.get("logprobs"):
            self._logprobs += logprobs
        padding = self.pad(text)
        if not isinstance(padding, str):
            return self._tell(event)
        return events.Relayed(event={**event, **self._place, "obfuscation": padding})

    def _rest(self, whole: JSON) -> Sequence[StreamEvent]:
        """What was not told of a text: all of it, if it came whole."""
        stem, key = TEXTS[(self._part or self._item)["type"]]
        said, text = self.said, whole[key]
        logprobs = whole.get("logprobs", [])[len(self._logprobs) :]
        if self._has_ended or not text.startswith(said) or not (text[len(said) :] or logprobs):
            return []
        rest = {"type": f"{stem}.delta", "delta": text[len(said) :]}
        if "logprobs" in whole:
            rest["logprobs"] = logprobs
        return [self._more(rest)]

    def _end_text(self, whole: JSON, event: JSON = NOTHING) -> Sequence[StreamEvent]:
        """The end of the text, after the rest of it; with all that the upstream's event says."""
        told = self._rest(whole)
        writing = self._part or self._item
        stem, key = TEXTS[writing["type"]]
        self.fragments, self._has_ended = [whole[key]], True
        done = {"type": f"{stem}.done", key: whole[key]}
        if "logprobs" in writing:
            done["logprobs"] = self._logprobs
        if writing["type"] == "function_call":
            done["name"] = writing["name"]
        return [*told, self._tell(done | event)]

    def _annotate(self, annotation: JSON) -> StreamEvent:
        known = self._part["annotations"]
        self._part = self._part | {"annotations": [*known, annotation]}
        index = {"annotation_index": len(known), "annotation": annotation}
        return self._tell({"type": f"{ANNOTATION}.added"} | index)

    def _open_part(self, name: str, part: JSON) -> Sequence[StreamEvent]:
        told = self._end_part(self._written()) if self._part is not None else []
        stem, index = PARTS[name]
        self._list, self._part = name, _emptied(part)
        self._place = self._place | {index: len(self._parts[name])}
        self.fragments, self._logprobs, self._has_ended = [], [], False
        return [*told, self._tell({"type": f"{stem}.added", "part": self._part})]

    def _end_part(self, part: JSON, event: JSON = NOTHING) -> Sequence[StreamEvent]:
        """The end of the open part, if there is one, after what was not told of it."""
        if self._part is None:
            return []
        is_text = part["type"] in TEXTS and part["type"] == self._part["type"]
        told = [*self._rest(part)] if is_text else []
        for annotation in part.get("annotations", [])[len(self._part.get("annotations", [])) :]:
            told.append(self._annotate(annotation))
        if is_text and not self._has_ended:
            told += self._end_text(part)
        done = {"type": f"{PARTS[self._list][0]}.done", "part": part}
        told.append(self._tell(done | event))
        self._parts[self._list].append(part)
        self._list, self._part, self._has_ended = "", None, False
        self._place = {"item_id": self.id, "output_index": self.output_index}
        return told


def _emptied(thing: JSON) -> JSON:
    """A part or an item with every key that it will have, and nothing said yet."""
    empty: dict[str, JSON] = {key: [] for key in LISTED if key in thing}
    if "status" in thing:
        empty["status"] = "in_progress"
    if thing["type"] in TEXTS:
        empty[TEXTS[thing["type"]][1]] = ""
    return thing | empty
