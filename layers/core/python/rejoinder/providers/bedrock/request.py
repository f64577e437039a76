"""A turn → the body of a Converse request (contract §9.3)."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.json import encode

from rejoinder.providers.anthropic.schemas import stripped
from rejoinder.providers.base import Turn
from rejoinder.providers.bedrock.media import Media
from rejoinder.providers.bedrock.messages import Dialogue
from rejoinder.providers.bedrock.models import ConverseFacts, facts_of, family
from rejoinder.providers.bedrock.thinking import Thinking, sampling_of, thinking_of
from rejoinder.providers.bedrock.tools import (
    Offer,
    has_native_form,
    offered,
    tool_config,
    without_force,
)
from rejoinder.schema.items import JSON
from rejoinder.schema.request import CreateResponse

JSON_HINT = "Answer with a single JSON object and nothing else."
CACHE_POINT: JSON = {"cachePoint": {"type": "default"}}
CACHED_TURNS = 2  # the last two of the user, so that each request finds what the one before wrote
SERVICE_TIERS: Mapping[str, str] = {"default": "default", "flex": "flex", "priority": "priority"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and how to read its reply."""

    body: dict[str, JSON]
    offer: Offer


def converse_request(turn: Turn) -> Asked:
    """The whole body.

    Raises:
        InvalidRequest: if the conversation holds what this dialect or this model cannot carry.
    """
    model = turn.facts.base_model or turn.model
    facts, whose = facts_of(model), family(model)
    dialogue = Dialogue(
        turn.items,
        _thoughts(turn, facts, whose),
        Media(),
        has_short_ids=facts.has_short_call_ids,
    )
    offer = offered(turn, facts, whose, dialogue.called)
    thinking, offer = _thinking(turn.request, facts, offer, dialogue)
    body: dict[str, JSON] = {"messages": dialogue.turns}
    if system := _system(turn.request, facts, dialogue, offer):
        body["system"] = system
    if (config := tool_config(offer, facts)) is not None:
        body["toolConfig"] = config
    if limits := _inference(turn.request, facts, thinking):
        body["inferenceConfig"] = limits
    if fields := _fields(turn.request, facts, thinking, offer):
        body["additionalModelRequestFields"] = fields
    if (text_format := _text_format(turn.request, facts)) is not None:
        body["outputConfig"] = {"textFormat": text_format}
    if (tier := SERVICE_TIERS.get(turn.request.service_tier or "")) is not None:
        body["serviceTier"] = {"type": tier}
    if facts.caches:
        _mark_turns(dialogue.turns)
    return Asked(body, offer)


def _thoughts(turn: Turn, facts: ConverseFacts, whose: str) -> dict[str, JSON]:
    """The thinking to send back: what this family said, and takes."""
    if facts.replays == "none":
        return {}
    return {
        item_id: secret["block"]
        for item_id, secret in turn.signed.items()
        if isinstance(secret, dict) and secret.get("family") == whose
    }


def _thinking(
    request: CreateResponse, facts: ConverseFacts, offer: Offer, dialogue: Dialogue
) -> tuple[Thinking, Offer]:
    """Claude does not think when it is forced to call, nor on results of unthought calls."""
    is_claude = facts.thinking in ("budget", "adaptive")
    needs_thought = facts.thinking == "budget" and dialogue.awaits_unthought
    may_think = not (is_claude and offer.force is not None) and not needs_thought
    thinking = thinking_of(request, facts, may_think=may_think)
    if thinking.is_on and offer.force is not None:
        return thinking, without_force(offer)
    return thinking, offer


def _system(
    request: CreateResponse, facts: ConverseFacts, dialogue: Dialogue, offer: Offer
) -> list[JSON]:
    """What changes from turn to turn stands behind the cache point."""
    texts = [request.instructions or "", *dialogue.system]
    blocks: list[JSON] = [{"text": text} for text in texts if text.strip()]
    if blocks and facts.caches:
        blocks.append(CACHE_POINT)
    hints = [offer.hint]
    if request.text["format"]["type"] == "json_object":
        hints.append(JSON_HINT)
    return [*blocks, *({"text": hint} for hint in hints if hint)]


def _inference(request: CreateResponse, facts: ConverseFacts, thinking: Thinking) -> JSON:
    limits = {} if thinking.max_tokens is None else {"maxTokens": thinking.max_tokens}
    return limits | sampling_of(request, facts, thinking)


def _fields(
    request: CreateResponse, facts: ConverseFacts, thinking: Thinking, offer: Offer
) -> dict[str, JSON]:
    if request.parallel_tool_calls or not facts.has_parallel_switch or not offer.tools:
        return thinking.fields
    kind: dict[str, JSON] = {"type": offer.force or "auto", "disable_parallel_tool_use": True}
    if offer.force == "tool":
        kind["name"] = offer.named
    return {**thinking.fields, "tool_choice": kind}


def _text_format(request: CreateResponse, facts: ConverseFacts) -> JSON:
    wanted = request.text["format"]
    if not has_native_form(wanted, facts):
        return None
    definition = {"schema": encode(stripped(wanted["schema"])).decode(), "name": wanted["name"]}
    if wanted["description"]:
        definition["description"] = wanted["description"]
    return {"type": "json_schema", "structure": {"jsonSchema": definition}}


def _mark_turns(turns: list[JSON]) -> None:
    """Four points are allowed in all: behind the tools, the system and these."""
    of_user = [turn for turn in turns if turn["role"] == "user"]
    for turn in of_user[-CACHED_TURNS:]:
        turn["content"].append(CACHE_POINT)
