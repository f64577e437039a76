"""One item at a time: what an upstream says of another block waits for its turn."""

from rejoinder.engine.deltas import BlockEnded, Finished, ReasoningDelta, TextDelta, ToolCallDelta
from rejoinder.errors import Unavailable
from tests.unit.engine.telling import START, narrate, new_assembler, order, output, shown

STOP = Finished("stop")
CUT = Finished("max_output_tokens")
A = ToolCallDelta(0, "", "call_a", "get_weather")
B = ToolCallDelta(1, "", "call_b", "get_time")


def more(block: int, arguments: str) -> ToolCallDelta:
    return ToolCallDelta(block, arguments)


def test_interleaved_calls_keep_their_own_items() -> None:
    told = narrate(A, B, more(0, '{"city"'), more(1, "{"), more(0, ':"Oslo"}'), more(1, "}"), STOP)

    assert order(told) == "C P +0 args args args. -0 +1 args args args. -1 completed"
    assert [item["arguments"] for item in output(told)] == ['{"city":"Oslo"}', "{}"]
    assert [item["call_id"] for item in output(told)] == ["call_a", "call_b"]


def test_a_waiting_call_begins_as_soon_as_the_open_one_is_a_whole_object() -> None:
    assembler = new_assembler()
    assembler.feed([START, A, more(0, "{"), B, more(1, '{"zone":')])

    told = shown(assembler.feed([more(0, "}")]))

    assert order(told) == "args args. -0 +1 args"


def test_a_waiting_call_begins_as_soon_as_the_block_of_the_open_one_ends() -> None:
    assembler = new_assembler()
    assembler.feed([START, A, more(0, "not JSON"), B, more(1, "{}")])

    told = shown(assembler.feed([BlockEnded(0)]))

    assert order(told) == "args. -0 +1 args"


def test_text_waits_for_an_unfinished_call_but_not_for_a_whole_one() -> None:
    unfinished = new_assembler()
    whole = new_assembler()

    assert order(shown(unfinished.feed([START, A, more(0, "{"), TextDelta(1, "x")]))) == (
        "C P +0 args"
    )
    assert order(shown(whole.feed([START, A, more(0, "{}"), TextDelta(1, "x")]))) == (
        "C P +0 args args. -0 +1 [0 text"
    )


def test_an_open_call_does_not_wait_for_itself() -> None:
    assembler = new_assembler()
    assembler.feed([START, A, more(0, "{"), TextDelta(1, "x")])

    assert order(shown(assembler.feed([more(0, '"a":')]))) == "args"


def test_all_that_waits_is_told_before_the_end() -> None:
    told = narrate(A, more(0, "{"), B, more(1, "{"), TextDelta(2, "x"), STOP)

    assert order(told) == ("C P +0 args args. -0 +1 args args. -1 +2 [0 text text. 0] -2 completed")


def test_all_that_waits_is_told_before_a_failure() -> None:
    assembler = new_assembler()
    told = assembler.feed([START, A, more(0, "{"), B, more(1, "{")])
    told += assembler.fail(Unavailable("It died."))

    assert order(shown(told)) == "C P +0 args args. -0 +1 args args. -1 error failed"
    assert assembler.response.output[-1]["status"] == "incomplete"


def test_a_block_that_ends_while_it_waits_is_closed_in_its_turn() -> None:
    assembler = new_assembler()
    assembler.feed([START, A, more(0, "{"), TextDelta(1, "x"), BlockEnded(1)])

    assert order(shown(assembler.feed([more(0, "}")]))) == ("args args. -0 +1 [0 text text. 0] -1")


def test_waiting_blocks_have_their_turns_in_the_order_in_which_they_first_spoke() -> None:
    told = narrate(
        A, more(0, "{"), TextDelta(2, "x"), B, TextDelta(2, "y"), more(1, "{}"), more(0, "}"), STOP
    )

    assert [item["type"] for item in output(told)] == [
        "function_call",
        "message",
        "function_call",
    ]
    assert output(told)[1]["content"][0]["text"] == "xy"


def test_a_block_that_ends_without_having_spoken_tells_nothing() -> None:
    assert order(narrate(TextDelta(0, "x"), BlockEnded(7), TextDelta(0, "y"), STOP)) == (
        "C P +0 [0 text text text. 0] -0 completed"
    )


def test_an_empty_text_of_another_block_does_not_part_the_open_message() -> None:
    told = narrate(
        TextDelta(0, "x"), TextDelta(1, ""), ReasoningDelta(2, ""), TextDelta(0, "y"), STOP
    )

    assert order(told) == "C P +0 [0 text text text. 0] -0 completed"


def test_a_call_that_is_not_allowed_does_not_part_the_open_message() -> None:
    told = narrate(TextDelta(2, "x"), A, more(0, "{}"), TextDelta(2, "y"), STOP, choice="none")

    assert order(told) == "C P +0 [0 text text text. 0] -0 completed"


def test_the_last_item_is_incomplete_also_when_a_call_that_is_not_allowed_came_after_it() -> None:
    told = narrate(TextDelta(2, "x"), A, more(0, "{"), CUT, choice="none")

    assert output(told)[0]["status"] == "incomplete"


def test_text_that_goes_on_after_another_item_is_a_message_of_its_own() -> None:
    told = narrate(TextDelta(0, "x"), ReasoningDelta(1, "hm"), TextDelta(0, "y"), STOP)

    assert [item["type"] for item in output(told)] == ["message", "reasoning", "message"]


def test_a_block_that_changes_its_kind_begins_another_item() -> None:
    told = narrate(ReasoningDelta(0, "hm"), TextDelta(0, "x"), ToolCallDelta(0, "{}"), STOP)

    assert [item["type"] for item in output(told)] == ["reasoning", "message", "function_call"]


def test_white_space_after_a_call_that_has_ended_is_ignored() -> None:
    told = narrate(A, more(0, "{}"), B, more(1, "{}"), more(0, "\n "), STOP)

    assert order(told) == "C P +0 args args. -0 +1 args args. -1 completed"


def test_going_on_with_a_call_that_has_ended_fails_the_response() -> None:
    told = narrate(A, more(0, "{}"), BlockEnded(0), more(0, '{"more"'), TextDelta(2, "x"))

    assert order(told) == "C P +0 args args. -0 error failed"
    assert told[-1]["response"]["error"]["code"] == "server_error"


def test_a_contradiction_that_waited_loses_nothing_that_was_told_before_it() -> None:
    told = narrate(A, more(0, "{}"), BlockEnded(0), B, more(1, "{"), more(0, "more"), STOP)

    assert order(told) == "C P +0 args args. -0 +1 args args. -1 error failed"


def test_several_waiting_contradictions_make_one_failure() -> None:
    third = ToolCallDelta(2, "{}", "call_c", "get_time")
    assembler = new_assembler()
    told = assembler.feed([START, A, BlockEnded(0), third, BlockEnded(2), B, more(1, "{")])
    told += assembler.feed([more(0, "more"), more(2, "more")])

    told += assembler.fail(Unavailable("It died."))

    assert order(shown(told)).endswith("+2 args args. -2 error failed")
    assert assembler.response.error is not None
    assert assembler.response.error.message == "It died."


def test_arguments_nested_too_deeply_to_read_are_not_a_whole_object() -> None:
    deep = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"

    told = narrate(A, more(0, deep), TextDelta(1, "x"), STOP)

    assert output(told)[0]["arguments"] == deep
    assert output(told)[1]["content"][0]["text"] == "x"
