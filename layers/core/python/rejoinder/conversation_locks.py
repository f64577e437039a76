"""The lock of a conversation: one response at a time has it, and adds what was said (0009).

A response acquires the lock before it is made. Its maker lets go of it when the response has
ended; if it was completed or incomplete, the items of its request and of its output are added to
the conversation by the same write, before any reader hears of the end. A response that was kept
as ended and still has the lock, because its maker died in between or somebody else ended it
(`Background`), keeps nobody waiting: whoever uses the conversation next does what is missing.
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
class ConversationLocks:
    """Lets one response at a time be made in a conversation."""

    conversations: ConversationStore
    responses: ResponseStore
    lease_seconds: float = LEASE_SECONDS

    async def caught_up(self, tenant: str, conversation_id: str) -> KeptConversation:
        """A conversation, with all that was said in responses that have ended.

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
                await self._finish(tenant, conversation_id, response, own)
                return await self.conversations.get(tenant, conversation_id)
        return kept

    async def read(self, tenant: str, conversation_id: str) -> tuple[list[Item], int]:
        """What was said in the conversation that a request names, and the version of that.

        Raises:
            NotFound: if there is none.
        """
        try:
            kept = await self.caught_up(tenant, conversation_id)
            return await self.conversations.items(tenant, conversation_id), kept.version
        except NotFound as error:
            raise error.with_param("conversation") from error

    async def acquire(self, stored: StoredResponse, version: int) -> None:
        """Let a response have the lock of its conversation, if it is made in one.

        Raises:
            NotFound: if the conversation is gone.
            InvalidRequest: if another has the lock, or had it since that version was read.
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
            raise error.with_param("conversation") from error

    async def keep(self, stored: StoredResponse) -> None:
        """Let a background response have the lock until it has ended, whoever makes it when."""
        await self._renew(stored, WAITING_SECONDS)

    def while_renewing(self, stored: StoredResponse, deltas: Deltas) -> Deltas:
        """The same deltas; while they come, the response keeps the lock."""
        is_in_one = conversation_of(stored.response) is not None
        return self._while_renewing(stored, deltas) if is_in_one else deltas

    async def finishing(
        self, stored: StoredResponse, assembler: ResponseAssembler, events: Events
    ) -> Events:
        """The same events, of a response that is not kept, which lets go of the lock in the end."""
        try:
            async with aclosing(events):
                async for told in events:
                    if assembler.is_finished:
                        await self.finish(replace(stored, response=assembler.kept))
                    yield told
        finally:
            await self.finish(stored)  # as one that came to nothing, unless it has finished

    async def finish(self, stored: StoredResponse) -> None:
        """Add what was said and let go of the lock; a response still live has come to nothing."""
        if (conversation_id := conversation_of(stored.response)) is not None:
            await self._finish(stored.tenant, conversation_id, stored.response, stored.input)

    async def release(self, tenant: str, response: Response) -> None:
        """Let go of the lock that a response may have, which is deleted."""
        if (conversation_id := conversation_of(response)) is not None:
            await self.conversations.unlock(tenant, conversation_id, response.id)

    async def _finish(
        self, tenant: str, conversation_id: str, response: Response, own: list[Item]
    ) -> None:
        if response.status not in ("completed", "incomplete"):
            await self.conversations.unlock(tenant, conversation_id, response.id)
            return
        said = [*own, *response.output]
        try:
            await self.conversations.append(tenant, conversation_id, said, owner=response.id)
        except (NotFound, Conflict):
            log.info("conversation_lock_lost", extra={"response_id": response.id})

    async def _while_renewing(self, stored: StoredResponse, deltas: Deltas) -> Deltas:
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
                extra = {"response_id": stored.response.id}
                log.exception("conversation_lock_not_renewed", extra=extra)

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
    """What to say while a response has the lock."""
    return InvalidRequest(
        f"Another response is being made in conversation {conversation_id!r}; send this again when "
        "it has ended.",
        code="conversation_locked",
        param=param,
    )
