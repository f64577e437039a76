"""Tools as upstreams know them, and the way back."""

import pytest

from rejoinder.engine.tool_names import (
    FREE_TEXT,
    MAX_NAME_LENGTH,
    CalledTool,
    ToolNames,
    flat_name,
)
from rejoinder.errors import InvalidRequest
from rejoinder.schema.tools import FunctionTool, NamespaceTool, Tool
from tests.unit.engine.telling import TOOLS, WEATHER


def function(name: str) -> FunctionTool:
    return {
        "type": "function",
        "name": name,
        "description": None,
        "parameters": {"type": "object"},
        "strict": None,
    }


def namespace(name: str, *inner: str) -> NamespaceTool:
    return {
        "type": "namespace",
        "name": name,
        "description": None,
        "tools": [function(tool) for tool in inner],
    }


def test_every_tool_is_offered_as_a_function() -> None:
    offered = ToolNames(TOOLS).functions

    assert [tool["name"] for tool in offered] == [
        "get_weather",
        "get_time",
        "shell",
        "notes__add",
        "notes__draft",
    ]
    assert {tool["type"] for tool in offered} == {"function"}
    assert offered[0] == WEATHER


def test_a_custom_tool_is_offered_as_a_function_of_one_text() -> None:
    shell = ToolNames(TOOLS).functions[2]

    assert shell["parameters"] == FREE_TEXT
    assert shell["description"] == "Run a command"


def test_a_grammar_is_told_in_the_description() -> None:
    tool: Tool = {
        "type": "custom",
        "name": "sql",
        "description": "Ask.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: WORD"},
    }

    assert ToolNames([tool]).functions[0]["description"] == (
        "Ask.\n\n`input` must match this grammar:\nstart: WORD"
    )


def test_a_custom_tool_without_a_description_gets_an_empty_one() -> None:
    tool: Tool = {"type": "custom", "name": "x", "description": None, "format": {"type": "text"}}

    assert ToolNames([tool]).functions[0]["description"] == ""


def test_the_longest_name_is_kept() -> None:
    name = "n" * MAX_NAME_LENGTH

    assert flat_name(name, None) == name


def test_an_over_long_name_keeps_its_head_and_gets_a_digest() -> None:
    name = "n" * (MAX_NAME_LENGTH + 1)

    flat = flat_name(name, None)

    assert len(flat) == MAX_NAME_LENGTH
    assert flat.startswith("n" * 55 + "_")


def test_over_long_names_with_one_head_stay_apart() -> None:
    head = "n" * 100
    names = ToolNames([function(f"{head}_a"), function(f"{head}_b"), namespace(head, "a", "b")])

    assert len({tool["name"] for tool in names.functions}) == 4
    assert all(len(tool["name"]) <= MAX_NAME_LENGTH for tool in names.functions)
    assert [names.original(tool["name"]) for tool in names.functions] == [
        CalledTool(f"{head}_a"),
        CalledTool(f"{head}_b"),
        CalledTool("a", head),
        CalledTool("b", head),
    ]


def test_tools_of_the_same_name_in_different_namespaces_stay_apart() -> None:
    names = ToolNames([namespace("a", "run"), namespace("b", "run"), function("run")])

    assert names.original("a__run") == CalledTool("run", "a")
    assert names.original("b__run") == CalledTool("run", "b")
    assert names.original("run") == CalledTool("run")


def test_tools_that_would_have_the_same_flat_name_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="a__run") as refused:
        ToolNames([function("a__run"), namespace("a", "run")])

    assert refused.value.param == "tools"


def test_the_flat_name_of_a_tool_is_found_by_its_own() -> None:
    names = ToolNames(TOOLS)

    assert names.flat("get_time") == "get_time"
    assert names.flat("draft") == "notes__draft"
    assert names.flat("unknown") == "unknown"


def test_a_name_that_was_never_offered_is_itself() -> None:
    assert ToolNames(TOOLS).original("unknown") == CalledTool("unknown")


def test_a_choice_of_several_allows_these_and_no_others() -> None:
    names = ToolNames(
        TOOLS,
        {
            "type": "allowed_tools",
            "mode": "auto",
            "tools": [{"type": "function", "name": "add"}, {"type": "custom", "name": "shell"}],
        },
    )

    assert [tool["name"] for tool in names.functions if names.allows(tool["name"])] == [
        "shell",
        "notes__add",
    ]
    assert not names.allows("unknown")
    assert not names.allows("")


def test_the_choice_of_none_allows_nothing() -> None:
    names = ToolNames(TOOLS, "none")

    assert not any(names.allows(tool["name"]) for tool in names.functions)
