"""From an upstream's deltas to events: what is raised, what is told, and when it stops."""

import logging
from collections.abc import Sequence

import pytest

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import BlockEnded, Delta, Finished, TextDelta, ToolCallDelta
from rejoinder.engine.pipeline import Deltas, exhaust, respond
from rejoinder.errors import GatewayError, Unavailable
from tests.unit.engine.telling import JSON, START, new_assembler, order, shown

type Step = Sequence[Delta] | Exception

STOP = Finished("stop")
BUG = RuntimeError("a bug")


class Upstream:
    """Says batches of deltas, or breaks; knows how far it was heard and whether it was closed."""

    def __init__(self, *steps: Step) -> None:
        self._steps = steps
        self.heard = 0
        self.is_closed = False

    async def deltas(self) -> Deltas:
        try:
            for step in self._steps:
                if isinstance(step, Exception):
                    raise step
                self.heard += 1
                yield step
        finally:
            self.is_closed = True


async def told_by(assembler: ResponseAssembler, upstream: Upstream) -> list[JSON]:
    batches = [told async for told in respond(assembler, upstream.deltas())]
    assert all(batches)
    return shown([event for told in batches for event in told])


async def test_batches_of_deltas_become_batches_of_events() -> None:
    upstream = Upstream([START], [], [TextDelta(0, "a"), TextDelta(0, "b")], [STOP])

    batches = [len(told) async for told in respond(new_assembler(), upstream.deltas())]

    assert batches == [2, 4, 4]
    assert upstream.is_closed


async def test_a_failure_before_anything_was_told_is_raised() -> None:
    with pytest.raises(Unavailable, match="down"):
        await told_by(new_assembler(), Upstream(Unavailable("down")))


async def test_a_fault_of_ours_before_anything_was_told_is_raised() -> None:
    with pytest.raises(RuntimeError, match="a bug"):
        await told_by(new_assembler(), Upstream(BUG))


async def test_a_failure_after_a_promise_is_told() -> None:
    assembler = new_assembler()
    assembler.promise()

    told = await told_by(assembler, Upstream(Unavailable("down")))

    assert order(told) == "C P error failed"


async def test_a_failure_after_the_first_event_is_told() -> None:
    told = await told_by(new_assembler(), Upstream([START, TextDelta(0, "a")], Unavailable("gone")))

    assert order(told) == "C P +0 [0 text text. 0] -0 error failed"
    assert told[-1]["response"]["error"]["message"] == "gone"


async def test_a_fault_of_ours_is_logged_and_told_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        told = await told_by(new_assembler(), Upstream([START], BUG))

    assert order(told) == "C P error failed"
    assert "a bug" not in str(told)
    assert caplog.messages == ["response_broke"]


async def test_an_upstream_that_stops_in_the_middle_fails_the_response() -> None:
    told = await told_by(new_assembler(), Upstream([START, TextDelta(0, "a")]))

    assert order(told) == "C P +0 [0 text text. 0] -0 error failed"


@pytest.mark.parametrize("late", [Unavailable("gone"), BUG])
async def test_a_failure_after_the_end_tells_nothing_more(late: Exception) -> None:
    told = await told_by(new_assembler(), Upstream([START, STOP], late))

    assert order(told) == "C P completed"


async def test_an_upstream_that_contradicts_itself_is_not_heard_to_its_end() -> None:
    upstream = Upstream(
        [START, ToolCallDelta(0, "{}", "call_a", "get_time"), BlockEnded(0)],
        [ToolCallDelta(0, "more")],
        [TextDelta(1, "x")],
    )

    told = await told_by(new_assembler(), upstream)

    assert order(told) == "C P +0 args args. -0 error failed"
    assert upstream.heard == 2
    assert upstream.is_closed


async def test_a_reader_that_goes_away_closes_the_upstream() -> None:
    upstream = Upstream([START], [STOP])
    events = respond(new_assembler(), upstream.deltas())
    await anext(events)
    await events.aclose()

    assert upstream.is_closed


async def test_exhausting_leaves_the_whole_response_in_the_assembler() -> None:
    assembler = new_assembler()
    await exhaust(respond(assembler, Upstream([START], [TextDelta(0, "Hi"), STOP]).deltas()))

    assert assembler.response.output_text == "Hi"
    assert assembler.is_finished
    assert assembler.failure is None


async def test_a_response_remembers_what_it_failed_of() -> None:
    assembler = new_assembler()
    failure = GatewayError("gone")
    await exhaust(respond(assembler, Upstream([START], failure).deltas()))

    assert assembler.failure is failure
