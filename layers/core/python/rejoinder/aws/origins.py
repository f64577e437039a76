"""ORIGIN: what a response was made from, written once, before anybody knows of the response."""

from collections.abc import Callable
from secrets import token_hex

from msgspec import Raw, Struct
from msgspec.json import Decoder, encode

from rejoinder.aws.overflow import Overflow
from rejoinder.aws.partitions import Gone, Partition
from rejoinder.aws.records import Record
from rejoinder.aws.table import EXPIRES_AT, ORIGIN, PK, SK
from rejoinder.schema.items import JSON, Item
from rejoinder.schema.request import CreateResponse, restored
from rejoinder.schema.tools import Tool
from rejoinder.storage.base import StoredResponse

_decode_items: Callable[[Raw], list[Item]] = Decoder(list[JSON]).decode
_decode_tools: Callable[[Raw], list[Tool]] = Decoder(list[JSON]).decode
_NOTHING = b"null"


class _Parts(Struct, frozen=True):
    """JSON of which each part is read when it is wanted."""

    history: Raw
    input: Raw
    tools: Raw
    request: Raw  # of a background response


_decode_parts: Callable[[bytes], _Parts] = Decoder(_Parts).decode


class Origin:
    """What was kept of a response's making."""

    def __init__(self, content: bytes) -> None:
        self._parts = _decode_parts(content)

    def history(self) -> list[Item]:
        """The conversation before the request."""
        return _decode_items(self._parts.history)

    def input(self) -> list[Item]:
        """The request's own items."""
        return _decode_items(self._parts.input)

    def tools(self) -> list[Tool]:
        """The tools that the next turn may use, too."""
        return _decode_tools(self._parts.tools)

    def request(self) -> CreateResponse | None:
        """The request, if there is one that this version can read."""
        part = bytes(self._parts.request)
        return restored(part) if part != _NOTHING else None


class Origins:
    """The origins of all responses."""

    def __init__(self, overflow: Overflow) -> None:
        self._overflow = overflow

    async def stowed(self, partition: Partition, stored: StoredResponse) -> Record:
        """The record of a new response's origin, not kept yet."""
        content = encode(
            {
                "history": stored.history,
                "input": stored.input,
                "tools": stored.tools,
                "request": stored.request if stored.response.background else None,
            }
        )
        object_key = f"{partition.objects}origin-{token_hex(4)}"
        return {
            PK: partition.pk,
            SK: ORIGIN,
            EXPIRES_AT: stored.expires_at,
            **await self._overflow.stowed(object_key, content),
        }

    async def read(self, record: Record | None) -> Origin:
        """What a record holds.

        Raises:
            Gone: if it, or what it points to, was removed.
        """
        content = await self._overflow.content(record) if record is not None else None
        if content is None:
            raise Gone
        return Origin(content)
