"""The calls of one response: each has an id of its own, and none goes on after its end."""

from rejoinder.engine.deltas import Block, ToolCallDelta
from rejoinder.engine.open_calls import OpenCustomToolCall, OpenFunctionCall
from rejoinder.engine.open_item import OpenItem
from rejoinder.engine.padding import Padding
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import Unavailable
from rejoinder.schema.ids import new_id

MAX_CALL_ID_LENGTH = 64


class Calls:
    """Opens calls; `fault` says so if the upstream contradicts itself."""

    def __init__(self, tools: ToolNames) -> None:
        self.fault: Unavailable | None = None
        self._tools = tools
        self._blocks: set[Block] = set()
        self._ids: set[str] = set()

    def opened(self, delta: ToolCallDelta, index: int, padding: Padding) -> OpenItem | None:
        """A new call; None for one that ended already, or that the request does not allow."""
        if delta.block in self._blocks:
            if delta.arguments.strip():
                self.fault = Unavailable(
                    "The model server went on with a tool call that it had ended."
                )
            return None
        if not self._tools.allows(delta.name):
            return None
        self._blocks.add(delta.block)
        tool = self._tools.original(delta.name)
        new = OpenCustomToolCall if tool.is_custom else OpenFunctionCall
        return new(index, padding, self._id(delta.call_id), tool)

    def _id(self, proposed: str) -> str:
        """The upstream's id, unless it is empty, too long, or taken."""
        is_good = 0 < len(proposed) <= MAX_CALL_ID_LENGTH and proposed not in self._ids
        call_id = proposed if is_good else new_id("call")
        self._ids.add(call_id)
        return call_id
