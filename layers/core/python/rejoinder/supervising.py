"""A worker's eye on its run: it holds the lease, and stops the run when it may not go on."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from rejoinder.endings import Ending, cut_short, failed, silent
from rejoinder.errors import Conflict, Unavailable
from rejoinder.run import Run
from rejoinder.storage.base import ResponseStore
from rejoinder.storage.jobs import Job, JobQueue

BEAT_SECONDS = 1.0  # how often a worker looks whether it may go on

TOO_LONG = Unavailable("The response took longer than a worker may run.", code="server_error")


@dataclass(frozen=True, slots=True)
class Limits:
    """What background work may take."""

    lease_seconds: float = 30.0  # who makes a response, also in the foreground, is heard of within
    deadline_seconds: float = 3600.0
    deadline_ends: Literal["incomplete", "failed"] = "incomplete"
    max_waiting: int = 1000  # runs of one tenant in the queue


class _Lease:
    """For how long a worker may go on without being heard of."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        self._renewed_at = monotonic()

    @property
    def is_due(self) -> bool:
        return monotonic() - self._renewed_at >= self._seconds / 3

    @property
    def has_run_out(self) -> bool:
        return monotonic() - self._renewed_at >= self._seconds


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Looks after the runs of one worker."""

    store: ResponseStore
    jobs: JobQueue
    limits: Limits

    async def watch(self, job: Job, run: Run, within_seconds: float) -> None:
        """Hold the lease until the run has ended; stop it when it may not go on, or time is up."""
        deadline = monotonic() + within_seconds
        lease = _Lease(self.limits.lease_seconds)
        while not run.task.done():
            await asyncio.wait({run.task}, timeout=BEAT_SECONDS)
            try:
                if not await self._may_go_on(job, lease):
                    run.stop(silent)
            except Unavailable:  # the store or the queue, for a moment
                if lease.has_run_out:
                    raise
            if monotonic() >= deadline:
                deadline = float("inf")
                run.stop(self._deadline_ending())

    async def _may_go_on(self, job: Job, lease: _Lease) -> bool:
        """False if it was ended, deleted or taken over, perhaps elsewhere."""
        if await self.store.writer(job.tenant, job.subject) != job.owner:
            return False
        if lease.is_due:
            try:
                await self._renew(job)
            except Conflict:
                return False
            lease.renew()
        return True

    async def _renew(self, job: Job) -> None:
        """Be heard of, first by the store: who gets this job after us must not find it held."""
        seconds = self.limits.lease_seconds
        with suppress(Conflict):  # it has ended, perhaps by us; the writer is looked at anyway
            await self.store.hold(job.tenant, job.subject, job.owner, seconds=seconds)
        await self.jobs.renew(job, lease_seconds=seconds)

    def _deadline_ending(self) -> Ending:
        return failed(TOO_LONG) if self.limits.deadline_ends == "failed" else cut_short
