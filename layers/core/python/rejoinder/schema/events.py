"""The stream events that we produce, with every field of contract §4.2.

The engine alone makes them. `sequence_number` is stamped there, once, in the order of telling.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from rejoinder.schema.items import JSON
from rejoinder.schema.response import Response

type ItemJSON = Any  # an OutputItem; TypedDict unions would only be walked by the encoder


class StreamEvent(Struct, tag_field="type", kw_only=True):
    """One numbered event of a response's stream."""

    sequence_number: int = -1


class ResponseEvent(StreamEvent):
    """An event that shows the whole response."""

    response: Response


class Created(ResponseEvent, tag="response.created"):
    """Always first."""


class Queued(ResponseEvent, tag="response.queued"):
    """A background response waits for its worker."""


class InProgress(ResponseEvent, tag="response.in_progress"):
    """The model was asked."""


class Completed(ResponseEvent, tag="response.completed"):
    """Terminal: the model said all it wanted."""


class Incomplete(ResponseEvent, tag="response.incomplete"):
    """Terminal: cut by a limit, a filter, or a cancel."""


class Failed(ResponseEvent, tag="response.failed"):
    """Terminal: the response's `error` says why."""


class ErrorEvent(StreamEvent, tag="error"):
    """Tells a failure, nested and flat (contract 0.8); `response.failed` follows."""

    code: str
    message: str
    param: str | None
    error: dict[str, str | None]


class OutputItemAdded(StreamEvent, tag="response.output_item.added"):
    """An item begins; it has every key, with empty values."""

    output_index: int
    item: ItemJSON


class OutputItemDone(StreamEvent, tag="response.output_item.done"):
    """An item has ended; this is its final form."""

    output_index: int
    item: ItemJSON


class OfItem(StreamEvent):
    """An event inside an item."""

    item_id: str
    output_index: int


class OfPart(OfItem):
    """An event inside a content part."""

    content_index: int


class ContentPartAdded(OfPart, tag="response.content_part.added"):
    """A part begins, empty."""

    part: JSON


class ContentPartDone(OfPart, tag="response.content_part.done"):
    """A part has ended; this is its final form."""

    part: JSON


class OutputTextDelta(OfPart, tag="response.output_text.delta"):
    """More text."""

    delta: str
    logprobs: list[JSON]
    obfuscation: str | UnsetType = UNSET


class OutputTextDone(OfPart, tag="response.output_text.done"):
    """All text of the part."""

    text: str
    logprobs: list[JSON]


class RefusalDelta(OfPart, tag="response.refusal.delta"):
    """More of a refusal."""

    delta: str
    obfuscation: str | UnsetType = UNSET


class RefusalDone(OfPart, tag="response.refusal.done"):
    """The whole refusal."""

    refusal: str


class ReasoningTextDelta(OfPart, tag="response.reasoning_text.delta"):
    """More of a raw chain of thought."""

    delta: str
    obfuscation: str | UnsetType = UNSET


class ReasoningTextDone(OfPart, tag="response.reasoning_text.done"):
    """The whole raw chain of thought."""

    text: str


class FunctionCallArgumentsDelta(OfItem, tag="response.function_call_arguments.delta"):
    """More of a call's JSON arguments."""

    delta: str
    obfuscation: str | UnsetType = UNSET


class FunctionCallArgumentsDone(OfItem, tag="response.function_call_arguments.done"):
    """All arguments of a call."""

    name: str
    arguments: str


class CustomToolCallInputDelta(OfItem, tag="response.custom_tool_call_input.delta"):
    """More of a custom tool's input."""

    delta: str
    obfuscation: str | UnsetType = UNSET


class CustomToolCallInputDone(OfItem, tag="response.custom_tool_call_input.done"):
    """All of a custom tool's input."""

    input: str


class OfSummary(OfItem):
    """An event inside a part of a reasoning summary."""

    summary_index: int


class SummaryPartAdded(OfSummary, tag="response.reasoning_summary_part.added"):
    """A part of the summary begins, empty."""

    part: JSON


class SummaryPartDone(OfSummary, tag="response.reasoning_summary_part.done"):
    """A part of the summary has ended."""

    part: JSON


class SummaryTextDelta(OfSummary, tag="response.reasoning_summary_text.delta"):
    """More of the summary."""

    delta: str
    obfuscation: str | UnsetType = UNSET


class SummaryTextDone(OfSummary, tag="response.reasoning_summary_text.done"):
    """All text of the part of the summary."""

    text: str


class Relayed(StreamEvent):
    """An upstream's event in our numbering: of any type, with all its fields."""

    event: dict[str, JSON]


TERMINAL = (Completed, Incomplete, Failed)
