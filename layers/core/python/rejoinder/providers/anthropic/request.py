"""A turn → the body of a Messages request (contract §9.2)."""

import re
from dataclasses import dataclass
from hashlib import sha256

from rejoinder.providers.anthropic.caching import mark
from rejoinder.providers.anthropic.messages import Dialogue
from rejoinder.providers.anthropic.offer import Offer, offer_of
from rejoinder.providers.anthropic.parts import text_blocks
from rejoinder.providers.anthropic.stream import Reading
from rejoinder.providers.anthropic.thinking import is_on, thinking_of
from rejoinder.providers.base import Turn
from rejoinder.schema.items import JSON

# Beyond this a reply in one piece may take ten minutes, in which connections die of silence: the
# official SDK refuses to ask for it (`_calculate_nonstreaming_timeout`), we read a stream.
MAX_UNSTREAMED_TOKENS = 21_333
OPAQUE_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is sent, and how the reply is to be read."""

    body: dict[str, JSON]
    reading: Reading


def messages_request(turn: Turn) -> Asked:
    """The whole request.

    Raises:
        InvalidRequest: if the conversation holds what this dialect cannot carry.
    """
    max_tokens = turn.request.max_output_tokens or turn.facts.max_output_tokens
    dialogue = Dialogue(turn.items, signed_for(turn))
    offer = offer_of(turn, dialogue)
    thinking = thinking_of(
        turn,
        max_tokens,
        is_forced=offer.is_forced,
        awaits_unthought=dialogue.awaits_unthought,
    )
    if turn.facts.binds_thinking and not is_on(thinking):
        dialogue = Dialogue(turn.items, {})  # it would be checked, and nobody could drop it
    dialogue.finish(takes_prefill=turn.facts.takes_prefill and not is_on(thinking))
    body = _joined(
        {
            "model": turn.model,
            "max_tokens": max_tokens,
            "stream": turn.is_streamed or max_tokens > MAX_UNSTREAMED_TOKENS,
        },
        offer.body,
        thinking,
        _knobs(turn, is_thinking=is_on(thinking)),
    )
    body["system"] = [*_instructions(turn), *dialogue.system, *offer.hint]
    body["messages"] = dialogue.turns
    mark(body, lasts_long=turn.request.prompt_cache_retention == "24h")
    _order(dialogue, offer)
    return Asked({key: value for key, value in body.items() if value != []}, _reading(turn, offer))


def signed_for(turn: Turn) -> dict[str, JSON]:
    """The thinking that this model can read: what is bound to another model is none of its."""
    return {
        item_id: block["block"] if "bound_to" in block else block
        for item_id, block in turn.signed.items()
        if block.get("bound_to", turn.model) == turn.model
    }


def _reading(turn: Turn, offer: Offer) -> Reading:
    return Reading(
        answer_tool=offer.answer_tool,
        shows_thinking=turn.request.reasoning.summary is not None,
        bound_to=turn.model if turn.facts.binds_thinking else None,
    )


def _instructions(turn: Turn) -> list[JSON]:
    return text_blocks(turn.request.instructions or "")


def _order(dialogue: Dialogue, offer: Offer) -> None:
    """An order that can only be given in words stands last, behind all that is cached."""
    if offer.order:
        dialogue.turns[-1]["content"] += text_blocks(offer.order)


def _knobs(turn: Turn, *, is_thinking: bool) -> dict[str, JSON]:
    request, drops = turn.request, turn.facts.drops
    knobs: dict[str, JSON] = {}
    if request.temperature is not None and "temperature" not in drops and not is_thinking:
        knobs["temperature"] = min(request.temperature, 1)
    elif request.top_p is not None and "top_p" not in drops and not is_thinking:
        knobs["top_p"] = request.top_p  # newer models take one of the two only
    if user := request.safety_identifier or request.user:
        # People write e-mail addresses here, which the vendor refuses.
        is_opaque = OPAQUE_ID.fullmatch(user)
        user_id = user if is_opaque else sha256(user.encode()).hexdigest()
        knobs["metadata"] = {"user_id": user_id}
    if request.service_tier == "default":
        knobs["service_tier"] = "standard_only"
    return knobs


def _joined(*parts: dict[str, JSON]) -> dict[str, JSON]:
    """Of two objects of one name, both."""
    body: dict[str, JSON] = {}
    for part in parts:
        for key, value in part.items():
            both = key in body and isinstance(value, dict)
            body[key] = body[key] | value if both else value
    return body
