"""Tool calls: of functions, of custom tools, in namespaces; ids, and what is allowed."""

import json

import pytest

from rejoinder.engine.calls import MAX_CALL_ID_LENGTH
from rejoinder.engine.deltas import BlockEnded, Finished, ToolCallDelta
from rejoinder.schema.tools import ToolChoice
from tests.unit.engine.telling import JSON, narrate, order, output

STOP = Finished("stop")


def called(
    name: str, arguments: str = "{}", call_id: str = "call_a", choice: ToolChoice = "auto"
) -> list[JSON]:
    return output(narrate(ToolCallDelta(0, arguments, call_id, name), STOP, choice=choice))


def test_a_call_without_arguments_gets_an_empty_object_and_tells_it() -> None:
    told = narrate(ToolCallDelta(0, "", "call_a", "get_time"), STOP)

    assert order(told) == "C P +0 args args. -0 completed"
    assert told[3]["delta"] == "{}"
    assert told[4] == {
        "type": "response.function_call_arguments.done",
        "sequence_number": 4,
        "item_id": told[2]["item"]["id"],
        "output_index": 0,
        "name": "get_time",
        "arguments": "{}",
    }


@pytest.mark.parametrize("bad", ["", "x" * (MAX_CALL_ID_LENGTH + 1)])
def test_a_bad_call_id_is_replaced(bad: str) -> None:
    assert called("get_time", call_id=bad)[0]["call_id"].startswith("call_")


def test_the_longest_call_id_is_kept() -> None:
    longest = "x" * MAX_CALL_ID_LENGTH

    assert called("get_time", call_id=longest)[0]["call_id"] == longest


def test_calls_that_share_an_id_get_different_ones() -> None:
    told = narrate(
        ToolCallDelta(0, "{}", "same", "get_time"), ToolCallDelta(1, "{}", "same", "get_time"), STOP
    )

    first, second = (item["call_id"] for item in output(told))
    assert first == "same"
    assert second not in ("", "same")


def test_the_input_of_a_custom_tool_is_told_when_it_is_whole() -> None:
    told = narrate(
        ToolCallDelta(0, '{"inp', "call_a", "shell"), ToolCallDelta(0, 'ut":"ls\\n"}'), STOP
    )

    assert order(told) == "C P +0 input input. -0 completed"
    assert told[2]["item"]["input"] == ""
    assert output(told)[0] == {
        "id": told[2]["item"]["id"],
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": "call_a",
        "input": "ls\n",
        "name": "shell",
    }


@pytest.mark.parametrize(
    "arguments", ["", "ls -l", '"ls"', "[1]", '{"cmd":"ls"}', '{"input":1}', '{"input":"l']
)
def test_custom_input_that_is_not_wrapped_as_asked_is_kept_as_it_is(arguments: str) -> None:
    assert called("shell", arguments)[0]["input"] == arguments


def test_custom_input_nested_too_deeply_to_read_is_kept_as_it_is() -> None:
    deep = "[" * 100_000

    assert called("shell", deep)[0]["input"] == deep


def test_a_namespaced_call_is_told_under_its_own_name_and_namespace() -> None:
    item = called("notes__add")[0]

    assert (item["type"], item["name"], item["namespace"]) == ("function_call", "add", "notes")


def test_a_custom_tool_may_stand_in_a_namespace() -> None:
    item = called("notes__draft", '{"input":"Dear"}')[0]

    assert (item["type"], item["name"], item["namespace"], item["input"]) == (
        "custom_tool_call",
        "draft",
        "notes",
        "Dear",
    )


def test_a_name_that_was_never_offered_is_told_as_the_model_said_it() -> None:
    item = called("invented")[0]

    assert item["name"] == "invented"
    assert "namespace" not in item


def test_a_call_outside_the_allowed_tools_leaves_no_trace() -> None:
    choice: ToolChoice = {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "get_time"}],
    }
    told = narrate(
        ToolCallDelta(0, '{"city":', "call_a", "get_weather"),
        ToolCallDelta(0, '"Oslo"}'),
        BlockEnded(0),
        ToolCallDelta(1, "{}", "call_b", "get_time"),
        STOP,
        choice=choice,
    )

    assert order(told) == "C P +0 args args. -0 completed"
    assert output(told)[0]["call_id"] == "call_b"


def test_no_call_is_told_when_the_client_wants_none() -> None:
    assert called("get_time", choice="none") == []


def test_an_allowed_tool_may_stand_in_a_namespace() -> None:
    choice: ToolChoice = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "add"}],
    }

    assert called("notes__add", choice=choice)[0]["name"] == "add"


@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "name": "get_time"}])
def test_every_other_choice_lets_calls_pass(choice: ToolChoice) -> None:
    assert called("get_weather", choice=choice)[0]["name"] == "get_weather"


def test_arguments_are_passed_on_as_the_model_wrote_them() -> None:
    arguments = json.dumps({"city": "Tromsø 🌌\u2028"}, ensure_ascii=False, indent=2)

    assert called("get_weather", arguments)[0]["arguments"] == arguments
