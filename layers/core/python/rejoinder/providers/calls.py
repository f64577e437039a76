"""Upstream calls in the log, a line each: who, for whom, how long, how much; never what."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from logging import getLogger
from time import monotonic

from rejoinder.engine.deltas import Delta, Finished, Started
from rejoinder.errors import GatewayError
from rejoinder.providers.catalogue import cost_usd
from rejoinder.providers.misaddressed import Misaddressed
from rejoinder.providers.refusals import Refused
from rejoinder.providers.registry import Route
from rejoinder.schema.response import Usage

# How a call may end, beside the codes of errors.
OK = "ok"
BROKEN = "internal_error"  # by a fault of ours
ABANDONED = "abandoned"  # nobody waits for it any more: cancelled, the client gone, time up

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that is being answered, for what is done for it; in the background there is none."""

log = getLogger("rejoinder")


@contextmanager
def logged(route: Route, response_id: str) -> Iterator["Call"]:
    """A call of that route's service, whose line is written however it ends."""
    call = Call(route, response_id)
    outcome = BROKEN
    try:
        yield call
        outcome = OK
    except GatewayError as error:
        outcome = error.code or error.type
        call.failed(error)
        raise
    except (GeneratorExit, asyncio.CancelledError):
        outcome = ABANDONED
        raise
    finally:
        call.ended(outcome)


class Call:
    """One upstream call, for its line in the log."""

    def __init__(self, route: Route, response_id: str) -> None:
        self._route = route
        self._response_id = response_id
        self._began = monotonic()
        self._first_delta_ms: float | None = None
        self._usage: Usage | None = None
        self._refused = Refused()

    def heard(self, batch: Sequence[Delta]) -> None:
        """Note when something is said, and the token counts, which come last."""
        if self._first_delta_ms is None and not all(isinstance(each, Started) for each in batch):
            self._first_delta_ms = self._milliseconds()
        if batch and isinstance(batch[-1], Finished):
            self._usage = batch[-1].usage

    def failed(self, error: GatewayError) -> None:
        """Note what the upstream said of it, as far as that is a number or a code."""
        if isinstance(error.__cause__, Refused):
            self._refused = error.__cause__
        if isinstance(error, Misaddressed):
            extra = {"provider": self._route.provider_name, "reason": error.why}
            log.warning("upstream_misaddressed", extra=extra)

    def ended(self, outcome: str) -> None:
        """Write the line; what was never told is None."""
        usage = self._usage
        log.info(
            "upstream_call",
            extra={
                "request_id": REQUEST_ID.get(),
                "response_id": self._response_id,
                "provider": self._route.provider_name,
                "model": self._route.model,
                "outcome": outcome,
                "status": self._refused.status,
                "code": self._refused.code,
                "duration_ms": self._milliseconds(),
                "first_delta_ms": self._first_delta_ms,
                "input_tokens": usage and usage.input_tokens,
                "cached_tokens": usage and usage.input_tokens_details.cached_tokens,
                "output_tokens": usage and usage.output_tokens,
                "cost_usd": usage and cost_usd(self._route.facts, usage),
            },
        )

    def _milliseconds(self) -> float:
        return round((monotonic() - self._began) * 1000, 1)
