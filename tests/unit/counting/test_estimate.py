"""What a turn is guessed to cost where nobody counts."""

import json
from typing import Any

import pytest

from rejoinder.counting import estimated
from rejoinder.engine.tool_names import ToolNames
from rejoinder.providers.base import ModelFacts, Turn
from rejoinder.schema.reader import read_request

type JSON = Any

PIXEL = "data:image/png;base64,iVBORw0KGgo="
TEXT_FILE = "data:text/plain;base64,eHh4eHh4eHg="  # eight letters
BROKEN_TEXT = "data:text/plain;base64,/////w=="  # not UTF-8
CALL: JSON = {"type": "function_call", "call_id": "c", "name": "read", "arguments": "{}xx"}
CUSTOM: JSON = {"type": "custom_tool_call", "call_id": "c", "name": "read", "input": "four"}


def estimate(given: JSON, **more: JSON) -> int:
    request = read_request(json.dumps({"model": "m", "input": given, **more}).encode())
    turn = Turn(
        model="m",
        request=request,
        items=[item for item in request.input if item["type"] != "item_reference"],
        tools=ToolNames(request.tools),
        known_tools=ToolNames([]),
        facts=ModelFacts(),
        is_streamed=False,
    )
    return estimated(turn)


def user(*parts: JSON) -> JSON:
    return [{"role": "user", "content": [*parts]}]


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        ("", 4),
        ("x" * 40, 14),
        ("世界" * 10, 24),
        (user({"type": "input_image", "image_url": PIXEL}), 769),
        (user({"type": "input_image", "image_url": PIXEL, "detail": "low"}), 89),
        (user({"type": "input_file", "filename": "a.txt", "file_data": TEXT_FILE}), 6),
        (user({"type": "input_file", "filename": "a.txt", "file_data": BROKEN_TEXT}), 5),
        (user({"type": "input_file", "filename": "a", "file_data": "A" * 4096}), 100),
        ([{"role": "assistant", "content": [{"type": "refusal", "refusal": "x" * 8}]}], 6),
        ([CALL], 6),
        ([CUSTOM], 6),
        ([{"type": "compaction", "encrypted_content": "x" * 8}], 6),
        ([{"type": "function_call_output", "call_id": "c", "output": "x" * 8}], 6),
        ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "x" * 8}]}], 6),
        (
            [
                {
                    "type": "custom_tool_call_output",
                    "call_id": "c",
                    "output": [{"type": "input_text", "text": "x" * 8}],
                }
            ],
            6,
        ),
    ],
)
def test_everything_said_counts(given: JSON, tokens: int) -> None:
    assert estimate(given) == tokens


def test_what_stands_around_the_conversation_counts() -> None:
    form = {"type": "json_schema", "name": "f", "schema": {"type": "object"}}
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    bare = estimate("Hello")

    assert estimate("Hello", instructions="x" * 400) == bare + 100
    assert estimate("Hello", tools=[tool]) > bare
    assert estimate("Hello", text={"format": form}) > bare
