"""How these tests speak: deltas go in, and what is told comes back as JSON or as one line."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from rejoinder.engine.assembler import ResponseAssembler, Seal
from rejoinder.engine.deltas import Delta, Started
from rejoinder.engine.encoding import frames_of
from rejoinder.engine.padding import Padding, unpadded
from rejoinder.engine.tool_names import ToolNames
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.response import Response
from rejoinder.schema.tools import Tool, ToolChoice

type JSON = Any

WEATHER: Tool = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather by city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}
TIME: Tool = {
    "type": "function",
    "name": "get_time",
    "description": None,
    "parameters": {"type": "object", "properties": {}},
    "strict": None,
}
SHELL: Tool = {"type": "custom", "name": "shell", "description": "Run a command"}
NOTES: Tool = {
    "type": "namespace",
    "name": "notes",
    "description": None,
    "tools": [
        {
            "type": "function",
            "name": "add",
            "description": None,
            "parameters": {"type": "object", "properties": {}},
            "strict": None,
        },
        {"type": "custom", "name": "draft", "description": None},
    ],
}
TOOLS: list[Tool] = [WEATHER, TIME, SHELL, NOTES]

START = Started()


def new_response(**changes: JSON) -> Response:
    response = Response(id="resp_1", created_at=1, status="in_progress", model="demo")
    return replace(response, **changes)


def new_assembler(
    *,
    choice: ToolChoice = "auto",
    padding: Padding = unpadded,
    raw: bool = False,
    seal: Seal | None = None,
    shows_sealed: bool = False,
) -> ResponseAssembler:
    return ResponseAssembler(
        new_response(),
        ToolNames(TOOLS, choice),
        padding=padding,
        has_raw_reasoning=raw,
        seal=seal,
        shows_sealed=shows_sealed,
    )


def narrate(*deltas: Delta, choice: ToolChoice = "auto", raw: bool = False) -> list[JSON]:
    """The events that these deltas tell, after a start."""
    return shown(new_assembler(choice=choice, raw=raw).feed([START, *deltas]))


def shown(told: Sequence[StreamEvent]) -> list[JSON]:
    """Events as a client parses them from the wire."""
    return parsed(frames_of(told))


def parsed(frames: Iterable[bytes]) -> list[JSON]:
    return [json.loads(frame.decode().partition("\ndata: ")[2]) for frame in frames]


def output(events: Sequence[JSON]) -> list[JSON]:
    """The output in the terminal event."""
    items: list[JSON] = events[-1]["response"]["output"]
    return items


SHORT = {
    "response.created": "C",
    "response.queued": "queued",
    "response.in_progress": "P",
    "response.output_item.added": "+{output_index}",
    "response.output_item.done": "-{output_index}",
    "response.content_part.added": "[{content_index}",
    "response.content_part.done": "{content_index}]",
    "response.reasoning_summary_part.added": "<{summary_index}",
    "response.reasoning_summary_part.done": "{summary_index}>",
    "response.output_text.delta": "text",
    "response.output_text.done": "text.",
    "response.refusal.delta": "refusal",
    "response.refusal.done": "refusal.",
    "response.function_call_arguments.delta": "args",
    "response.function_call_arguments.done": "args.",
    "response.custom_tool_call_input.delta": "input",
    "response.custom_tool_call_input.done": "input.",
    "response.reasoning_summary_text.delta": "summary",
    "response.reasoning_summary_text.done": "summary.",
    "response.reasoning_text.delta": "raw",
    "response.reasoning_text.done": "raw.",
}


def order(events: Sequence[JSON]) -> str:
    """The events as contract §4.4 writes them; deltas are bare words, their ends have a dot."""
    return " ".join(
        SHORT.get(event["type"], event["type"].removeprefix("response.")).format(**event)
        for event in events
    )
