"""What a run may do with its response in the store, and who sees to it when the run cannot."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from logging import getLogger
from math import inf

from rejoinder.errors import NotFound
from rejoinder.schema.response import Response
from rejoinder.storage.base import ResponseStore, StoredResponse

type Leave = Callable[[StoredResponse], Awaitable[None]]

log = getLogger("rejoinder")


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes a response: its writer, and how long it may be silent before it counts as dead."""

    writer: str = ""
    hold_seconds: float = inf  # of one with a job there is no end: the job is heard of instead

    @property
    def has_job(self) -> bool:
        """Whether a job makes the response again, or ends it, if this maker cannot."""
        return bool(self.writer)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps one response: the first batch begins it, after the last one it leaves."""

    store: ResponseStore
    stored: StoredResponse
    maker: Maker
    tell_conversation: Leave | None = None

    async def write(
        self, frames: Sequence[bytes], *, first_number: int, response: Response
    ) -> bool:
        """Record a batch; gives whether somebody follows from elsewhere.

        Raises:
            Conflict: if the response is final, gone, or another's.
        """
        is_followed = await self._write(frames, first_number, response)
        if not response.is_live:
            await self.leave(response)
        return is_followed

    async def hold(self) -> None:
        """Be heard of, though nothing is written.

        Raises:
            Conflict: as `write`.
        """
        await self.store.hold(
            self.stored.tenant,
            self.stored.response.id,
            self.maker.writer,
            seconds=self.maker.hold_seconds,
        )

    async def leave(self, response: Response) -> None:
        """Tell its conversation, before its readers, what became of it; live: nothing."""
        if self.tell_conversation is None:
            return
        try:
            await self.tell_conversation(replace(self.stored, response=response))
        except Exception:  # it is kept: whoever uses the conversation next adds what is missing
            log.exception("floor_not_left", extra={"response_id": response.id})

    async def has_successor(self) -> bool:
        """Whether somebody will end, or has ended, what this maker cannot keep any more."""
        if not self.maker.has_job:
            return False
        with suppress(NotFound):
            await self.store.get(self.stored.tenant, self.stored.response.id)
            return True
        return False

    async def _write(self, frames: Sequence[bytes], first_number: int, response: Response) -> bool:
        if first_number == 0:
            await self.store.begin(replace(self.stored, response=response), frames)
            return False
        return await self.store.record(
            self.stored.tenant,
            response,
            frames,
            first_number=first_number,
            writer=self.maker.writer,
        )
