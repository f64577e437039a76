"""An assembler that stands where recorded events left off, so that a cut response can be ended."""

from collections.abc import Callable, Mapping, Sequence

from msgspec.json import decode, encode

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import (
    BlockDelta,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.engine.open_calls import OpenCustomToolCall, OpenFunctionCall
from rejoinder.engine.open_item import OpenItem
from rejoinder.engine.open_message import OpenMessage
from rejoinder.engine.open_reasoning import OpenRawReasoning, OpenReasoning
from rejoinder.engine.padding import padded
from rejoinder.engine.tool_names import CalledTool, ToolNames
from rejoinder.schema.items import JSON, OutputItem
from rejoinder.schema.response import Response

BLOCK = 0  # deltas need one; which, does not matter here
CUSTOM_TEXT = "response.custom_tool_call_input.delta"  # told whole, when the call ends
EMPTY: Mapping[str, BlockDelta] = {  # each begins its kind of part
    "output_text": TextDelta(BLOCK, ""),
    "refusal": RefusalDelta(BLOCK, ""),
    "reasoning_text": ReasoningDelta(BLOCK, ""),
    "summary_text": ReasoningDelta(BLOCK, ""),
}
DELTAS: Mapping[str, Callable[[JSON], BlockDelta]] = {  # of which delta an event tells
    "response.content_part.added": lambda event: EMPTY[event["part"]["type"]],
    "response.reasoning_summary_part.added": lambda event: EMPTY[event["part"]["type"]],
    "response.output_text.delta": lambda event: TextDelta(
        BLOCK, event["delta"], event["logprobs"] or None
    ),
    "response.refusal.delta": lambda event: RefusalDelta(BLOCK, event["delta"]),
    "response.reasoning_summary_text.delta": lambda event: ReasoningDelta(BLOCK, event["delta"]),
    "response.reasoning_text.delta": lambda event: ReasoningDelta(BLOCK, event["delta"]),
    "response.function_call_arguments.delta": lambda event: ToolCallDelta(BLOCK, event["delta"]),
    CUSTOM_TEXT: lambda event: ToolCallDelta(BLOCK, encode({"input": event["delta"]}).decode()),
}


def resumed(response: Response, frames: Sequence[bytes]) -> ResponseAssembler:
    """The assembler of `response` as it was when the last of `frames` had been told."""
    done: list[OutputItem] = []
    item: OpenItem | None = None
    for frame in frames:
        event = decode(frame.partition(b"\ndata: ")[2])
        match event["type"]:
            case "response.output_item.added":
                item = _opened(event["item"], event["output_index"])
            case "response.output_item.done":
                done, item = [*done, event["item"]], None
            case kind if item is not None:
                if kind in DELTAS:
                    item.add(DELTAS[kind](event))
                    item.told_ends = 0
                item.told_ends += kind == CUSTOM_TEXT or kind.endswith(".done")
    assembler = ResponseAssembler(response, ToolNames([]))
    assembler.resume(next_number=len(frames), done=done, item=item)
    return assembler


def _opened(item: JSON, index: int) -> OpenItem:
    match item:
        case {"type": "message"}:
            return OpenMessage(index, padded, item_id=item["id"])
        case {"type": "reasoning", "content": _}:
            return OpenRawReasoning(index, padded, item_id=item["id"])
        case {"type": "reasoning"}:
            return OpenReasoning(index, padded, item_id=item["id"])
    new = OpenFunctionCall if item["type"] == "function_call" else OpenCustomToolCall
    tool = CalledTool(item["name"], item.get("namespace"))
    return new(index, padded, item["call_id"], tool, item_id=item["id"])
