"""Which responses hold an item: a partition for each item, a record for each response.

Records are written before META lets anybody see their response, so what they say is checked.
They are known beforehand from the item and the response, so that who deletes these finds them.
"""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from rejoinder.aws.records import Record, Records
from rejoinder.aws.table import EXPIRES_AT, PK, SK, item_key
from rejoinder.schema.items import Item
from rejoinder.schema.response import Response

PAGE = 8  # mostly the newest is the one


class ItemIndex:
    """The items of all responses."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def responses_of(self, tenant: str, item_id: str) -> AsyncGenerator[str]:
        """The ids of the responses that may hold an item, the newest first."""
        pk = item_key(tenant, item_id)
        async with aclosing(self._records.backwards(pk, "0", ":", page=PAGE)) as records:
            async for record in records:
                yield record[SK].partition("#")[2]


def entries(
    tenant: str, response: Response, items: Iterable[Item], *, expires_at: int = 0
) -> list[Record]:
    """The records by which the items of a response are found."""
    return [
        {
            PK: item_key(tenant, item["id"]),
            SK: f"{response.created_at:012d}#{response.id}",
            EXPIRES_AT: expires_at,
        }
        for item in items
    ]
