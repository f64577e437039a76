"""An assembler that stands where recorded events left off, so that a cut response can be ended."""

from collections.abc import Sequence

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
ENDS = frozenset(  # what `OpenItem.finish` tells
    {
        "response.output_text.done",
        "response.refusal.done",
        "response.content_part.done",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.reasoning_text.done",
        "response.function_call_arguments.done",
        "response.custom_tool_call_input.delta",
        "response.custom_tool_call_input.done",
    }
)

EMPTY: dict[str, BlockDelta] = {  # each begins its kind of part
    "output_text": TextDelta(BLOCK, ""),
    "refusal": RefusalDelta(BLOCK, ""),
    "summary_text": ReasoningDelta(BLOCK, ""),
    "reasoning_text": ReasoningDelta(BLOCK, ""),
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
                if (delta := _delta(kind, event)) is not None:
                    item.add(delta)
                    item.told_ends = 0
                item.told_ends += kind in ENDS
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


def _delta(kind: str, event: JSON) -> BlockDelta | None:
    match kind:
        case "response.content_part.added" | "response.reasoning_summary_part.added":
            return EMPTY[event["part"]["type"]]
        case "response.output_text.delta":
            return TextDelta(BLOCK, event["delta"], event["logprobs"] or None)
        case "response.refusal.delta":
            return RefusalDelta(BLOCK, event["delta"])
        case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
            return ReasoningDelta(BLOCK, event["delta"])
        case "response.function_call_arguments.delta":
            return ToolCallDelta(BLOCK, event["delta"])
        case "response.custom_tool_call_input.delta":
            return ToolCallDelta(BLOCK, encode({"input": event["delta"]}).decode())
        case _:
            return None
