"""The embedded worker: claims jobs and does them, some at a time, inside the server's process."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from logging import getLogger

from rejoinder.announcing import Undelivered
from rejoinder.background import Unfinished
from rejoinder.endings import silent
from rejoinder.runs import Runs
from rejoinder.storage.jobs import Job, Kind
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore

POLL_SECONDS = 1.0
RETRY_SECONDS = 5.0

type Do = Callable[[Job], Awaitable[None]]

log = getLogger("rejoinder")


class Worker:
    """Does jobs until it is stopped; what it had in hand then is given back."""

    def __init__(
        self,
        store: SQLiteStore,
        queue: SQLiteQueue,
        does: Mapping[Kind, Do],
        *,
        at_a_time: int,
        lease_seconds: float,
    ) -> None:
        self._store = store
        self._queue = queue
        self._does = does
        self._free = asyncio.Semaphore(at_a_time)
        self._lease_seconds = lease_seconds
        self._jobs: dict[asyncio.Task[None], Job] = {}
        self._is_stopping = False

    async def work(self) -> None:
        """Claim and do jobs, until it is stopped or the task is cancelled."""
        while True:
            await self._free.acquire()
            if self._is_stopping:
                return
            job = await self._claimed()
            if job is None:
                self._free.release()
                await self._queue.wait(POLL_SECONDS)
                continue
            task = asyncio.create_task(self._do(job))
            self._jobs[task] = job
            task.add_done_callback(self._jobs.pop)

    async def stop(self, runs: Runs) -> None:
        """Give back what is in hand; it does not count as an attempt."""
        self._is_stopping = True
        for task, job in self._jobs.items():
            if run := runs.get(job.tenant, job.subject):
                run.stop(silent)
            elif job.kind == "webhook":  # its receiver may take its time
                task.cancel()
        if self._jobs:
            await asyncio.wait(list(self._jobs))

    async def _claimed(self) -> Job | None:
        try:
            return await self._queue.claim(lease_seconds=self._lease_seconds)
        except Exception:  # a full disk, perhaps, or a damaged job: neither stops what comes later
            log.exception("no_job_claimed")
            return None

    async def _do(self, job: Job) -> None:
        try:
            await self._done(job)
        except sqlite3.Error:  # when its lease runs out, it is claimed again
            log.exception("job_not_kept", extra={"kind": job.kind, "attempt": job.attempt})
        finally:
            self._free.release()

    async def _done(self, job: Job) -> None:
        if self._is_stopping:  # since it was claimed
            await self._give_back(job)
            return
        delay_seconds = RETRY_SECONDS * job.attempt
        try:
            await self._does[job.kind](job)
        except Undelivered as undelivered:
            await self._queue.retry(job, delay_seconds=undelivered.wait_seconds)
        except asyncio.CancelledError:
            await self._give_back(job)
            raise
        except Unfinished:
            if self._is_stopping:
                await self._give_back(job)
            else:
                await self._queue.retry(job, delay_seconds=delay_seconds)
        except Exception:  # a job that breaks us must neither be lost nor stop the others
            log.exception("job_broke", extra={"kind": job.kind, "attempt": job.attempt})
            await self._queue.retry(job, delay_seconds=delay_seconds)
        else:
            await self._queue.done(job)

    async def _give_back(self, job: Job) -> None:
        if job.kind == "run":
            self._store.let_go(job.tenant, job.subject, job.owner)
        await self._queue.give_back(job)
