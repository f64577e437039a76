"""What holds for the events of every response, whatever was said (contract §4.3).

`fold` builds the output from the events alone, as a client does, and is strict about it: it
shares nothing with the engine.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tests.unit.engine.wire import check_event

type JSON = Any

TERMINAL = ("response.completed", "response.incomplete", "response.failed")
TOLD_AT_THE_END = ("status", "usage", "service_tier", "completed_at", "error", "incomplete_details")


def check_told(
    events: Sequence[JSON], *, starts: Sequence[str] = ("created", "in_progress")
) -> None:
    """Everything that must hold for the events of a response that has ended."""
    for event in events:
        check_event(event)
    kinds = [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert kinds[: len(starts)] == [f"response.{name}" for name in starts]
    assert kinds.count("response.created") == 1
    assert kinds.count("response.in_progress") == ("in_progress" in starts)
    assert [kind for kind in kinds if kind in TERMINAL] == kinds[-1:]
    _check_end(events)


def _check_end(events: Sequence[JSON]) -> None:
    first, last = events[0]["response"], events[-1]["response"]
    told_at_the_end = {key: last[key] for key in TOLD_AT_THE_END}
    items = fold(events)
    assert last == first | told_at_the_end | {"output": items, "output_text": _text(items)}
    errors = [event["error"] for event in events if event["type"] == "error"]
    assert errors == ([last["error"]] if last["status"] == "failed" else [])
    assert all(item.get("status") != "in_progress" for item in items)
    assert len({item["id"] for item in items}) == len(items)
    call_ids = [item["call_id"] for item in items if "call_id" in item]
    assert len(set(call_ids)) == len(call_ids)
    for item in items[:-1] if last["status"] != "completed" else items:
        assert item.get("status", "completed") == "completed"


def _text(items: Sequence[JSON]) -> str:
    return "".join(
        part["text"]
        for item in items
        if item["type"] == "message"
        for part in item["content"]
        if part["type"] == "output_text"
    )


def fold(events: Sequence[JSON]) -> list[JSON]:
    """The output that the events tell."""
    folding = Folding()
    for event in events[2:-1] if events[-1]["type"] in TERMINAL else events[2:]:
        folding.take(event)
    assert folding.item is None
    return folding.done


def nameless(told: Sequence[JSON], *without: str) -> list[JSON]:
    """Without what chance or the clock has made: padding, times, and ids but for sameness."""
    names: dict[str, str] = {}

    def cleaned(value: JSON, key: str = "") -> JSON:
        if isinstance(value, dict):
            return {key: cleaned(value[key], key) for key in sorted(value) if key not in without}
        if isinstance(value, list):
            return [cleaned(inner) for inner in value]
        if key in ("id", "item_id", "call_id"):
            return names.setdefault(value, f"name {len(names)}")
        return None if key in ("obfuscation", "completed_at") else value

    return [cleaned(one) for one in told]


class Folding:
    """One item after the other, one part after the other, each growing by its deltas."""

    def __init__(self) -> None:
        self.done: list[JSON] = []
        self.item: JSON = None
        self.part: JSON = None
        self.is_whole = False  # the text of what is open was told as done
        self._take: dict[str, Callable[[JSON], None]] = {
            "error": self._error,
            "response.in_progress": self._error,
            "response.output_item.added": self._item_added,
            "response.output_item.done": self._item_done,
            "response.content_part.added": self._part_added,
            "response.content_part.done": self._part_done,
            "response.reasoning_summary_part.added": self._part_added,
            "response.reasoning_summary_part.done": self._part_done,
        }

    def take(self, event: JSON) -> None:
        kind = event["type"]
        if kind in self._take:
            self._take[kind](event)
            return
        key = _key_of(kind)
        holder = self._holder(event)
        assert not self.is_whole
        if kind.endswith(".delta"):
            holder[key] += event["delta"]
        else:
            assert holder[key] == event[key]
            assert event.get("name", self.item.get("name")) == self.item.get("name")
            assert event.get("logprobs", []) == holder.get("logprobs", [])
            self.is_whole = True
        if kind == "response.output_text.delta":
            holder["logprobs"] = [*holder["logprobs"], *event["logprobs"]]

    def _holder(self, event: JSON) -> JSON:
        """What the event's text belongs to: the open part, or the open call."""
        self._check_place(event)
        if "content_index" in event or "summary_index" in event:
            assert self.part is not None
            return self.part
        assert self.part is None
        return self.item

    def _check_place(self, event: JSON) -> None:
        assert self.item is not None
        assert event["item_id"] == self.item["id"]
        assert event["output_index"] == len(self.done)
        for key, parts in (("content_index", "content"), ("summary_index", "summary")):
            if key in event:
                assert event[key] == len(self.item[parts])

    def _error(self, _event: JSON) -> None:
        assert self.item is None

    def _item_added(self, event: JSON) -> None:
        assert self.item is None
        assert event["output_index"] == len(self.done)
        self.item = dict(event["item"])
        self.is_whole = False
        assert self.item.get("status", "in_progress") == "in_progress"
        assert not any(self.item.get(key) for key in ("content", "summary", "arguments", "input"))

    def _item_done(self, event: JSON) -> None:
        assert event["output_index"] == len(self.done)
        assert self.part is None
        assert self.is_whole or "call_id" not in self.item
        final = event["item"]
        told_at_the_end = {
            key: final[key] for key in ("status", "encrypted_content") if key in final
        }
        assert final == self.item | told_at_the_end
        self.done.append(final)
        self.item = None

    def _part_added(self, event: JSON) -> None:
        self._check_place(event)
        assert self.part is None
        self.part = dict(event["part"])
        self.is_whole = False
        assert not any(self.part.get(key) for key in ("text", "refusal", "logprobs"))

    def _part_done(self, event: JSON) -> None:
        self._check_place(event)
        assert self.is_whole
        assert event["part"] == self.part
        parts = "summary" if "summary_index" in event else "content"
        self.item[parts] = [*self.item[parts], self.part]
        self.part = None


def _key_of(kind: str) -> str:
    """Where the text of an event's kind stands, in its `done` and in the item or part."""
    if "refusal" in kind:
        return "refusal"
    if "function_call" in kind:
        return "arguments"
    return "input" if "custom_tool" in kind else "text"
