"""The promises of a response store. One contract test suite holds for all.

Everything belongs to a tenant: what is another's, deleted or expired does not exist.
Times of day are Unix seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rejoinder.schema.items import Item
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import Response
from rejoinder.schema.tools import Tool


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response with all it was made from; children need nothing of their parents."""

    tenant: str
    response: Response
    history: list[Item]  # the resolved conversation before this request
    input: list[Item]  # this request's own items, resolved
    tools: list[Tool]  # those of this request, else those of the turn before
    expires_at: int
    request: CreateResponse | None = None  # stores keep it for workers: of background responses


@dataclass(frozen=True, slots=True)
class ContinuedResponse:
    """A response that a next one builds on, and all that was said up to its end."""

    response: Response
    items: list[Item]  # history, input and output, oldest first
    tools: list[Tool]


@dataclass(frozen=True, slots=True)
class Taken:
    """A live response in the hands of a new writer."""

    stored: StoredResponse
    writer: str
    frames: list[bytes]  # the events recorded so far
    is_followed: bool  # whether somebody may have seen more than the first of them
    attempt: int  # how often it was taken over to be made, with this time if it was


class ResponseStore(Protocol):
    """Keeps responses, the events that told them, and the items that they are made of.

    A live response has one *writer*; whoever takes it over shuts the earlier one out (fencing).
    """

    @property
    def batch_seconds(self) -> float:
        """How long events may wait to be recorded together. 0: each is recorded before it is sent.

        More than 0 where a write costs money; the last event is recorded first all the same.
        """
        ...

    async def begin(self, stored: StoredResponse, frames: Sequence[bytes]) -> None:
        """Keep a new response with its first events, numbered from 0."""
        ...

    async def record(
        self,
        tenant: str,
        response: Response,
        frames: Sequence[bytes],
        *,
        first_number: int,
        writer: str = "",
    ) -> bool:
        """Append events, and keep the response as they leave it. All of it, or nothing.

        Gives whether somebody follows it by the store.

        Raises:
            Conflict: if the response is final, deleted or expired (the first terminal write
                wins), or has another writer by now.
        """
        ...

    async def take_over(
        self, tenant: str, response_id: str, writer: str, *, hold_seconds: float | None = None
    ) -> Taken:
        """Become the writer of a live response: by force, or holding it for a while to make it.

        To hold it is an attempt, one for each writer, that is counted by the same write. By
        force it is taken over only to be ended.

        Raises:
            Conflict: if it is final, deleted or expired.
            Held: if it is to be held, and another writer holds it at this time.
        """
        ...

    async def hold(self, tenant: str, response_id: str, writer: str, *, seconds: float) -> None:
        """Stay the writer for a while longer, counted from now.

        Raises:
            Conflict: as `record`.
        """
        ...

    async def silent_seconds(self, tenant: str, response_id: str) -> float:
        """For how long nothing was heard of who makes a response; 0 if it is final or gone.

        0 also where the store's own housekeeping ends what was cut off.
        """
        ...

    async def rewind(
        self, tenant: str, response: Response, *, next_number: int, writer: str
    ) -> None:
        """Forget the events from a number on, and keep the response as it was before them.

        Raises:
            Conflict: as `record`.
        """
        ...

    async def mark_followed(self, tenant: str, response_id: str) -> None:
        """Note that a reader follows a live response: its events may not be unsaid."""
        ...

    async def writer(self, tenant: str, response_id: str) -> str | None:
        """Who writes a response; None if nobody does, because it is final or gone."""
        ...

    async def get(self, tenant: str, response_id: str) -> Response:
        """The response as last recorded.

        Raises:
            NotFound: if there is none.
        """
        ...

    async def frames(self, tenant: str, response_id: str, *, after: int) -> list[bytes]:
        """The recorded events numbered above `after`, as they were sent.

        Raises:
            NotFound: if there is no such response.
        """
        ...

    async def continued(self, tenant: str, response_id: str) -> ContinuedResponse:
        """This response, as one that is continued.

        Raises:
            NotFound: if there is none.
        """
        ...

    async def input_items(self, tenant: str, response_id: str) -> list[Item]:
        """The request's own items, in their order.

        Raises:
            NotFound: if there is no such response.
        """
        ...

    async def item(self, tenant: str, item_id: str) -> Item:
        """An item of any stored response, by its id; of several, the newest.

        Raises:
            NotFound: if there is none.
        """
        ...

    async def delete(self, tenant: str, response_id: str) -> None:
        """Hide a response from every reader, at once; a sweep removes what it held.

        Raises:
            NotFound: if there is none.
        """
        ...

    async def sweep(self) -> int:
        """Remove what is expired or deleted, for good; gives the number of responses."""
        ...
