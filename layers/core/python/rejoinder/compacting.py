"""Compaction before a turn: a model is asked for a summary, and goes on with it (contract §7)."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from rejoinder.counting import count, estimated
from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import Delta, Finished, Relayed, Started
from rejoinder.engine.pipeline import Deltas, collect, respond
from rejoinder.errors import GatewayError, InvalidRequest, Unavailable
from rejoinder.folding import is_rule, is_summary
from rejoinder.providers.base import Turn
from rejoinder.providers.registry import Route
from rejoinder.schema.items import Compaction, Item, user_message
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import InputTokensDetails, OutputTokensDetails, Usage
from rejoinder.truncation import parted

BLOCK = "compaction"  # no upstream's: those are numbers, ids, or words of our own adapters
INSTRUCTIONS = """\
You compact conversations. Your summary takes the place of the conversation for the assistant who
goes on with it and sees nothing else of it. Keep: what the user wants, in the user's own words
where they matter; what was decided, found out, done and not yet done; names, numbers, dates,
paths, code and the results of tools, exactly. Be dense. Do not answer the user, do not comment,
and begin with the summary itself."""
ORDER = "Summarise the whole conversation above, as you were instructed."


class Asking(Protocol):
    """One request's way to a model that answers."""

    @property
    def route(self) -> Route:
        """The one asked last."""
        ...

    @property
    def turn(self) -> Turn:
        """The turn as that route is asked it."""
        ...

    def deltas(self) -> Deltas:
        """What the first service that answers says."""
        ...


@dataclass(frozen=True, slots=True)
class Summary:
    """What a model made of a conversation, and what that cost."""

    text: str
    usage: Usage


class Draft(Protocol):
    """A turn whose conversation may be changed before anybody is asked."""

    items: list[Item]


type Fold = Callable[[list[Item], list[Item]], Awaitable[tuple[Compaction, Usage]]]
"""Older items, latest items → the item that stands for all of them, and what it cost."""
type Unfold = Callable[[list[Item]], list[Item]]


def check_compactable(items: list[Item]) -> None:
    """Refuse to compact what has not been said.

    Raises:
        InvalidRequest: if there is nothing but rules.
    """
    if all(is_rule(item) for item in items):
        raise InvalidRequest(
            "There is nothing to compact: send the conversation's items in 'input', or the id of "
            "the response that ends it as 'previous_response_id'.",
            code="invalid_value",
            param="input",
        )


def summarising(request: CreateResponse) -> CreateResponse:
    """The request for a summary; of the client's own, what says who asks, and who pays."""
    return CreateResponse(
        model=request.model,
        instructions=INSTRUCTIONS,
        stream=True,  # a long silence breaks connections
        store=False,
        truncation="auto",
        user=request.user,
        safety_identifier=request.safety_identifier,
        prompt_cache_key=request.prompt_cache_key,
        prompt_cache_retention=request.prompt_cache_retention,
        service_tier=request.service_tier,
    )


def to_summarise(request: CreateResponse, items: list[Item]) -> list[Item]:
    """The conversation, with what its assistant was told before it and the order behind it."""
    told = user_message(f"The assistant's instructions were:\n\n{request.instructions}")
    return [*([told] if request.instructions else []), *items, user_message(ORDER)]


async def summary(assembler: ResponseAssembler, attempts: Asking) -> Summary:
    """What the model says of what it was given to summarise.

    Raises:
        GatewayError: if nobody answers, or nothing is said.
    """
    await collect(respond(assembler, attempts.deltas()))
    if assembler.failure is not None:
        raise assembler.failure
    text = assembler.response.output_text.strip()
    if not text:
        raise Unavailable("The model gave no summary of the conversation; ask again.")
    return Summary(text, assembler.response.usage or Usage())


@dataclass(frozen=True, slots=True)
class Compacting:
    """Attempts at a turn whose conversation is compacted first, if it is longer than that."""

    attempts: Asking
    draft: Draft
    fold: Fold
    unfold: Unfold
    threshold_tokens: int
    is_only: bool = False  # whether nothing else is wanted

    @property
    def route(self) -> Route:
        """The one asked last."""
        return self.attempts.route

    @property
    def turn(self) -> Turn:
        """The turn as the present route is asked it."""
        return self.attempts.turn

    async def deltas(self) -> Deltas:
        """The compaction item, if there is need of one, and what the model says then.

        Raises:
            GatewayError: as for the turn itself.
        """
        rules, older, tail = self._parts()
        usage = Usage()
        is_worth_it = any(not is_summary(item) for item in older)
        if is_worth_it and await self._is_too_long():
            item, usage = await self.fold(older, tail)
            self.draft.items = self.unfold([*rules, item])
            yield [Started(), *_told(item)]
        if self.is_only:
            yield [Started(), Finished("stop", usage)]
            return
        async with aclosing(self.attempts.deltas()) as batches:
            async for batch in batches:
                yield _costing(batch, usage)

    def _parts(self) -> tuple[list[Item], list[Item], list[Item]]:
        items = self.draft.items
        if not self.is_only:
            return parted(items)
        return [*filter(is_rule, items)], [item for item in items if not is_rule(item)], []

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
        return [*batch[:-1], replace(last, usage=added(last.usage, usage))]
    return batch


def added(one: Usage, other: Usage) -> Usage:
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
