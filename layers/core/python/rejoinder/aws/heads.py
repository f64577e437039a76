"""Where the writers of this process left their responses, so that they need not read it again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from rejoinder.aws.batches import number_in
from rejoinder.aws.metas import Meta, Metas
from rejoinder.errors import Conflict

MAX_HEADS = 1000


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a response's log, as one of its writers knows it."""

    pk: str
    writer: str
    last: str  # the name of the last batch
    expires_at: int
    is_sure: bool = True  # else nobody knows whether that batch counts: its reply was lost

    @classmethod
    def of(cls, meta: Meta) -> Self:
        """As META tells its writer."""
        return cls(meta.pk, meta.writer, meta.last, meta.expires_at)


class Heads:
    """The heads of this process."""

    def __init__(self, metas: Metas, clock: Callable[[], float]) -> None:
        self._metas = metas
        self._clock = clock
        self._heads: dict[tuple[str, str], Head] = {}

    async def of(self, pk: str, writer: str, *, first_number: int) -> Head:
        """Where the writer's next batch belongs.

        Raises:
            Conflict: if it belongs nowhere: the response is final, gone or another's, or somebody
                told of these events already.
        """
        known = self._heads.get((pk, writer))
        if known is not None and known.is_sure:
            return known
        meta = await self._metas.get(pk)
        if meta is None or not meta.is_live(self._clock()) or meta.writer != writer:
            raise Conflict
        is_ours = known is not None and known.last == meta.last
        if not is_ours and number_in(meta.last) >= first_number:
            raise Conflict
        return Head.of(meta)

    def note(self, head: Head) -> None:
        """Keep a head, instead of the oldest one if there are too many."""
        self._heads.pop((head.pk, head.writer), None)
        if len(self._heads) >= MAX_HEADS:
            del self._heads[next(iter(self._heads))]
        self._heads[head.pk, head.writer] = head

    def doubt(self, head: Head, name: str) -> None:
        """A batch was sent; nothing is known of it yet."""
        self.note(replace(head, last=name, is_sure=False))

    def forget(self, head: Head) -> None:
        """This writer writes no more."""
        self._heads.pop((head.pk, head.writer), None)
