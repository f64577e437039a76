"""An assembler that stands where recorded events left off, so that a cut response can be ended.

Whatever dialect the events came from, they are read back as an upstream's that speaks this API.
"""

from collections.abc import Sequence

from msgspec.json import decode

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import Relayed
from rejoinder.engine.open_item import OpenItem
from rejoinder.engine.open_relayed import OpenRelayed
from rejoinder.engine.padding import padded
from rejoinder.engine.tool_names import ToolNames
from rejoinder.schema.items import OutputItem
from rejoinder.schema.response import Response

BLOCK = 0  # deltas need one; which, does not matter here


def resumed(response: Response, frames: Sequence[bytes], *, skipped: int = 0) -> ResponseAssembler:
    """The assembler of `response` as it was when the last of `frames` had been told.

    `skipped`: how many numbers are passed over, because events may have borne them.
    """
    done: list[OutputItem] = []
    item: OpenItem | None = None
    for frame in frames:
        event = decode(frame.partition(b"\ndata: ")[2])
        match event["type"]:
            case "response.output_item.added":
                item_id = event["item"]["id"]
                item = OpenRelayed(event["output_index"], padded, event["item"], item_id=item_id)
            case "response.output_item.done":
                done, item = [*done, event["item"]], None
            case _ if item is not None:
                item.add(Relayed(BLOCK, event))
    assembler = ResponseAssembler(response, ToolNames([]))
    assembler.resume(next_number=len(frames) + skipped, done=done, item=item)
    return assembler
