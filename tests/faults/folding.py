"""The client's side of a stream: events folded into the response that they tell."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.faults.wire import event_of

type JSON = Any

TERMINAL = ("response.completed", "response.incomplete", "response.failed")
LISTS: Mapping[str, tuple[str, str]] = {  # the part of an item that an event speaks of
    "response.content_part": ("content", "content_index"),
    "response.output_text": ("content", "content_index"),
    "response.refusal": ("content", "content_index"),
    "response.reasoning_text": ("content", "content_index"),
    "response.reasoning_summary_part": ("summary", "summary_index"),
    "response.reasoning_summary_text": ("summary", "summary_index"),
}
TEXTS = {
    "response.refusal": "refusal",
    "response.function_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
}


def folded(frames: Iterable[bytes]) -> JSON:
    """The response that the events tell, which must be the one that the last event holds."""
    events = [event_of(frame) for frame in frames]
    assert [event["sequence_number"] for event in events] == [*range(len(events))]
    items: list[JSON] = []
    open_item: JSON = None
    for event in events[_beginning(events) : -1]:
        assert event["type"] not in TERMINAL
        open_item = _folded(items, open_item, event)
    assert open_item is None, "an item was left open"
    last = events[-1]
    assert last["type"] in TERMINAL
    assert last["response"]["output"] == items
    status = last["response"]["status"]
    if status == "cancelled":
        assert last["response"]["background"]
        assert last["type"] == "response.incomplete"
    else:
        assert last["type"] == f"response.{status}"
    _check_error(events)
    return last["response"]


def _beginning(events: list[JSON]) -> int:
    """The number of events before the first item; what waited may end without having begun."""
    usual = ["response.created", "response.in_progress"]
    if events[0]["response"]["background"]:
        usual.insert(1, "response.queued")
        if len(events) < 3 or events[2]["type"] != usual[2]:
            usual.pop()
            assert {event["type"] for event in events[2:]} <= {"error", *TERMINAL}
    assert [event["type"] for event in events[: len(usual)]] == usual
    return len(usual)


def _check_error(events: list[JSON]) -> None:
    told = [event for event in events if event["type"] == "error"]
    error = events[-1]["response"]["error"]
    if events[-1]["type"] != "response.failed":
        assert told == []
        assert error is None
        return
    assert [events[-2]] == told
    assert told[0]["error"] == error
    assert {key: told[0][key] for key in ("code", "message", "param")} == {
        key: error[key] for key in ("code", "message", "param")
    }


def _folded(items: list[JSON], item: JSON, event: JSON) -> JSON:
    match event["type"]:
        case "response.output_item.added":
            assert item is None, "an item began before the last was done"
            assert event["output_index"] == len(items)
            return event["item"]
        case "response.output_item.done":
            assert event["output_index"] == len(items)
            _check_done(item, event["item"])
            items.append(event["item"])
            return None
        case "error":
            return item
    assert (event["item_id"], event["output_index"]) == (item["id"], len(items))
    _take(item, event)
    return item


def _take(item: JSON, event: JSON) -> None:
    kind, _, what = event["type"].rpartition(".")
    place, index = LISTS.get(kind, ("", ""))
    whole: JSON = item
    if place:
        parts = item[place]
        if what == "added":
            assert event[index] == len(parts)
            parts.append(event["part"])
            return
        assert event[index] == len(parts) - 1
        whole = parts[-1]
    _check_text(kind, what, whole, event)


def _check_text(kind: str, what: str, whole: JSON, event: JSON) -> None:
    if "part" in event:
        assert whole["type"] == event["part"]["type"]
        return
    text = TEXTS.get(kind, "text")
    if what == "delta":
        whole[text] += event["delta"]
    else:
        assert event[text] == whole[text], event


def _check_done(item: JSON, done: JSON) -> None:
    """All is as it was told, but that it has ended."""
    ended = {"status", "encrypted_content"}
    assert {key: item[key] for key in item.keys() - ended} == {
        key: done[key] for key in done.keys() - ended
    }
    assert done.get("status") != "in_progress"
