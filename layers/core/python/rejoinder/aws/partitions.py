"""A response's partition, and what one query brings of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from rejoinder.aws.metas import Meta, meta_in
from rejoinder.aws.records import Record, Records
from rejoinder.aws.table import EVENTS, META, ORIGIN, SK, objects_prefix, response_key
from rejoinder.errors import NotFound


class Gone(NotFound):
    """What META named is not there any more."""

    def __init__(self) -> None:
        super().__init__("The response was deleted meanwhile.", param="response_id")


@dataclass(frozen=True, slots=True)
class Partition:
    """Where everything about one response is kept."""

    tenant: str
    response_id: str

    @property
    def pk(self) -> str:
        """In the table."""
        return response_key(self.tenant, self.response_id)

    @property
    def objects(self) -> str:
        """In the bucket: how all keys begin."""
        return objects_prefix(self.tenant, self.response_id)


@dataclass(frozen=True, slots=True)
class Part:
    """Some records of a partition. META was read first: what it names was there already."""

    meta: Meta | None
    batches: Mapping[str, Record]  # by their names
    origin: Record | None


async def read_part(
    records: Records, pk: str, *, low: str = EVENTS, high: str = META, limit: int | None = None
) -> Part:
    """What lies between two sort keys: all of it, or the last records."""
    found = {record[SK]: record for record in await records.newest(pk, low, high, limit=limit)}
    meta, origin = found.pop(META, None), found.pop(ORIGIN, None)
    batches = {key.removeprefix(EVENTS): record for key, record in found.items()}
    return Part(meta_in(meta), batches, origin)
