"""The product in one class: a method for each thing that a client may ask. No HTTP here."""

from contextlib import aclosing
from dataclasses import dataclass, replace
from math import inf

from rejoinder.background import Background
from rejoinder.conversation_locks import ConversationLocks
from rejoinder.conversations import Conversations
from rejoinder.counting import Count, count
from rejoinder.endings import DELETED, failed
from rejoinder.engine.deadline import until
from rejoinder.engine.encoding import frames_of
from rejoinder.engine.failures import raised_again
from rejoinder.engine.pipeline import Deltas, Events, exhaust, respond
from rejoinder.errors import NotFound
from rejoinder.idempotency import Idempotency, IdempotencyKey
from rejoinder.keeping import Maker
from rejoinder.providers.registry import Registry
from rejoinder.run import Run
from rejoinder.runs import Runs
from rejoinder.schema.ids import new_id
from rejoinder.schema.items import INCLUDE_SEALED, Item
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import CompactedResponse, Response
from rejoinder.storage.base import ResponseStore
from rejoinder.storage.deliveries import Delivery
from rejoinder.telling import (
    Frames,
    Telling,
    encoded,
    has_ended,
    last_words,
    unpadded,
    without_sealed,
)
from rejoinder.turns import Prepared, Turns


@dataclass(frozen=True, slots=True)
class Made:
    """A response, and the provider and model that made it here and now, if any."""

    response: Response
    route_name: str = ""


@dataclass(frozen=True)
class Gateway:
    """The product, without HTTP and without AWS's events."""

    registry: Registry
    store: ResponseStore
    idempotency: Idempotency
    turns: Turns
    runs: Runs
    background: Background
    conversations: Conversations
    locks: ConversationLocks
    poll_seconds: float = 0.5

    async def create(
        self,
        tenant: str,
        request: CreateResponse,
        key: IdempotencyKey | None = None,
        *,
        ends_at: float = inf,
    ) -> Made:
        """Make a response and give it when it has ended, or has been queued.

        `ends_at`: the time of day, in Unix seconds, until which this process may work on it.

        Raises:
            GatewayError: if the request is wrong or the upstream fails.
        """
        response_id, key = new_id("resp"), key if request.store else None
        if first := await self.idempotency.first(tenant, response_id, key):
            return Made(await self._joined(tenant, first, request))
        async with self.idempotency.beginning(tenant, response_id, key):
            prepared = await self.turns.prepare(tenant, request, response_id)
            if request.background:
                return Made(await self._queued(prepared))
            if request.store:
                making = (await self._start_run(prepared, key, ends_at)).response()
            else:
                making = _collected(prepared, await self._unstored(prepared, ends_at))
        return Made(await making, prepared.attempts.route.name)

    async def count(self, tenant: str, request: CreateResponse) -> Count:
        """The tokens that the model would be given.

        Raises:
            GatewayError: as for `create`.
        """
        attempts = (await self.turns.prepare(tenant, request, new_id("resp"))).attempts
        return await count(attempts.route.provider, attempts.turn)

    async def compact(self, tenant: str, request: CreateResponse) -> CompactedResponse:
        """A conversation made short.

        Raises:
            GatewayError: as for `create`.
        """
        return await self.turns.compact(tenant, request)

    async def stream(
        self,
        tenant: str,
        request: CreateResponse,
        key: IdempotencyKey | None = None,
        *,
        ends_at: float = inf,
    ) -> Telling:
        """Make a response and tell it as it comes.

        Raises:
            GatewayError: if the request is wrong; the frames raise what fails before the
                first of them, unless a promise was given.
        """
        response_id, key = new_id("resp"), key if request.store else None
        if first := await self.idempotency.first(tenant, response_id, key):
            return await self._followed(tenant, first)
        async with self.idempotency.beginning(tenant, response_id, key):
            prepared = await self.turns.prepare(tenant, request, response_id)
            if request.background:
                await self._queued(prepared)
                return await self._followed(tenant, response_id)
            if request.store:
                frames = (await self._start_run(prepared, key, ends_at)).recording.follow()
            else:
                frames = encoded(await self._unstored(prepared, ends_at))
        return Telling(frames, prepared.assembler.promise, lambda: prepared.attempts.route.name)

    async def retrieve(
        self, tenant: str, response_id: str, *, shows_sealed: bool = False
    ) -> Response:
        """The response as it stands; `encrypted_content` only for who asks for it.

        Raises:
            NotFound: if there is none.
        """
        response = await self.background.attended(tenant, response_id)
        return response if shows_sealed else without_sealed(response)

    async def follow(
        self, tenant: str, response_id: str, *, after: int = -1, with_padding: bool = True
    ) -> Frames:
        """The recorded events numbered above `after`, then those to come, as they were sent.

        Raises:
            NotFound: if there is no such response.
        """
        run = self.runs.get(tenant, response_id)
        if run is None or not run.recording.is_empty:  # else nobody keeps it yet
            response = await self.store.get(tenant, response_id)
            if response.is_live and (response.background or run is None):
                await self.store.mark_followed(tenant, response_id)
        told = run.recording.follow(after) if run else self._replay(tenant, response_id, after)
        return told if with_padding else unpadded(told)

    async def delete(self, tenant: str, response_id: str) -> None:
        """Hide a response for good, and stop it if it runs.

        Raises:
            NotFound: if there is none.
        """
        response = await self.store.get(tenant, response_id)
        await self.store.delete(tenant, response_id)
        if run := self.runs.get(tenant, response_id):
            run.stop(failed(DELETED))
        await self.locks.release(tenant, response)

    async def input_items(self, tenant: str, response_id: str) -> list[Item]:
        """The items that the request itself brought, oldest first.

        Raises:
            NotFound: if there is no such response.
        """
        return await self.store.input_items(tenant, response_id)

    async def cancel(self, tenant: str, response_id: str) -> Response:
        """Stop a background response.

        Raises:
            NotFound: if there is none.
            InvalidRequest: if it is not made in the background.
        """
        return without_sealed(await self.background.cancel(tenant, response_id))

    async def deliveries(self, tenant: str, *, limit: int) -> list[Delivery]:
        """What became of the latest attempts to deliver webhooks, newest first."""
        return await self.background.announcer.log.deliveries(tenant, limit=limit)

    async def _followed(self, tenant: str, response_id: str) -> Telling:
        run = self.runs.get(tenant, response_id)
        frames = await self.follow(tenant, response_id)
        return Telling(frames, run.promise) if run else Telling(frames)

    async def _queued(self, prepared: Prepared) -> Response:
        await self.background.admit(prepared.stored.tenant)
        await self.locks.acquire(prepared.stored, prepared.version)
        told = frames_of(prepared.assembler.enqueue())
        response = prepared.assembler.response
        await self.background.queue(replace(prepared.stored, response=response), told)
        return response

    async def _joined(self, tenant: str, response_id: str, request: CreateResponse) -> Response:
        """The first one's answer: at once in the background, else when it has ended."""
        run = self.runs.get(tenant, response_id)
        if run is not None and not request.background:
            return await run.response()
        response = await self.store.get(tenant, response_id)
        if response.is_live and not request.background:
            async for _ in self._replay(tenant, response_id, -1):
                pass
        shows_sealed = INCLUDE_SEALED in request.include
        ended = await self.retrieve(tenant, response_id, shows_sealed=shows_sealed)
        if ended.error is not None and not request.background:
            raise raised_again(ended.error)  # as the first one was answered
        return ended

    async def _start_run(
        self, prepared: Prepared, key: IdempotencyKey | None, ends_at: float
    ) -> Run:
        stored = prepared.stored
        await self.locks.acquire(stored, prepared.version)
        deltas = self.locks.while_renewing(stored, until(self._released(prepared, key), ends_at))
        maker = Maker(hold_seconds=self.background.limits.lease_seconds)
        return self.runs.start(self.store, stored, prepared.assembler, deltas, maker=maker)

    async def _released(self, prepared: Prepared, key: IdempotencyKey | None) -> Deltas:
        """The deltas; if there are none, the key stands for nothing."""
        try:
            async with aclosing(prepared.attempts.deltas()) as deltas:
                async for batch in deltas:
                    yield batch
        finally:
            if not prepared.assembler.must_tell:
                stored = prepared.stored
                await self.idempotency.release(stored.tenant, stored.response.id, key)

    async def _unstored(self, prepared: Prepared, ends_at: float) -> Events:
        stored = prepared.stored
        await self.locks.acquire(stored, prepared.version)
        deltas = self.locks.while_renewing(stored, until(prepared.attempts.deltas(), ends_at))
        events = respond(prepared.assembler, self.runs.unstored(deltas))
        return self.locks.finishing(stored, prepared.assembler, events)

    async def _replay(self, tenant: str, response_id: str, after: int) -> Frames:
        """From the store, until this process makes the response itself, or it has ended."""
        known: Response | None = None
        while True:
            try:
                response = await self.background.attended(tenant, response_id)  # before its events
                frames = await self.store.frames(tenant, response_id, after=after)
            except NotFound:
                if known is None:
                    raise
                yield last_words(known, after)
                return
            known = response
            if frames:
                after += len(frames)
                yield frames
            if not response.is_live or has_ended(frames):
                return
            if run := self.runs.get(tenant, response_id):
                async with aclosing(run.recording.follow(after)) as told:
                    async for frames in told:
                        yield frames
                return
            await self.runs.wait_for_another(self.poll_seconds)


async def _collected(prepared: Prepared, events: Events) -> Response:
    await exhaust(events)
    if prepared.assembler.failure is not None:
        raise prepared.assembler.failure
    return prepared.assembler.response
