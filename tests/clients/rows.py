"""The rows of contract §4.4 that an upstream can bring about, in the notation used there.

`C` and `P` are created and in_progress, `+i` and `-i` an item's added and done, `[c` and `c]` a
content part's, `{c` and `c}` a summary part's. Deltas in a row are told once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.dialects.differences import sayable
from tests.upstreams.chat_replies import (
    Scripted,
    call,
    calls,
    custom_call,
    failure,
    refusal,
    text,
    thinking,
)
from tests.upstreams.chat_troubles import Cut, Stall

type JSON = Any

PATIENCE_SECONDS = 1.0  # of the server in tests/conftest.py

TEXT = "[0 text.delta text.done 0]"
SUMMARY = "{0 summary.delta summary.done 0}"
RAW = "[0 reasoning.delta reasoning.done 0]"
REFUSAL = "[0 refusal.delta refusal.done 0]"
ARGUMENTS = "args.delta args.done"


@dataclass(frozen=True, slots=True)
class Row:
    """What the upstream says, and what a client must be told."""

    reply: Scripted
    order: str
    family: str = "model"
    otherwise: Mapping[str, str] = field(default_factory=dict)  # by dialect

    def order_at(self, dialect: str) -> str:
        """The order of the events from this dialect."""
        return self.otherwise.get(dialect, self.order)

    @property
    def fails(self) -> bool:
        """Whether the client gets an error."""
        return self.order.endswith("failed")


OSLO = call("get_weather", '{"city":', '"Oslo"}')
ROME = call("get_weather", '{"city":', '"Rome"}')

ROWS: Mapping[str, Row] = {
    "plain text": Row(text("Hel", "lo"), f"C P +0 {TEXT} -0 completed"),
    "refusal": Row(
        refusal("I will ", "not."),
        f"C P +0 {REFUSAL} -0 completed",
        otherwise={"anthropic": f"C P +0 {REFUSAL} -0 incomplete"},  # §9.2: its stop reason
    ),
    "one call": Row(calls(OSLO), f"C P +0 {ARGUMENTS} -0 completed"),
    "call without arguments": Row(
        calls(call("get_time", "{}")), f"C P +0 {ARGUMENTS} -0 completed"
    ),
    "parallel calls": Row(calls(OSLO, ROME), f"C P +0 {ARGUMENTS} -0 +1 {ARGUMENTS} -1 completed"),
    "interleaved calls": Row(
        calls(OSLO, ROME, interleaved=True),
        f"C P +0 {ARGUMENTS} -0 +1 {ARGUMENTS} -1 completed",
    ),
    "custom call": Row(
        calls(custom_call("write", "2 + ", "2")),
        "C P +0 input.delta input.done -0 completed",
    ),
    "text then call": Row(
        text("One ", "moment.") + calls(OSLO), f"C P +0 {TEXT} -0 +1 {ARGUMENTS} -1 completed"
    ),
    "reasoning with summary": Row(
        thinking("Well", ", well.") + text("Yes."),
        f"C P +0 {SUMMARY} -0 +1 {TEXT} -1 completed",
    ),
    "reasoning then call": Row(
        thinking("I need ", "a tool.") + calls(OSLO),
        f"C P +0 {SUMMARY} -0 +1 {ARGUMENTS} -1 completed",
    ),
    "raw reasoning": Row(
        thinking("Well", ", well.") + text("Yes."),
        f"C P +0 {RAW} -0 +1 {TEXT} -1 completed",
        family="raw",
    ),
    "max tokens in text": Row(
        text("Once ", "upon").ending("length"), f"C P +0 {TEXT} -0 incomplete"
    ),
    "max tokens in a call": Row(
        calls(call("get_weather", '{"city":')).ending("length"),
        f"C P +0 {ARGUMENTS} -0 incomplete",
    ),
    "max tokens while thinking": Row(
        thinking("Well, ", "well").ending("length"), f"C P +0 {SUMMARY} -0 incomplete"
    ),
    "content filter": Row(
        text("They ", "then").ending("content_filter"), f"C P +0 {TEXT} -0 incomplete"
    ),
    "content filter at once": Row(text().ending("content_filter"), "C P incomplete"),
    "upstream dies": Row(text("Hel", "lo").troubled(Cut(1)), f"C P +0 {TEXT} -0 error failed"),
    "upstream refuses late": Row(
        failure(500).troubled(Stall("start", 1.5 * PATIENCE_SECONDS)), "C P error failed"
    ),
}

CASES = sayable(ROWS)  # dialect and row
COMPLETED = [case for case in CASES if ROWS[case[1]].order_at(case[0]).endswith("completed")]
FAILING = [case for case in CASES if ROWS[case[1]].fails]

_WORDS = {
    "response.created": "C",
    "response.in_progress": "P",
    "response.content_part.added": "[{content_index}",
    "response.content_part.done": "{content_index}]",
    "response.reasoning_summary_part.added": "{{{summary_index}",
    "response.reasoning_summary_part.done": "{summary_index}}}",
    "response.output_item.added": "+{output_index}",
    "response.output_item.done": "-{output_index}",
}
_SHORT = {
    "response.output_text.": "text.",
    "response.refusal.": "refusal.",
    "response.function_call_arguments.": "args.",
    "response.custom_tool_call_input.": "input.",
    "response.reasoning_summary_text.": "summary.",
    "response.reasoning_text.": "reasoning.",
    "response.": "",
}


def order_of(events: Iterable[JSON]) -> str:
    """The events in the notation of the rows."""
    words: list[str] = []
    for event in events:
        word = _word(event)
        if not (words and word == words[-1] and word.endswith(".delta")):
            words.append(word)
    return " ".join(words)


def _word(event: JSON) -> str:
    kind: str = event["type"]
    if kind in _WORDS:
        return _WORDS[kind].format(**event)
    for long, short in _SHORT.items():
        if kind.startswith(long):
            return short + kind.removeprefix(long)
    return kind
