"""The product in one class: a method for each thing that a client may ask. No HTTP here."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from msgspec import structs

from rejoinder.background import Background
from rejoinder.compaction import Compaction
from rejoinder.conversations import Conversations
from rejoinder.counting import Count, count
from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.encoding import frames_of, without_padding
from rejoinder.engine.pipeline import Events, collect, respond
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import GatewayError, NotFound
from rejoinder.floor import Floor
from rejoinder.idempotency import Idempotency, IdempotencyKey
from rejoinder.providers.registry import Registry
from rejoinder.runs import Run, Runs, failed
from rejoinder.schema.items import Item
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import CompactedResponse, Response
from rejoinder.storage.base import ResponseStore
from rejoinder.storage.deliveries import Delivery
from rejoinder.turns import INCLUDE_SEALED, Begun, Turns

type Frames = AsyncGenerator[list[bytes]]  # encoded events; those of one batch leave together

DELETED = GatewayError("The response was deleted while it was made.", code="server_error")
"""The last word of a response that is deleted while it runs."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A response being told. After `promise` its failures are events, never exceptions."""

    frames: Frames
    promise: Callable[[], None] = lambda: None
    answered_by: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class Made:
    """A response that was made, and the provider and model that made it."""

    response: Response
    answered_by: str


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
    floor: Floor
    poll_seconds: float = 0.5

    async def create(
        self, tenant: str, request: CreateResponse, key: IdempotencyKey | None = None
    ) -> Made:
        """Make a response and give it when it has ended, or has been queued.

        Raises:
            GatewayError: if the request is wrong or the upstream fails.
        """
        begun = await self.turns.begin(tenant, request)
        if first := await self.idempotency.first(begun.stored, key):
            response = await self._joined(tenant, first, request)
        elif request.background:
            response = await self._queued(begun)
        elif request.store:
            response = await (await self._run(begun)).response()
        else:
            await collect(await self._unstored(begun))
            if begun.assembler.failure is not None:
                raise begun.assembler.failure
            response = begun.assembler.response
        return Made(response, begun.attempts.route.name)

    async def count(self, tenant: str, request: CreateResponse) -> Count:
        """The tokens that the model would be given.

        Raises:
            GatewayError: as for `create`.
        """
        attempts = (await self.turns.begin(tenant, request)).attempts
        return await count(attempts.route.provider, attempts.turn)

    async def compact(self, tenant: str, request: CreateResponse) -> CompactedResponse:
        """A conversation made short.

        Raises:
            GatewayError: as for `create`.
        """
        return await Compaction(self.turns).compact(tenant, request)

    async def stream(
        self, tenant: str, request: CreateResponse, key: IdempotencyKey | None = None
    ) -> Telling:
        """Make a response and tell it as it comes.

        Raises:
            GatewayError: if the request is wrong; the frames raise what fails before the
                first of them, unless a promise was given.
        """
        begun = await self.turns.begin(tenant, request)
        first = await self.idempotency.first(begun.stored, key)
        if request.background and not first:
            first = (await self._queued(begun)).id
        if first:
            run = self.runs.get(tenant, first)
            frames = await self.follow(tenant, first)
            return Telling(frames, run.promise) if run else Telling(frames)
        if request.store:
            frames = (await self._run(begun)).recording.follow()
        else:
            frames = _encoded(await self._unstored(begun))
        return Telling(frames, begun.assembler.promise, lambda: begun.attempts.route.name)

    async def retrieve(
        self, tenant: str, response_id: str, *, shows_sealed: bool = False
    ) -> Response:
        """The response as it stands; `encrypted_content` only for who asks for it.

        Raises:
            NotFound: if there is none.
        """
        response = await self.store.get(tenant, response_id)
        return response if shows_sealed else _without_sealed(response)

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
            if response.background and response.is_live:
                await self.store.mark_followed(tenant, response_id)
        told = run.recording.follow(after) if run else self._replay(tenant, response_id, after)
        return told if with_padding else _unpadded(told)

    async def delete(self, tenant: str, response_id: str) -> None:
        """Hide a response for good, and stop it if it runs.

        Raises:
            NotFound: if there is none.
        """
        response = await self.store.get(tenant, response_id)
        await self.store.delete(tenant, response_id)
        if run := self.runs.get(tenant, response_id):
            run.stop(failed(DELETED))
        await self.floor.release(tenant, response)

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
        return _without_sealed(await self.background.cancel(tenant, response_id))

    async def deliveries(self, tenant: str, *, limit: int) -> list[Delivery]:
        """What became of the latest attempts to deliver webhooks, newest first."""
        return await self.background.announcer.log.deliveries(tenant, limit=limit)

    async def _queued(self, begun: Begun) -> Response:
        await self.background.admit(begun.stored.tenant)
        await self.floor.take(begun.stored, begun.version)
        told = frames_of(begun.assembler.enqueue())
        response = begun.assembler.response
        await self.background.queue(replace(begun.stored, response=response), told)
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
        return await self.retrieve(tenant, response_id, shows_sealed=shows_sealed)

    async def _run(self, begun: Begun) -> Run:
        stored = begun.stored
        await self.floor.take(stored, begun.version)
        deltas = self.floor.held(stored, begun.attempts.deltas())
        run = Run(self.store, stored, begun.assembler, deltas)
        self.runs.add(stored.tenant, stored.response.id, run)
        return run

    async def _unstored(self, begun: Begun) -> Events:
        stored = begun.stored
        await self.floor.take(stored, begun.version)
        deltas = self.runs.unstored(self.floor.held(stored, begun.attempts.deltas()))
        return self.floor.told(stored, begun.assembler, respond(begun.assembler, deltas))

    async def _replay(self, tenant: str, response_id: str, after: int) -> Frames:
        """From the store, until this process makes the response itself, or it has ended."""
        known: Response | None = None
        while True:
            try:
                response = await self.store.get(tenant, response_id)  # first: no event is missed
                frames = await self.store.frames(tenant, response_id, after=after)
            except NotFound:
                if known is None:
                    raise
                yield _last_words(known, after)
                return
            known = response
            if frames:
                after += len(frames)
                yield frames
            if not response.is_live:
                return
            if run := self.runs.get(tenant, response_id):
                async with aclosing(run.recording.follow(after)) as told:
                    async for frames in told:
                        yield frames
                return
            await self.runs.wait_for_another(self.poll_seconds)


def _last_words(response: Response, after: int) -> list[bytes]:
    """The end of a response that was deleted, or expired, while a reader waited for more."""
    assembler = ResponseAssembler(response, ToolNames([]))
    assembler.resume(next_number=after + 1, done=response.output, item=None)
    return frames_of(assembler.fail(DELETED))


def _without_sealed(response: Response) -> Response:
    shown = [
        {key: value for key, value in item.items() if key != "encrypted_content"}
        if item["type"] == "reasoning"
        else item
        for item in response.output
    ]
    return structs.replace(response, output=shown)


async def _unpadded(told: Frames) -> Frames:
    async with aclosing(told):
        async for batch in told:
            yield [without_padding(frame) for frame in batch]


async def _encoded(events: Events) -> Frames:
    async with aclosing(events):
        async for told in events:
            yield frames_of(told)
