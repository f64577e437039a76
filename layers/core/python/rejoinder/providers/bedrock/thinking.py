"""How the model is asked to think, or not to: an effort in the words of each family.

What these are is in `models`; the sources stand there.
"""

from dataclasses import dataclass, field

from rejoinder.errors import InvalidRequest
from rejoinder.providers.bedrock.models import ConverseFacts
from rejoinder.schema.items import JSON
from rejoinder.schema.request import CreateResponse

MIN_BUDGET = 1024
ROOM_FOR_TEXT = 1024
STEPS = ("minimal", "low", "medium", "high", "xhigh", "max")
# Of the model's longest answer, thinking included; the shares are those of vercel/ai.
SHARES = {"minimal": 0.02, "low": 0.1, "medium": 0.3, "high": 0.6, "xhigh": 0.9, "max": 0.9}


@dataclass(frozen=True, slots=True)
class Thinking:
    """What is to be said of it, and what it rules out."""

    fields: dict[str, JSON] = field(default_factory=dict)  # of additionalModelRequestFields
    is_on: bool = False  # sampling is not the user's to choose, and force is refused
    max_tokens: int | None = None
    is_unlimited: bool = False  # no limit and no sampling may be said at all


def thinking_of(request: CreateResponse, facts: ConverseFacts, *, may_think: bool) -> Thinking:
    """What the wanted effort comes to; `may_think`: nothing else in the request forbids it."""
    if facts.thinking == "adaptive":
        return _adaptive(request, facts, may_think=may_think)
    effort, limit = request.reasoning.effort, request.max_output_tokens
    if effort is None or effort == "none":
        silenced = effort == "none" and facts.thinking == "nested"
        return _plain(limit, {"reasoning": {"effort": "none"}} if silenced else None)
    return _with_effort(effort, limit, facts, may_think=may_think)


def _with_effort(
    effort: str, limit: int | None, facts: ConverseFacts, *, may_think: bool
) -> Thinking:
    match facts.thinking:
        case "budget" if may_think and (limit is None or limit > MIN_BUDGET):
            return _budget(effort, limit, facts)
        case "nova" if may_think:
            return _nova(_nearest(effort, facts), limit)
        case "flat":
            return _plain(limit, {"reasoning_effort": _nearest(effort, facts)})
        case "nested":
            return _plain(limit, {"reasoning": {"effort": _nearest(effort, facts)}})
        case _:
            return _plain(limit)


def sampling_of(request: CreateResponse, facts: ConverseFacts, thinking: Thinking) -> JSON:
    """`temperature` and `topP` as far as the model lets us choose; both end at 1 here.

    Raises:
        InvalidRequest: if the model lets nobody choose, and a choice was made.
    """
    wanted = {"temperature": request.temperature, "topP": request.top_p}
    chosen = {name: min(float(value), 1.0) for name, value in wanted.items() if value is not None}
    if facts.sampling == "none":
        _refuse_sampling(request)
        return {}
    if thinking.is_on or thinking.is_unlimited:
        return {}
    if facts.sampling == "one" and len(chosen) == 2:
        name = "topP" if chosen["temperature"] == 1 else "temperature"
        return {name: chosen[name]}
    return chosen


def _refuse_sampling(request: CreateResponse) -> None:
    for name, value in (("temperature", request.temperature), ("top_p", request.top_p)):
        if value is not None and value != 1:
            raise InvalidRequest(
                f"This model does not take '{name}'; leave it out.",
                code="unsupported_value",
                param=name,
            )


def _plain(limit: int | None, fields: dict[str, JSON] | None = None) -> Thinking:
    return Thinking(fields or {}, max_tokens=limit)


def _budget(effort: str, limit: int | None, facts: ConverseFacts) -> Thinking:
    """The limit must be said then, and must be greater than the budget."""
    most = min(limit or facts.max_output_tokens, facts.max_output_tokens)
    budget = min(int(SHARES[effort] * facts.max_output_tokens), most - ROOM_FOR_TEXT)
    said = {"thinking": {"type": "enabled", "budget_tokens": max(MIN_BUDGET, budget)}}
    return Thinking(said, is_on=True, max_tokens=most)


def _adaptive(request: CreateResponse, facts: ConverseFacts, *, may_think: bool) -> Thinking:
    effort, limit = request.reasoning.effort, request.max_output_tokens
    wants_none = effort == "none" or not may_think
    if wants_none and not facts.always_thinks:
        off = {"thinking": {"type": "disabled"}} if facts.thinks_unasked else None
        return _plain(limit, off)
    if effort is None and not facts.thinks_unasked:
        return _plain(limit)  # it thinks only when asked
    kind: dict[str, JSON] = {"type": "adaptive"}
    if facts.hides_thinking and request.reasoning.summary:
        kind["display"] = "summarized"
    said: dict[str, JSON] = {"thinking": kind}
    if effort is not None or wants_none:
        step = "low" if wants_none else _nearest(str(effort), facts)
        said["output_config"] = {"effort": step}
    return Thinking(said, is_on=True, max_tokens=limit)


def _nova(step: str, limit: int | None) -> Thinking:
    """At its highest effort Nova refuses limits and sampling."""
    said = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": step}}
    is_unlimited = step == "high"
    return Thinking(said, max_tokens=None if is_unlimited else limit, is_unlimited=is_unlimited)


def _nearest(effort: str, facts: ConverseFacts) -> str:
    """The step itself, else the highest below it, else the lowest."""
    wanted = STEPS.index(effort)
    below = [step for step in facts.efforts if STEPS.index(step) <= wanted]
    return below[-1] if below else facts.efforts[0]
