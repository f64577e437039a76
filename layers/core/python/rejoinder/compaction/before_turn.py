"""Compaction before a turn: a model is asked for a summary, and goes on with it (contract §7)."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from msgspec.structs import replace

from rejoinder.compaction.sealed import Digest, Seal, stand_ins
from rejoinder.compaction.summarising import Summarise
from rejoinder.counting import count, estimated
from rejoinder.engine.deltas import Delta, Finished, Relayed, Started
from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import GatewayError
from rejoinder.providers.attempts import Attempts
from rejoinder.providers.base import Turn
from rejoinder.providers.registry import Route
from rejoinder.schema.items import Compaction, Item, is_rule, is_summary
from rejoinder.schema.response import InputTokensDetails, OutputTokensDetails, Usage
from rejoinder.truncation import parted

BLOCK = "compaction"  # no upstream's: those are numbers, ids, or words of our own adapters


@dataclass(slots=True, kw_only=True)
class CompactingAttempts:
    """Attempts at a turn whose conversation is compacted first, if it is longer than that."""

    items: list[Item]
    attempts_with: Callable[[list[Item]], Attempts]  # at the same turn, with this conversation
    summarise: Summarise
    seal: Seal
    threshold_tokens: int
    is_only: bool  # whether nothing else is wanted
    _attempts: Attempts = field(init=False)

    def __post_init__(self) -> None:
        self._attempts = self.attempts_with(self.items)

    @property
    def route(self) -> Route:
        """The one asked last."""
        return self._attempts.route

    @property
    def turn(self) -> Turn:
        """The turn as the present route is asked it."""
        return self._attempts.turn

    async def deltas(self) -> Deltas:
        """The compaction item, if there is need of one, and what the model says then.

        Raises:
            GatewayError: as for the turn itself.
        """
        rules, older, tail = self._parts()
        usage = Usage()
        is_worth_it = any(not is_summary(item) for item in older)
        if is_worth_it and await self._is_too_long():
            summary = await self.summarise(older)
            digest = Digest(summary.model, summary.text, tail, is_whole=True)
            item, usage = self.seal(digest), summary.usage
            self._attempts = self.attempts_with([*rules, *stand_ins(item, digest)])
            yield [Started(), *_told(item)]
        if self.is_only:
            yield [Started(), Finished("stop", usage)]
            return
        async with aclosing(self._attempts.deltas()) as batches:
            async for batch in batches:
                yield _costing(batch, usage)

    def _parts(self) -> tuple[list[Item], list[Item], list[Item]]:
        """The rules, what is compacted, and what is kept word for word."""
        if not self.is_only:
            return parted(self.items)
        said = [item for item in self.items if not is_rule(item)]
        return [*filter(is_rule, self.items)], said, []

    async def _is_too_long(self) -> bool:
        if self.is_only:
            return True
        try:
            tokens = (await count(self.route.provider, self.turn)).tokens
        except GatewayError:  # whoever cannot count may answer all the same
            tokens = estimated(self.turn)
        return tokens > self.threshold_tokens


def _told(item: Compaction) -> list[Delta]:
    steps = ("response.output_item.added", "response.output_item.done")
    return [Relayed(BLOCK, {"type": step, "item": item}) for step in steps]


def _costing(batch: Sequence[Delta], usage: Usage) -> Sequence[Delta]:
    """The batch; its end says what both calls cost."""
    if batch and isinstance(last := batch[-1], Finished):
        return [*batch[:-1], replace(last, usage=_added(last.usage, usage))]
    return batch


def _added(one: Usage, other: Usage) -> Usage:
    """The tokens of two calls."""
    in_one, in_other = one.input_tokens_details, other.input_tokens_details
    out_one, out_other = one.output_tokens_details, other.output_tokens_details
    return Usage(
        one.input_tokens + other.input_tokens,
        InputTokensDetails(
            in_one.cached_tokens + in_other.cached_tokens,
            in_one.cache_write_tokens + in_other.cache_write_tokens,
        ),
        one.output_tokens + other.output_tokens,
        OutputTokensDetails(out_one.reasoning_tokens + out_other.reasoning_tokens),
        one.total_tokens + other.total_tokens,
    )
