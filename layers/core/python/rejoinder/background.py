"""Responses made in the background: queued, run, cancelled (contract §5.4, docs/decisions/0007).

A job may come twice, late, or after its worker died. The store's writer decides who may write;
what a reader may have seen is never unsaid: such a response fails cleanly instead of beginning
anew.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from logging import getLogger
from math import inf
from time import time

from msgspec import structs

from rejoinder.announcing import Announcer
from rejoinder.conversation_locks import ConversationLocks
from rejoinder.endings import Ending, cancelled, failed, silent
from rejoinder.engine.encoding import frames_of
from rejoinder.engine.recovery import resumed
from rejoinder.errors import (
    Conflict,
    GatewayError,
    Held,
    InvalidRequest,
    NotFound,
    RateLimited,
    Unavailable,
)
from rejoinder.keeping import Maker
from rejoinder.run import Run
from rejoinder.runs import Runs
from rejoinder.schema.ids import new_id
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import Response
from rejoinder.storage.base import ResponseStore, StoredResponse, Taken
from rejoinder.storage.jobs import Job, JobQueue, NewJob
from rejoinder.supervising import Limits, Supervisor
from rejoinder.turns import Turns

MAX_ATTEMPTS = 3
FIRST_EVENTS = 2  # created and queued: told by who queued it, and true in every attempt
LOST_SECONDS = 900.0  # a job of which nothing was heard for so long is sent again
MAX_UNRECORDED = 100_000  # events that a process may have shown before it died
CANCEL_SECONDS = 2.0

GAVE_UP = Unavailable(
    f"The response could not be made in {MAX_ATTEMPTS} attempts; its worker stopped each time.",
    code="server_error",
)
NO_WORKER = Unavailable(
    "The response could not be made: no worker came to an end with it; ask again.",
    code="server_error",
)
CUT_OFF = Unavailable(
    "The worker stopped in the middle of this response, which was being read; ask again.",
    code="server_error",
)
UNREADABLE = Unavailable(
    "This request was queued by another version of the server; ask again.", code="server_error"
)
LEFT = Unavailable(
    "The process that made this response was stopped; ask again.", code="server_error"
)

log = getLogger("rejoinder")


class Unfinished(Exception):
    """A response has not ended; its job is to be done again."""


@dataclass(frozen=True)
class Background:
    """Queues responses and runs them."""

    store: ResponseStore
    jobs: JobQueue
    turns: Turns
    runs: Runs
    announcer: Announcer
    limits: Limits
    locks: ConversationLocks

    async def admit(self, tenant: str) -> None:
        """Check that a tenant may queue one more.

        Raises:
            RateLimited: if too many wait already.
        """
        if await self.jobs.waiting(tenant) >= self.limits.max_waiting:
            raise RateLimited(
                f"{self.limits.max_waiting} background responses of this account wait already; "
                "try again when some are done.",
                headers={"Retry-After": "5"},
            )

    async def queue(self, stored: StoredResponse, frames: Sequence[bytes]) -> None:
        """Keep a response that was told as queued, and send its job."""
        await self.store.begin(stored, frames)
        await self.jobs.send(NewJob("run", stored.tenant, stored.response.id))
        await self.locks.keep(stored)

    async def attended(self, tenant: str, response_id: str) -> Response:
        """The response as it stands; one that its makers left is ended, or queued again.

        Raises:
            NotFound: if there is none.
        """
        response = await self.store.get(tenant, response_id)
        if not response.is_live or self.runs.get(tenant, response_id) is not None:
            return response
        silent_seconds = await self.store.silent_seconds(tenant, response_id)
        if response.background:
            if silent_seconds > LOST_SECONDS:
                await self._queue_again(tenant, response_id)
            return response
        if silent_seconds > 2 * self.limits.lease_seconds:
            with suppress(Conflict):
                taken = await self.store.take_over(tenant, response_id, f"end {new_id('req')}")
                await self._end(taken, failed(LEFT), unrecorded=MAX_UNRECORDED)
        return await self.store.get(tenant, response_id)

    async def _queue_again(self, tenant: str, response_id: str) -> None:
        """Its job may have been lost between two writes; one too many does nothing."""
        with suppress(Conflict):
            writer = await self.store.writer(tenant, response_id) or ""
            await self.store.hold(tenant, response_id, writer, seconds=0.0)  # it is looked after
            await self.jobs.send(NewJob("run", tenant, response_id))

    async def cancel(self, tenant: str, response_id: str) -> Response:
        """Stop a background response; one that has ended stays as it is.

        Raises:
            NotFound: if there is none.
            InvalidRequest: if it is not made in the background.
        """
        response = await self.store.get(tenant, response_id)
        if not response.background:
            raise InvalidRequest(
                "Only a response created with 'background': true can be cancelled; to stop "
                "another one, delete it."
            )
        if not response.is_live:
            return response
        if run := self.runs.get(tenant, response_id):
            run.stop(cancelled)
            await asyncio.wait({run.task}, timeout=CANCEL_SECONDS)
        with suppress(Conflict):
            taken = await self.store.take_over(tenant, response_id, f"cancel {new_id('req')}")
            await self._end(taken, cancelled)
        return await self.store.get(tenant, response_id)

    async def run(self, job: Job, *, ends_at: float = inf) -> None:
        """Do a job of kind `run`, by a time of day at most. One that comes too late does nothing.

        Raises:
            Unfinished: if it is to be done again, also because another worker is at it.
        """
        if taken := await self._take_over(job):
            await self._run_or_end(job, taken, min(self.limits.deadline_seconds, ends_at - time()))
        await self.announcer.announce(job.tenant, job.subject)

    async def give_up(self, job: Job) -> None:
        """End what is given to no worker any more.

        Raises:
            Unfinished: if one is still at it.
        """
        if taken := await self._take_over(job):
            await self._end(taken, failed(NO_WORKER))
        await self.announcer.announce(job.tenant, job.subject)

    async def _take_over(self, job: Job) -> Taken | None:
        """What the job is about, held by its owner; None if there is nothing left to do."""
        hold_seconds = self.limits.lease_seconds
        try:
            return await self.store.take_over(
                job.tenant, job.subject, job.owner, hold_seconds=hold_seconds
            )
        except Held:
            log.info("job_held", extra={"response_id": job.subject})
            raise Unfinished from None
        except Unavailable as error:  # of the store: nothing was begun
            raise Unfinished from error
        except (Conflict, NotFound):
            log.info("job_without_work", extra={"response_id": job.subject})
            return None

    async def _run_or_end(self, job: Job, taken: Taken, within_seconds: float) -> None:
        request = taken.stored.request
        if request is None:
            await self._end(taken, failed(UNREADABLE))
        elif taken.attempt > MAX_ATTEMPTS:
            log.error("job_given_up", extra={"response_id": job.subject, "attempt": taken.attempt})
            await self._end(taken, failed(GAVE_UP))
        elif len(taken.frames) > FIRST_EVENTS and (request.stream or taken.is_followed):
            await self._end(taken, failed(CUT_OFF))
        else:
            await self._supervised(job, await self._start_run(job, taken, request), within_seconds)

    async def _start_run(self, job: Job, taken: Taken, request: CreateResponse) -> Run | None:
        """The run, from the beginning; None if it failed at once."""
        first = taken.frames[:FIRST_EVENTS]
        fresh = structs.replace(taken.stored.response, status="queued", output=[], output_text="")
        queued = replace(taken.stored, response=fresh)
        if len(taken.frames) > FIRST_EVENTS:
            await self.store.rewind(
                job.tenant, queued.response, next_number=FIRST_EVENTS, writer=job.owner
            )
        try:
            prepared = self.turns.prepare_stored(queued, request)
        except GatewayError as error:
            await self._end(replace(taken, frames=first), failed(error))
            return None
        prepared.assembler.resume(next_number=len(first), done=[], item=None)
        await self.locks.keep(queued)
        return self.runs.start(
            self.store,
            queued,
            prepared.assembler,
            prepared.attempts.deltas(),
            maker=Maker(job.owner),
            earlier=first,
        )

    async def _supervised(self, job: Job, run: Run | None, within_seconds: float) -> None:
        """Hold the lease while the run goes on, which does not outlive this."""
        if run is None:
            return
        try:
            await Supervisor(self.store, self.jobs, self.limits).watch(job, run, within_seconds)
        finally:
            run.stop(silent)
            await asyncio.wait({run.task})
        if await self.store.writer(job.tenant, job.subject) == job.owner:
            raise Unfinished

    async def _end(self, taken: Taken, ending: Ending, *, unrecorded: int = 0) -> None:
        """End a response that nobody is making.

        `unrecorded`: how many events may have been shown that are not recorded; their numbers
        are not used again.
        """
        assembler = resumed(taken.stored.response, taken.frames, skipped=unrecorded)
        told = ending(assembler)
        await self.store.record(
            taken.stored.tenant,
            assembler.response,
            frames_of(told),
            first_number=told[0].sequence_number,
            writer=taken.writer,
        )
