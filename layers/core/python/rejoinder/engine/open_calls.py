"""Tool calls being written: of functions, and of tools that take free text."""

from collections.abc import Sequence
from typing import override

from msgspec import DecodeError
from msgspec.json import decode

from rejoinder.engine.deltas import Delta, ToolCallDelta
from rejoinder.engine.open_item import OpenItem
from rejoinder.engine.padding import Padding
from rejoinder.engine.tool_names import CalledTool
from rejoinder.engine.whole_objects import ObjectWatch
from rejoinder.schema import events
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.ids import new_id
from rejoinder.schema.items import JSON, CustomToolCall, FunctionCall, ItemStatus


class OpenCall(OpenItem):
    """A call whose JSON arguments are still coming."""

    def __init__(
        self, item_id: str, output_index: int, padding: Padding, call_id: str, tool: CalledTool
    ) -> None:
        super().__init__(item_id, output_index, padding)
        self._call_id = call_id
        self._tool = tool
        self._watch = ObjectWatch()

    @property
    @override
    def is_settled(self) -> bool:
        """A whole JSON object: nothing but white space may follow it."""
        return self._watch.is_whole(self.fragments)

    @override
    def takes(self, delta: Delta) -> bool:
        return isinstance(delta, ToolCallDelta)


class OpenFunctionCall(OpenCall):
    """The arguments are told as they come."""

    def __init__(
        self,
        output_index: int,
        padding: Padding,
        call_id: str,
        tool: CalledTool,
    ) -> None:
        super().__init__(new_id("fc"), output_index, padding, call_id, tool)

    @override
    def empty(self) -> FunctionCall:
        return self._call("in_progress", "")

    @override
    def final(self, status: ItemStatus) -> FunctionCall:
        return self._call(status, self.said)

    def _call(self, status: ItemStatus, arguments: str) -> FunctionCall:
        call: FunctionCall = {
            "id": self.id,
            "type": "function_call",
            "status": status,
            "arguments": arguments,
            "call_id": self._call_id,
            "name": self._tool.name,
        }
        if self._tool.namespace is not None:
            call["namespace"] = self._tool.namespace
        return call

    @override
    def add(self, delta: Delta) -> Sequence[StreamEvent]:
        assert isinstance(delta, ToolCallDelta)
        return self._more(delta.arguments) if delta.arguments else []

    def _more(self, arguments: str) -> Sequence[StreamEvent]:
        self.fragments.append(arguments)
        return [
            events.FunctionCallArgumentsDelta(
                item_id=self.id,
                output_index=self.output_index,
                delta=arguments,
                obfuscation=self.pad(arguments),
            )
        ]

    @override
    def finish(self, status: ItemStatus) -> Sequence[StreamEvent]:
        """At least one delta, also for a call without arguments (contract §4.2)."""
        needs_delta = not self.fragments and status == "completed"
        told = self._more("{}") if needs_delta else []
        done = events.FunctionCallArgumentsDone(
            item_id=self.id,
            output_index=self.output_index,
            name=self._tool.name,
            arguments=self.said,
        )
        return [*told, done]


class OpenCustomToolCall(OpenCall):
    """The model wraps the text in JSON, so it can be told only when it is whole."""

    def __init__(
        self,
        output_index: int,
        padding: Padding,
        call_id: str,
        tool: CalledTool,
    ) -> None:
        super().__init__(new_id("ctc"), output_index, padding, call_id, tool)

    @override
    def empty(self) -> CustomToolCall:
        return self._call("in_progress", "")

    @override
    def final(self, status: ItemStatus) -> CustomToolCall:
        return self._call(status, unwrapped(self.said))

    def _call(self, status: ItemStatus, text: str) -> CustomToolCall:
        call: CustomToolCall = {
            "id": self.id,
            "type": "custom_tool_call",
            "status": status,
            "call_id": self._call_id,
            "input": text,
            "name": self._tool.name,
        }
        if self._tool.namespace is not None:
            call["namespace"] = self._tool.namespace
        return call

    @override
    def add(self, delta: Delta) -> Sequence[StreamEvent]:
        assert isinstance(delta, ToolCallDelta)
        self.fragments.append(delta.arguments)
        return []

    @override
    def finish(self, status: ItemStatus) -> Sequence[StreamEvent]:
        text = unwrapped(self.said)
        place: dict[str, JSON] = {"item_id": self.id, "output_index": self.output_index}
        return [
            events.CustomToolCallInputDelta(**place, delta=text, obfuscation=self.pad(text)),
            events.CustomToolCallInputDone(**place, input=text),
        ]


def unwrapped(arguments: str) -> str:
    """The text in `{"input": text}`; what is not of that form is the text itself."""
    try:
        wrapped = decode(arguments)
    except (DecodeError, RecursionError):
        return arguments
    if isinstance(wrapped, dict) and isinstance(wrapped.get("input"), str):
        return str(wrapped["input"])
    return arguments
