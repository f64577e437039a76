"""What attempts teach about a service, and what the log says of each."""

import logging
from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import Any

import pytest

from rejoinder.engine.deltas import Delta, Finished, Started, TextDelta
from rejoinder.engine.pipeline import Deltas
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import (
    GatewayError,
    InvalidRequest,
    RateLimited,
    Unavailable,
    UpstreamAuth,
)
from rejoinder.providers.attempts import Attempts, Errand
from rejoinder.providers.base import ModelFacts, Turn
from rejoinder.providers.circuits import FAILURES_TO_OPEN, OPEN_SECONDS, Circuits
from rejoinder.providers.registry import Route
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import Usage

type JSON = Any

DOWN = Unavailable("It is down.")
FACTS = ModelFacts(input_usd_per_million=1.0, output_usd_per_million=1.0)


class Scripted:
    """Says what it is told to say, and then fails if it is told to."""

    def __init__(self, *batches: Sequence[Delta], error: BaseException | None = None) -> None:
        self.batches = batches
        self.error = error
        self.asked = 0

    async def stream(self, _turn: Turn) -> Deltas:
        self.asked += 1
        for batch in self.batches:
            yield batch
        if self.error is not None:
            raise self.error


UNFIT = InvalidRequest("A service of another maker compacted this.")


def attempts(circuits: Circuits, *providers: Scripted, unfit: Sequence[str] = ()) -> Attempts:
    """For these providers, a, b and c; there is no turn for the `unfit` ones."""
    routes = [
        Route(each, name, "x", "m", FACTS) for each, name in zip(providers, "abc", strict=False)
    ]
    tools = ToolNames([])

    def turn_for(route: Route) -> Turn:
        if route.provider_name in unfit:
            raise UNFIT
        return Turn("m", CreateResponse(model="m"), [], tools, tools, route.facts, True)

    return Attempts(routes, turn_for, lambda: False, circuits, Errand("resp_1", retries=0))


async def asked(circuits: Circuits, *providers: Scripted) -> None:
    with suppress(GatewayError):
        async for _ in attempts(circuits, *providers).deltas():
            pass


async def half_open(service: Scripted, other: Scripted) -> Circuits:
    """After so many failures of a service, when it may be asked once more."""
    now = 0.0
    circuits = Circuits(lambda: now)
    for _ in range(FAILURES_TO_OPEN):
        await asked(circuits, service, other)
    now = OPEN_SECONDS
    return circuits


@pytest.mark.parametrize(
    "answer",
    [
        Scripted(error=InvalidRequest("No.")),
        Scripted(error=RateLimited("Later.")),
        Scripted(error=UpstreamAuth("Who?")),
        Scripted([Started()], [TextDelta(0, "Yes.")], [Finished("stop")]),
    ],
    ids=["bad request", "rate limit", "our key", "text"],
)
async def test_any_answer_shows_that_a_service_is_back(answer: Scripted) -> None:
    other = Scripted([Started()], [Finished("stop")])
    circuits = await half_open(Scripted(error=DOWN), other)

    for _ in range(3):
        await asked(circuits, answer, other)

    assert answer.asked == 3


async def test_a_service_that_is_still_down_is_left_alone_again() -> None:
    service, other = Scripted(error=DOWN), Scripted([Started()], [Finished("stop")])
    circuits = await half_open(service, other)

    for _ in range(3):
        await asked(circuits, service, other)

    assert service.asked == FAILURES_TO_OPEN + 1


async def test_a_fallback_that_cannot_be_asked_is_passed_over() -> None:
    down, unasked, well = Scripted(error=DOWN), Scripted(), Scripted([Finished("stop")])

    async with aclosing(attempts(Circuits(), down, unasked, well, unfit="b").deltas()) as deltas:
        said = [batch async for batch in deltas]

    assert said == [[Finished("stop")]]
    assert unasked.asked == 0


async def test_who_cannot_be_answered_by_a_fallback_is_told_of_the_first_failure() -> None:
    with pytest.raises(Unavailable) as raised:
        await anext(attempts(Circuits(), Scripted(error=DOWN), Scripted(), unfit="b").deltas())

    assert raised.value is DOWN


async def test_what_is_wrong_for_the_first_route_is_told() -> None:
    with pytest.raises(InvalidRequest) as raised:
        await anext(attempts(Circuits(), Scripted(), Scripted(), unfit="a").deltas())

    assert raised.value is UNFIT


def calls_in(caplog: pytest.LogCaptureFixture) -> list[JSON]:
    return [vars(each) for each in caplog.records if each.getMessage() == "upstream_call"]


async def test_a_call_that_is_left_in_the_middle_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "rejoinder")
    provider = Scripted([Started()], [TextDelta(0, "Once")], [TextDelta(0, "upon")])

    async with aclosing(attempts(Circuits(), provider).deltas()) as deltas:
        await anext(deltas)
        await anext(deltas)

    (call,) = calls_in(caplog)
    assert call["outcome"] == "abandoned"
    assert call["first_delta_ms"] is not None
    assert (call["input_tokens"], call["output_tokens"], call["cost_usd"]) == (None, None, None)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (InvalidRequest("No."), "invalid_request_error"),
        (InvalidRequest("Which?", code="model_not_found"), "model_not_found"),
        (DOWN, "upstream_unavailable"),
        (KeyError("ours"), "internal_error"),
    ],
)
async def test_a_call_that_fails_is_in_the_log_with_the_reason(
    caplog: pytest.LogCaptureFixture, error: Exception, outcome: str
) -> None:
    caplog.set_level(logging.INFO, "rejoinder")

    with pytest.raises(type(error)):
        async for _ in attempts(Circuits(), Scripted([Started()], error=error)).deltas():
            pass

    assert [call["outcome"] for call in calls_in(caplog)] == [outcome]


async def test_a_call_that_ends_well_is_in_the_log_with_its_cost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "rejoinder")
    usage = Usage(input_tokens=3, output_tokens=4, total_tokens=7)

    await asked(Circuits(), Scripted([Started()], [Finished("stop", usage)]))

    (call,) = calls_in(caplog)
    assert (call["outcome"], call["input_tokens"], call["output_tokens"]) == ("ok", 3, 4)
    assert call["cost_usd"] == 7e-06
