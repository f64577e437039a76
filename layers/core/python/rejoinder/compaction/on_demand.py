"""Compaction that a client orders: POST /v1/responses/compact (contract §7)."""

from time import time

from rejoinder.compaction.before_turn import CompactingAttempts
from rejoinder.compaction.sealed import Digest, Seal, VendorDigest
from rejoinder.compaction.summarising import Summarise
from rejoinder.errors import InvalidRequest
from rejoinder.providers.attempts import Attempts
from rejoinder.providers.base import Compactor
from rejoinder.providers.deferred import loaded
from rejoinder.schema.ids import new_id
from rejoinder.schema.items import Item, is_rule
from rejoinder.schema.response import CompactedResponse, Usage


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


async def compacted(
    items: list[Item],
    attempts: Attempts | CompactingAttempts,
    summarise: Summarise,
    seal: Seal,
) -> CompactedResponse:
    """The window that takes the conversation's place: rules, what users said, and the digest.

    Raises:
        GatewayError: if there is nothing to compact, or the model cannot be asked.
    """
    check_compactable(items)
    digest, usage = await _by_vendor(attempts) or await _by_summary(items, summarise)
    said = [item for item in items if is_rule(item) or _is_users(item)]
    return CompactedResponse(
        id=new_id("resp"), created_at=int(time()), output=[*said, seal(digest)], usage=usage
    )


async def _by_vendor(attempts: Attempts | CompactingAttempts) -> tuple[VendorDigest, Usage] | None:
    """By the service of the model's maker, if it does that."""
    route = attempts.route
    compactor = loaded(route.provider)
    if not isinstance(compactor, Compactor):
        return None
    made = await compactor.compact(attempts.turn)
    return None if made is None else (VendorDigest(route.dialect, made.content), made.usage)


async def _by_summary(items: list[Item], summarise: Summarise) -> tuple[Digest, Usage]:
    summary = await summarise(items)
    return Digest(summary.model, summary.text), summary.usage


def _is_users(item: Item) -> bool:
    return item["type"] == "message" and item["role"] == "user"
