"""Asking again, and asking somebody else: only before the first word.

A 429, a 5xx or a timeout is tried again at the same service after a jittered wait, and then at
the next route. A service that names a time by `Retry-After` is asked then, but only if no other
route answers before. A model that keeps failing is left alone for a while: its circuit is open,
and it costs its fallbacks no time.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from logging import getLogger
from math import inf
from random import uniform
from time import monotonic

from rejoinder.engine.deltas import Delta, Started
from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import GatewayError, InvalidRequest, RateLimited, Unavailable
from rejoinder.providers.base import Turn
from rejoinder.providers.calls import logged
from rejoinder.providers.circuits import Circuits
from rejoinder.providers.enforced import enforced
from rejoinder.providers.registry import Route

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 15.0  # who is told to wait longer is better told so

log = getLogger("rejoinder")


@dataclass(frozen=True, slots=True)
class Errand:
    """The response that somebody is asked for, how often again, and for how long in silence.

    While a stream has not opened, a failure can still be told by its status (contract §6.2).
    """

    response_id: str
    retries: int
    patience_seconds: float = inf  # from the beginning to the opening of the stream


@dataclass(frozen=True, slots=True, order=True)
class _Later:
    """A route that wants to be asked again at a time, which `monotonic` counts."""

    at: float
    tries: int
    route: Route = field(compare=False)


class Attempts:
    """The routes of one request in the order of asking; `route` is the one asked last."""

    def __init__(
        self,
        routes: Sequence[Route],
        turn_for: Callable[[Route], Turn],
        shorten: Callable[[], bool],
        circuits: Circuits,
        errand: Errand,
    ) -> None:
        self.route = routes[0]
        self._routes = iter(routes)
        self._turn_for = turn_for
        self._shorten = shorten
        self._circuits = circuits
        self._errand = errand
        self._later: list[_Later] = []
        self._opens_at = inf
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
        self._opens_at = monotonic() + self._errand.patience_seconds
        self._has_next_route()  # if none may be asked, better the first than nobody
        failure: GatewayError | None = None
        while True:
            turn = self._turn_after(failure)
            batches = enforced(turn, self.route.provider.stream(turn))
            try:
                with logged(self.route, self._errand.response_id) as call:
                    async with aclosing(batches):
                        async for batch in batches:
                            call.heard(batch)
                            yield batch if self._has_said else self._first(batch)
            except Unavailable as error:
                self._circuits.failed(self.route.name)
                await self._go_on_after(failure := error)
            except RateLimited as error:
                self._circuits.answered(self.route.name)
                await self._go_on_after(failure := error)
            except GatewayError as error:
                self._circuits.answered(self.route.name)
                if self._has_said or error.code != "context_length_exceeded":
                    raise
                if not self._shorten():
                    raise
            else:
                return

    def _turn_after(self, failure: GatewayError | None) -> Turn:
        """The turn as it is asked next; a fallback for which there is none is passed over."""
        try:
            return self.turn
        except InvalidRequest as unfit:
            if failure is None:
                raise
            if not self._has_next_route():
                raise failure from unfit
            return self._turn_after(failure)

    def _first(self, batch: Sequence[Delta]) -> Sequence[Delta]:
        """Until something is said, a later service's `Started` is no news."""
        self._circuits.answered(self.route.name)
        said = [delta for delta in batch if not isinstance(delta, Started)]
        self._has_said = bool(said)
        if self._has_started:
            return said
        self._has_started = True
        return batch

    async def _go_on_after(self, error: RateLimited | Unavailable) -> None:
        """Choose what to ask next, and wait for the right moment; or give up."""
        if self._has_said or error.code == "insufficient_quota":
            raise error
        asked_seconds = _asked_seconds(error)
        may_repeat = self._tries < self._errand.retries
        if may_repeat and asked_seconds is None:
            await asyncio.sleep(uniform(0.5, 1.0) * FIRST_WAIT_SECONDS * float(2**self._tries))
            self._tries += 1
        else:
            if may_repeat and asked_seconds is not None:
                at = monotonic() + asked_seconds
                self._later.append(_Later(at, self._tries + 1, self.route))
            if not self._has_next_route():
                await self._wait_or_give_up(error)
        extra = {"provider": self.route.provider_name, "reason": error.code}
        log.info("asking_again", extra=extra)

    def _has_next_route(self) -> bool:
        """Whether there is a route that was never asked; it is the present one then."""
        for route in self._routes:
            if self._circuits.admits(route.name):
                self.route, self._tries = route, 0
                return True
        return False

    async def _wait_or_give_up(self, error: GatewayError) -> None:
        """Wait for who wants to be asked first of all; not if a status can tell it better."""
        later = min(self._later, default=None)
        if later is None or (wait_seconds := later.at - monotonic()) > self._longest_seconds():
            raise error
        self._later.remove(later)
        self.route, self._tries = later.route, later.tries
        await asyncio.sleep(max(0.0, wait_seconds))

    def _longest_seconds(self) -> float:
        left = self._opens_at - monotonic()
        has_opened = self._has_started or left <= 0
        return LONGEST_WAIT_SECONDS if has_opened else min(LONGEST_WAIT_SECONDS, left)


def _asked_seconds(error: GatewayError) -> float | None:
    """For how long the service wants to be left alone, if it says that in seconds."""
    asked = error.headers.get("Retry-After", "")
    return float(asked) if asked.replace(".", "", 1).isdecimal() else None
