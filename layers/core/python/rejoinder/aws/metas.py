"""META: the one small record that says which response there is, and who may write it.

Whatever else is written counts only when META says so. It stays below 1 KB, so that a change of
it costs one write unit.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, convert, to_builtins

from rejoinder.aws.records import Record, Records, Refused
from rejoinder.aws.table import META, WAITING
from rejoinder.errors import Conflict
from rejoinder.schema.response import LIVE

VISIBLE = "attribute_not_exists(#deleted_at) AND #expires_at > :now"
IS_LIVE = f"#status IN ({', '.join(f':{status}' for status in sorted(LIVE))}) AND {VISIBLE}"
IS_MINE = f"{IS_LIVE} AND #writer = :mine"
GOES_ON = f"{IS_MINE} AND #last = :before"
MAY_BE_HELD = f"{IS_LIVE} AND #held_until <= :now AND #writer <> :writer"

ENDS_WAITING = {"writer", "status", "deleted_at"}  # whoever changes one of them

_LIVE_VALUES: dict[str, Any] = {status: status for status in LIVE}


class Meta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What META says; its fields are the record's attributes."""

    pk: str
    sk: str
    status: str
    writer: str
    held_until: float
    touched_at: float  # when its maker was last heard of
    is_followed: bool
    last: str  # the name of the last batch of events that counts
    body: str  # the name of the batch that holds the response
    expires_at: int
    deleted_at: float = 0.0
    deleted_by: str = ""  # which call it was
    waiting: str = ""  # in the background for its worker: the key of an index
    attempts: int = 0  # how often it was held to be made

    def is_visible(self, now: float) -> bool:
        """Whether a reader may know of the response."""
        return not self.deleted_at and self.expires_at > now

    def is_live(self, now: float) -> bool:
        """Whether it can still change."""
        return self.status in LIVE and self.is_visible(now)


class Metas:
    """The METAs of all responses, named by their partitions."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def begin(self, meta: Meta) -> None:
        """Let a response be there.

        Raises:
            Conflict: if it is there already.
        """
        try:
            await self._records.put_new(to_builtins(meta))
        except Refused as refused:
            found = meta_in(refused.found)
            if found is None or found.last != meta.last:  # else its reply was lost
                raise Conflict from None

    async def get(self, pk: str) -> Meta | None:
        """The META of a partition, whatever it says."""
        return meta_in(await self._records.get((pk, META)))

    async def change(
        self,
        pk: str,
        changes: dict[str, Any],
        condition: str,
        *,
        now: float,
        counted: Sequence[str] = (),
        **values: str,
    ) -> Meta:
        """Change it under a condition of this module; `values` are what the condition names.

        Raises:
            Refused: if the condition does not hold.
        """
        changed = await self._records.update(
            (pk, META),
            changes,
            condition=condition,
            values={**_LIVE_VALUES, **values, "now": now},
            removed=() if changes.keys().isdisjoint(ENDS_WAITING) else (WAITING,),
            counted=counted,
        )
        return convert(changed, Meta)


def meta_in(record: Record | None) -> Meta | None:
    """The META that was read, if one was."""
    return convert(record, Meta) if record is not None else None
