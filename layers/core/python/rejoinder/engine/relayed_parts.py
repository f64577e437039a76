"""What is open in a relayed item: a text being written, and the part around it, if it has parts.

Both tell what an upstream says of them with our place put in; and at their end, given the final
form, what it left out.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rejoinder.engine.padding import Padding
from rejoinder.engine.relay_tables import ANNOTATION, PARTS, TEXTS
from rejoinder.schema import events
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.items import JSON

type Place = Mapping[str, JSON]  # of an item or a part: its id and indexes, in every event

NOTHING: Mapping[str, JSON] = MappingProxyType({})
LISTED = ("summary", "content", "annotations", "logprobs")


class OpenText:
    """The text of `thing`, a part or an item: what was said of it, and whether it has ended."""

    def __init__(self, thing: JSON, place: Place, pad: Padding) -> None:
        self.type: str = thing["type"]
        self.has_ended = False  # though not what it stands in
        self._thing = thing
        self._stem, self._key = TEXTS[self.type]
        self._place = place
        self._pad = pad
        self._fragments: list[str] = []
        self._logprobs: list[JSON] = []

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was told of it."""
        return not self._fragments and not self.has_ended

    def filled(self, thing: JSON) -> JSON:
        """The part or item with the text as far as it is told."""
        logprobs = {"logprobs": self._logprobs} if "logprobs" in thing else {}
        return thing | {self._key: "".join(self._fragments)} | logprobs

    def is_in(self, thing: JSON) -> bool:
        """Whether the final form of a part or an item says what the text is."""
        return isinstance(thing.get(self._key), str)

    def more(self, event: JSON) -> StreamEvent:
        """More of it."""
        text = event["delta"]
        self._fragments.append(text)
        if logprobs := event.get("logprobs"):
            self._logprobs += logprobs
        padding = self._pad(text)
        if not isinstance(padding, str):
            return events.Relayed(event={**event, **self._place})
        return events.Relayed(event={**event, **self._place, "obfuscation": padding})

    def rest(self, whole: JSON) -> Sequence[StreamEvent]:
        """What was not told of it: all, if it came whole; nothing, if `whole` replaces it."""
        said, text = "".join(self._fragments), whole[self._key]
        if self.has_ended or not text.startswith(said):
            return []
        left = text[len(said) :]
        logprobs = whole.get("logprobs", [])[len(self._logprobs) :]
        if not left and not logprobs:
            return []
        with_logprobs = {"logprobs": logprobs} if "logprobs" in whole else {}
        return [self.more({"type": f"{self._stem}.delta", "delta": left} | with_logprobs)]

    def end(self, whole: JSON, event: Mapping[str, JSON] = NOTHING) -> Sequence[StreamEvent]:
        """Its end, after the rest of it; with all that the upstream's `event` says."""
        rest = self.rest(whole)
        self._fragments, self.has_ended = [whole[self._key]], True
        done = {"type": f"{self._stem}.done", self._key: whole[self._key]}
        if "logprobs" in self._thing:
            done["logprobs"] = self._logprobs
        if self.type == "function_call":
            done["name"] = self._thing["name"]
        return [*rest, events.Relayed(event={**done, **event, **self._place})]


class OpenPart:
    """A part at its place in one of its item's lists."""

    def __init__(self, name: str, index: int, part: JSON, place: Place, pad: Padding) -> None:
        self.name = name  # of the list
        self._stem, index_key = PARTS[name]
        self.place: Place = {**place, index_key: index}
        self.type: str = part["type"]
        self._part = emptied(part)
        self.text = OpenText(self._part, self.place, pad) if part["type"] in TEXTS else None

    @property
    def is_untouched(self) -> bool:
        """Whether no text of it was told."""
        return self.text is None or self.text.is_untouched

    def written(self) -> JSON:
        """The part as far as it is told."""
        return self._part if self.text is None else self.text.filled(self._part)

    def begin(self) -> StreamEvent:
        """Its beginning, with nothing said yet."""
        return self._tell({"type": f"{self._stem}.added", "part": self._part})

    def annotate(self, annotation: JSON) -> StreamEvent:
        """One more annotation."""
        known = self._part.get("annotations", [])
        self._part = self._part | {"annotations": [*known, annotation]}
        index = {"annotation_index": len(known), "annotation": annotation}
        return self._tell({"type": f"{ANNOTATION}.added"} | index)

    def end(self, final: JSON, event: Mapping[str, JSON] = NOTHING) -> Sequence[StreamEvent]:
        """Its end, after all that the final form has and nobody told; `event` as for a text."""
        text = self.text if final["type"] == self.type else None
        told = [*text.rest(final)] if text is not None else []
        for annotation in final.get("annotations", [])[len(self._part.get("annotations", [])) :]:
            told.append(self.annotate(annotation))
        if text is not None and not text.has_ended:
            told += text.end(final)
        return [*told, self._tell({"type": f"{self._stem}.done", "part": final, **event})]

    def _tell(self, event: JSON) -> StreamEvent:
        return events.Relayed(event=event | self.place)


def part_for(kind: str) -> tuple[str, JSON]:
    """A list, and a part of it with nothing said, for a text of which no part was begun."""
    name = "summary" if kind == "summary_text" else "content"
    lists: JSON = {"annotations": [], "logprobs": []} if kind == "output_text" else {}
    return name, {"type": kind, **lists, TEXTS[kind][1]: ""}


def emptied(thing: JSON) -> JSON:
    """A part or an item with every key that it will have, and nothing said yet."""
    empty: dict[str, JSON] = {key: [] for key in LISTED if key in thing}
    if "status" in thing:
        empty["status"] = "in_progress"
    if thing["type"] in TEXTS:
        empty[TEXTS[thing["type"]][1]] = ""
    return thing | empty
