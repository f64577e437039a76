"""Asking again, and asking somebody else: only before the first word.

A 429, a 5xx or a timeout is tried again at the same service, after a jittered wait or the one
that `Retry-After` names, and then at the next route. A model that keeps failing is left
alone for a while: its circuit is open, and it costs its fallbacks no time.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from logging import getLogger
from random import uniform
from time import monotonic

from rejoinder.engine.deltas import Delta, Finished, Started
from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import GatewayError, RateLimited, Unavailable
from rejoinder.providers.base import Turn
from rejoinder.providers.catalogue import cost_usd
from rejoinder.providers.enforced import enforced
from rejoinder.providers.registry import Route
from rejoinder.schema.response import Usage

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 15.0  # who is told to wait longer is better told so
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 30.0

log = getLogger("rejoinder")


class Circuit:
    """Open while a service is known to be down; then one request at a time may try it."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    def admits(self) -> bool:
        """Whether the service may be asked. Of those that come when the time is over, one may."""
        if self._failures < FAILURES_TO_OPEN:
            return True
        if self._clock() < self._open_until:
            return False
        self._open_until = self._clock() + OPEN_SECONDS
        return True

    def succeeded(self) -> None:
        """The service answered."""
        self._failures = 0

    def failed(self) -> None:
        """The service could not be reached, failed, or was too slow."""
        self._failures += 1
        self._open_until = self._clock() + OPEN_SECONDS


class Attempts:
    """The routes of one request in the order of asking; `route` is the one asked last."""

    def __init__(
        self,
        routes: Sequence[Route],
        turn_for: Callable[[Route], Turn],
        shorten: Callable[[], bool],
        circuit_of: Callable[[str], Circuit],
        *,
        retries: int,
    ) -> None:
        self.route = routes[0]
        self._routes = iter(routes)
        self._turn_for = turn_for
        self._shorten = shorten
        self._circuit_of = circuit_of
        self._retries = retries
        self._tries = 0
        self._has_started = False
        self._has_said = False

    @property
    def turn(self) -> Turn:
        """The turn as the present route is asked it."""
        return self._turn_for(self.route)

    async def deltas(self) -> Deltas:
        """What the first service that answers says.

        Raises:
            GatewayError: the last failure if none did, or the first for which asking again
                is no use.
        """
        self._next_route(None)
        while True:
            turn = self.turn
            batches = enforced(turn, self.route.provider.stream(turn))
            call = _Call(self.route)
            try:
                async with aclosing(batches):
                    async for batch in batches:
                        call.heard(batch)
                        yield batch if self._has_said else self._first(batch)
            except (RateLimited, Unavailable) as error:
                call.ended(error)
                await self._go_on_after(error)
            except GatewayError as error:
                call.ended(error)
                if self._has_said or error.code != "context_length_exceeded":
                    raise
                if not self._shorten():
                    raise
            else:
                call.ended(None)
                return

    def _first(self, batch: Sequence[Delta]) -> Sequence[Delta]:
        """Until something is said, a later service's `Started` is no news."""
        self._circuit_of(self.route.name).succeeded()
        said = [delta for delta in batch if not isinstance(delta, Started)]
        self._has_said = bool(said)
        if self._has_started:
            return said
        self._has_started = True
        return batch

    async def _go_on_after(self, error: RateLimited | Unavailable) -> None:
        """Choose what to ask next, and wait for the right moment; or give up."""
        if isinstance(error, Unavailable):
            self._circuit_of(self.route.name).failed()
        if self._has_said or error.code == "insufficient_quota":
            raise error
        wait_seconds = _wait_seconds(error, self._tries)
        if self._tries < self._retries and wait_seconds <= LONGEST_WAIT_SECONDS:
            self._tries += 1
            await asyncio.sleep(wait_seconds)
        else:
            self._next_route(error)
        extra = {"provider": self.route.provider_name, "reason": error.code}
        log.info("asking_again", extra=extra)

    def _next_route(self, error: GatewayError | None) -> None:
        for route in self._routes:
            if self._circuit_of(route.name).admits():
                self.route, self._tries = route, 0
                return
        if error is not None:
            raise error  # else nobody was asked: better the first than nobody


class _Call:
    """One upstream call, for its line in the log: who, how long, how much; never what."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._began = monotonic()
        self._first_delta_ms: float | None = None
        self._usage = Usage()

    def heard(self, batch: Sequence[Delta]) -> None:
        """Note when something is said, and the token counts, which come last."""
        if self._first_delta_ms is None and not all(isinstance(each, Started) for each in batch):
            self._first_delta_ms = self._milliseconds()
        if batch and isinstance(batch[-1], Finished):
            self._usage = batch[-1].usage

    def ended(self, error: GatewayError | None) -> None:
        """Write the line."""
        usage, facts = self._usage, self._route.facts
        log.info(
            "upstream_call",
            extra={
                "provider": self._route.provider_name,
                "model": self._route.model,
                "outcome": error.code if error else "ok",
                "duration_ms": self._milliseconds(),
                "first_delta_ms": self._first_delta_ms,
                "input_tokens": usage.input_tokens,
                "cached_tokens": usage.input_tokens_details.cached_tokens,
                "output_tokens": usage.output_tokens,
                "cost_usd": cost_usd(facts, usage),
            },
        )

    def _milliseconds(self) -> float:
        return round((monotonic() - self._began) * 1000, 1)


def _wait_seconds(error: GatewayError, tries: int) -> float:
    """What the service asks for, or a random part of a doubling time."""
    asked = error.headers.get("Retry-After", "")
    if asked.replace(".", "", 1).isdecimal():
        return float(asked)
    return uniform(0.5, 1.0) * FIRST_WAIT_SECONDS * float(2**tries)
