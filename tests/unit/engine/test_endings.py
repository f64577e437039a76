import pytest

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import Finished, Started, TextDelta
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import Unavailable
from rejoinder.schema.response import Response


def begun() -> ResponseAssembler:
    response = Response(id="resp_1", created_at=1, status="in_progress", model="m")
    return ResponseAssembler(response, ToolNames([]))


def types(told: list[object]) -> list[str]:
    return [type(event).__name__ for event in told]


@pytest.mark.parametrize("ending", ["cancel", "cut"])
def test_what_has_ended_does_not_end_again(ending: str) -> None:
    assembler = begun()
    assembler.feed([Started(), TextDelta(0, "all"), Finished("stop")])

    assert getattr(assembler, ending)() == []
    assert assembler.fail(Unavailable("too late")) == []
    assert assembler.response.status == "completed"


def test_a_cancelled_response_keeps_what_was_said_as_incomplete() -> None:
    assembler = begun()
    assembler.feed([Started(), TextDelta(0, "half")])

    told = assembler.cancel()

    assert types([*told])[-2:] == ["OutputItemDone", "Incomplete"]
    assert assembler.response.status == "cancelled"
    assert assembler.response.incomplete_details is None
    assert assembler.response.output[0]["status"] == "incomplete"
    assert assembler.response.output_text == "half"


def test_a_response_whose_time_is_up_is_incomplete_with_what_was_said() -> None:
    assembler = begun()
    assembler.feed([Started(), TextDelta(0, "half")])

    assembler.cut()

    assert assembler.response.status == "incomplete"
    assert assembler.response.incomplete_details is not None
    assert assembler.response.output_text == "half"


def test_a_queued_response_is_told_as_begun_once() -> None:
    assembler = begun()

    queued, started = assembler.enqueue(), assembler.feed([Started(), Started()])

    assert types([*queued]) == ["Created", "Queued"]
    assert types([*started]) == ["InProgress"]
    assert [event.sequence_number for event in (*queued, *started)] == [0, 1, 2]
