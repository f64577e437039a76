"""The floor of a conversation: one response at a time has it, and leaves there what was said.

A response takes the floor before it is made, and leaves it when it has ended; if it was completed
or incomplete, the items of its request and of its output are added to the conversation in the
same moment, before any reader hears of the end. A stored response that was cut off in between
has been kept already: whoever uses the conversation next adds what is missing.
"""

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from logging import getLogger

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.pipeline import Deltas, Events
from rejoinder.errors import Conflict, InvalidRequest, NotFound
from rejoinder.schema.items import Item
from rejoinder.schema.response import Response
from rejoinder.storage.base import ResponseStore, StoredResponse
from rejoinder.storage.conversations import ConversationStore, KeptConversation

LEASE_SECONDS = 30.0  # of a response in the foreground, whose process renews it
WAITING_SECONDS = 24 * 3600.0  # of one in the background, whose job makes sure that it ends

log = getLogger("rejoinder")


@dataclass(frozen=True, slots=True)
class Floor:
    """Knows who has the floor of which conversation."""

    conversations: ConversationStore
    responses: ResponseStore
    lease_seconds: float = LEASE_SECONDS

    async def settled(self, tenant: str, conversation_id: str) -> KeptConversation:
        """A conversation, with what the response that had its floor last has left there.

        Raises:
            NotFound: if there is none.
        """
        kept = await self.conversations.get(tenant, conversation_id)
        if kept.owner is None:
            return kept
        with suppress(NotFound):  # of a response that is not kept, or not yet
            response = await self.responses.get(tenant, kept.owner)
            if not response.is_live:
                own = await self.responses.input_items(tenant, kept.owner)
                await self._leave(tenant, conversation_id, response, own)
                return await self.conversations.get(tenant, conversation_id)
        return kept

    async def opened(self, tenant: str, conversation_id: str) -> tuple[list[Item], int]:
        """What was said in the conversation that a request names, and the version of that.

        Raises:
            NotFound: if there is none.
        """
        try:
            kept = await self.settled(tenant, conversation_id)
            return await self.conversations.items(tenant, conversation_id), kept.version
        except NotFound as error:
            error.param = "conversation"
            raise

    async def take(self, stored: StoredResponse, version: int) -> None:
        """Let a response have the floor of its conversation, if it has one.

        Raises:
            NotFound: if the conversation is gone.
            InvalidRequest: if another has the floor, or had it since that version was read.
        """
        if (conversation_id := conversation_of(stored.response)) is None:
            return
        try:
            await self.conversations.lock(
                stored.tenant,
                conversation_id,
                stored.response.id,
                version=version,
                lease_seconds=self.lease_seconds,
            )
        except Conflict:
            raise busy(conversation_id, param="conversation") from None
        except NotFound as error:
            error.param = "conversation"
            raise

    async def keep(self, stored: StoredResponse) -> None:
        """Let a background response have the floor until it has ended, whoever makes it when."""
        await self._renew(stored, WAITING_SECONDS)

    def held(self, stored: StoredResponse, deltas: Deltas) -> Deltas:
        """The same deltas; while they come, the response keeps the floor."""
        return deltas if conversation_of(stored.response) is None else self._held(stored, deltas)

    async def told(
        self, stored: StoredResponse, assembler: ResponseAssembler, events: Events
    ) -> Events:
        """The same events, of a response that is not kept, which leaves the floor in the end."""
        try:
            async with aclosing(events):
                async for told in events:
                    if assembler.is_finished:
                        await self.leave(replace(stored, response=assembler.kept))
                    yield told
        finally:
            await self.leave(stored)  # as one that came to nothing, unless it has left

    async def leave(self, stored: StoredResponse) -> None:
        """Let a response leave the floor; one that is live still has come to nothing."""
        if (conversation_id := conversation_of(stored.response)) is not None:
            await self._leave(stored.tenant, conversation_id, stored.response, stored.input)

    async def release(self, tenant: str, response: Response) -> None:
        """Free the floor that a response may have, which is deleted."""
        if (conversation_id := conversation_of(response)) is not None:
            await self.conversations.unlock(tenant, conversation_id, response.id)

    async def _leave(
        self, tenant: str, conversation_id: str, response: Response, own: list[Item]
    ) -> None:
        if response.status not in ("completed", "incomplete"):
            await self.conversations.unlock(tenant, conversation_id, response.id)
            return
        said = [*own, *response.output]
        try:
            await self.conversations.append(tenant, conversation_id, said, owner=response.id)
        except (NotFound, Conflict):
            log.info("floor_lost", extra={"response_id": response.id})

    async def _held(self, stored: StoredResponse, deltas: Deltas) -> Deltas:
        renewing = asyncio.create_task(self._renew_always(stored))
        try:
            async with aclosing(deltas):
                async for batch in deltas:
                    yield batch
        finally:
            renewing.cancel()
            await asyncio.wait({renewing})

    async def _renew_always(self, stored: StoredResponse) -> None:
        while True:
            await asyncio.sleep(self.lease_seconds / 3)
            try:
                await self._renew(stored, self.lease_seconds)
            except Exception:  # the store failed: it may work again at the next beat
                log.exception("floor_not_renewed", extra={"response_id": stored.response.id})

    async def _renew(self, stored: StoredResponse, lease_seconds: float) -> None:
        response = stored.response
        if (conversation_id := conversation_of(response)) is None:
            return
        with suppress(Conflict):  # it will be told when the response has ended
            await self.conversations.renew(
                stored.tenant, conversation_id, response.id, lease_seconds=lease_seconds
            )


def conversation_of(response: Response) -> str | None:
    """The id of the conversation that a response is made in."""
    return response.conversation["id"] if response.conversation else None


def busy(conversation_id: str, *, param: str) -> InvalidRequest:
    """What to say while a response has the floor."""
    return InvalidRequest(
        f"Another response is being made in conversation {conversation_id!r}; send this again when "
        "it has ended.",
        code="conversation_locked",
        param=param,
    )
