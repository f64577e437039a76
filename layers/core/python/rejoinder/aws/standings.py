"""META of a conversation: how it stands. What else is written counts only when META says so.

Who changes the items names the change in `recent`: a request that is sent again, because its reply
was lost, is refused by its own effect, and known by it.
"""

from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Self

from msgspec import Struct, convert, to_builtins
from msgspec.json import decode, encode

from rejoinder.aws.records import Record, Records, Refused
from rejoinder.aws.table import META, conversation_key, conversation_objects
from rejoinder.errors import Conflict, NotFound, Unavailable
from rejoinder.schema.conversation import Conversation

VISIBLE = "attribute_exists(#version) AND attribute_not_exists(#deleted_by)"
IS_OWNED = f"{VISIBLE} AND #owner = :mine"
IS_FREE = f"{VISIBLE} AND #owned_until <= :now"
IS_AS_READ = "#version = :read"
MAY_BE_OWNED = f"{VISIBLE} AND {IS_AS_READ} AND (#owned_until <= :now OR #owner = :owner)"

MAX_RECENT = 16  # changes that may come between a request and the same request sent again
NOBODY: dict[str, Any] = {"owner": "", "owned_until": 0.0}


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything about one conversation is kept."""

    tenant: str
    conversation_id: str

    @property
    def pk(self) -> str:
        """In the table."""
        return conversation_key(self.tenant, self.conversation_id)

    @property
    def objects(self) -> str:
        """In the bucket: how all keys begin."""
        return conversation_objects(self.tenant, self.conversation_id)


class Standing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What META says; its fields are the record's attributes."""

    pk: str
    sk: str
    created_at: int
    metadata: str  # JSON
    version: int
    last: str  # the name of the last batch of items that counts
    recent: str  # the last changes of the items
    owner: str
    owned_until: float
    deleted_by: str = ""  # which call it was

    @classmethod
    def new(cls, place: Place, conversation: Conversation, first: str, *, is_empty: bool) -> Self:
        """How a conversation stands at first; its first batch is written if there are items."""
        return cls(
            pk=place.pk,
            sk=META,
            created_at=conversation.created_at,
            metadata=encode(conversation.metadata).decode(),
            version=0,
            last="" if is_empty else first,
            recent=_change_in(first),
            owner="",
            owned_until=0.0,
        )

    def conversation(self, conversation_id: str) -> Conversation:
        """The API object."""
        return Conversation(
            id=conversation_id, created_at=self.created_at, metadata=decode(self.metadata)
        )

    def is_open_to(self, owner: str | None, now: float) -> bool:
        """Whether this owner, or who is none, may change the items."""
        return self.owned_until <= now if owner is None else self.owner == owner


class Overtaken(Conflict):
    """META is not as it was read: how it stands now."""

    def __init__(self, standing: Standing) -> None:
        super().__init__()
        self.standing = standing


class Standings:
    """The METAs of all conversations."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def begin(self, standing: Standing) -> None:
        """Let a conversation be there.

        Raises:
            Conflict: if it is there already.
        """
        try:
            await self._records.put_new(to_builtins(standing))
        except Refused as refused:
            found = standing_in(refused.found)
            if found is None or found.recent != standing.recent:  # else its reply was lost
                raise Conflict from None

    async def get(self, place: Place) -> Standing:
        """How a conversation stands.

        Raises:
            NotFound: if there is none.
        """
        return visible(standing_in(await self._records.get((place.pk, META))), place)

    async def change(
        self, place: Place, changes: dict[str, Any], condition: str, **values: str | float
    ) -> Standing:
        """Change META under a condition of this module; `values` are what the condition names.

        Raises:
            NotFound: if there is no such conversation.
            Overtaken: if the condition does not hold.
        """
        try:
            changed = await self._records.update(
                (place.pk, META), changes, condition=condition, values=values
            )
        except Refused as refused:
            raise Overtaken(visible(standing_in(refused.found), place)) from None
        return convert(changed, Standing)

    async def advance(
        self, place: Place, read: Standing, last: str, *, owner: str | None, now: float
    ) -> None:
        """Let a batch be the last one, of the version after the one that was read.

        Raises:
            NotFound: if there is no such conversation.
            Overtaken: if it has another version, or owner.
            Unavailable: if nobody knows any more whether this change was made.
        """
        change = _change_in(last)
        changes = {
            **NOBODY,
            "version": read.version + 1,
            "last": last,
            "recent": " ".join([change, *read.recent.split()][:MAX_RECENT]),
        }
        condition = f"{IS_FREE if owner is None else IS_OWNED} AND {IS_AS_READ}"
        values: dict[str, str | float] = {"read": read.version, "now": now, "mine": owner or ""}
        try:
            await self.change(place, changes, condition, **values)
        except Overtaken as overtaken:
            found = overtaken.standing
            if change in found.recent.split():  # its reply was lost
                return
            if found.version > read.version + MAX_RECENT:
                raise Unavailable(
                    "The conversation changes too fast.", code="server_error"
                ) from None
            raise

    async def hide(self, place: Place) -> bool:
        """Let nobody see a conversation any more; whether it was this call that did so.

        Raises:
            NotFound: if there is not even a hidden one.
        """
        deleter = token_hex(4)
        try:
            await self._records.update(
                (place.pk, META), {"deleted_by": deleter}, condition=VISIBLE, values={}
            )
        except Refused as refused:
            found = standing_in(refused.found)
            if found is None:
                raise no_conversation(place) from None
            return found.deleted_by == deleter
        return True

    async def remove(self, place: Place) -> None:
        """Remove a META that was hidden."""
        await self._records.remove([(place.pk, META)])


def new_name(version: int) -> str:
    """The name of a new batch, which makes a version."""
    return f"{version:010d}#{token_hex(4)}"


def standing_in(record: Record | None) -> Standing | None:
    """The META that was read, if one was."""
    return convert(record, Standing) if record is not None else None


def visible(standing: Standing | None, place: Place) -> Standing:
    """The same, if readers may see it.

    Raises:
        NotFound: if they may not.
    """
    if standing is None or standing.deleted_by:
        raise no_conversation(place)
    return standing


def no_conversation(place: Place) -> NotFound:
    """There is no such conversation, or not for this reader."""
    return NotFound(
        f"No conversation {place.conversation_id[:60]!r} is stored for this account.",
        code="conversation_not_found",
        param="conversation_id",
    )


def _change_in(name: str) -> str:
    """What is random in the name of a batch."""
    return name.partition("#")[2]
