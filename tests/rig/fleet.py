"""All processes of one function: cold starts, reuse of the latest, and the limit of concurrency."""

import asyncio
from dataclasses import replace
from typing import Any

from tests.rig.invocations import (
    LARGEST_EVENT_BYTES,
    EventTooLarge,
    FunctionError,
    Invocation,
    Throttled,
)
from tests.rig.processes import FunctionProcess, Say
from tests.rig.reaper import Reaper
from tests.rig.stack import Function

type JSON = Any


class Fleet:
    """Invokes one function, in as many processes as there are invocations at the same time."""

    def __init__(self, function: Function, say: Say, reaper: Reaper) -> None:
        self.function = function
        self.invoked = 0
        self.violations: list[str] = []  # what runtimes did against the protocol
        self._say = say
        self._reaper = reaper
        self._resting: list[FunctionProcess] = []  # the last one works first
        self._working: set[FunctionProcess] = set()
        self._running: set[asyncio.Task[None]] = set()

    @property
    def processes(self) -> list[FunctionProcess]:
        """Those that are there."""
        return [each for each in (*self._resting, *self._working) if not each.has_exited]

    @property
    def is_idle(self) -> bool:
        """Whether no invocation runs."""
        return not self._running

    def invoke(self, event: bytes) -> Invocation:
        """Begin an invocation; whatever becomes of the caller, it goes on.

        Raises:
            EventTooLarge: if the event is above 6 MB.
            Throttled: if as many invocations as may be are running.
        """
        if len(event) > LARGEST_EVENT_BYTES:
            raise EventTooLarge(f"{len(event)} bytes")
        if len(self._running) >= self.function.concurrency:
            raise Throttled("Rate Exceeded.")
        self.invoked += 1
        invocation = Invocation(event)
        task = asyncio.create_task(self._run(invocation))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return invocation

    def configure(self, **changes: JSON) -> None:
        """Change members of the function: no process that is there gets another invocation."""
        self.function = replace(self.function, **changes)

    def kill_working(self) -> int:
        """Kill the processes that have an invocation, as a crash would; how many."""
        for process in self._working:
            process.kill()
        return len(self._working)

    async def stop(self) -> None:
        """Kill all processes."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.gather(*(each.stop() for each in (*self._resting, *self._working)))

    async def _run(self, invocation: Invocation) -> None:
        try:
            process = self._warm()
            is_cold = process is None
            process = process or await self._cold()
            self._working.add(process)
            await process.run(invocation, is_cold=is_cold)
        except FunctionError as error:
            invocation.end(error)
            return
        self._working.discard(process)
        if not process.has_exited:
            self._resting.append(process)

    def _warm(self) -> FunctionProcess | None:
        while self._resting:
            process = self._resting.pop()
            if process.function is self.function and not process.has_exited:
                return process
            process.kill()
        return None

    async def _cold(self) -> FunctionProcess:
        """Start a process; a failing init is tried once more within the first invocation.

        Raises:
            FunctionError: if it fails again.
        """
        try:
            return await self._started(self.function.init_seconds)
        except FunctionError:
            return await self._started(self.function.timeout_seconds)

    async def _started(self, limit_seconds: float) -> FunctionProcess:
        process = FunctionProcess(self.function, self._say, self._reaper, self._note)
        self._working.add(process)  # so that it is stopped with us
        try:
            await process.start(limit_seconds)
        except FunctionError:
            self._working.discard(process)
            raise
        return process

    def _note(self, violation: str) -> None:
        self.violations.append(violation)
        self._say(self.function.name, f"VIOLATION of the Runtime API: {violation}")
