"""How the model is asked to think, or not to. Sources: see `models`."""

from rejoinder.providers.base import Effort, Turn
from rejoinder.schema.items import JSON

MIN_BUDGET = 1024
# Of `max_tokens`, which includes the thinking; the shares are those of vercel/ai.
SHARES = {"minimal": 0.02, "low": 0.1, "medium": 0.3, "high": 0.6, "xhigh": 0.9, "max": 0.9}
KNOWN_EFFORTS: dict[str, Effort] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}


def thinking_of(
    turn: Turn, max_tokens: int, *, is_forced: bool, awaits_unthought: bool
) -> dict[str, JSON]:
    """`thinking` and `output_config.effort`, as far as they are to be said."""
    effort = turn.request.reasoning.effort
    has_room = max_tokens > MIN_BUDGET
    match turn.facts.thinking:
        case "budget" if effort not in (None, "none") and has_room:
            # Only here must the turn that waits for results begin with thinking, and force is
            # refused while thinking ("Thinking in tool and multi-turn workflows").
            return {} if is_forced or awaits_unthought else _budget(str(effort), max_tokens)
        case "adaptive":
            wants_none = effort == "none" or is_forced or not has_room
            return _off(turn) if wants_none else _adaptive(turn, effort)
        case _:
            return {}


def is_on(said: dict[str, JSON]) -> bool:
    """Whether the model may think at length, so that sampling is not its user's to choose."""
    return said.get("thinking", {}).get("type") in ("enabled", "adaptive")


def _budget(effort: str, max_tokens: int) -> dict[str, JSON]:
    budget = max(MIN_BUDGET, int(SHARES[effort] * max_tokens))
    return {"thinking": {"type": "enabled", "budget_tokens": min(budget, max_tokens - 1)}}


def _adaptive(turn: Turn, effort: str | None) -> dict[str, JSON]:
    facts = turn.facts
    if effort is None and facts.thinking_off == "unsaid":
        return {}  # it thinks only when asked
    said: dict[str, JSON] = {"thinking": _shown(turn)}
    if effort is not None:
        said["output_config"] = {"effort": _nearest(effort, facts.efforts)}
    return said


def _off(turn: Turn) -> dict[str, JSON]:
    match turn.facts.thinking_off:
        case "unsaid":
            return {}
        case "never":
            return {"thinking": _shown(turn), "output_config": {"effort": "low"}}
        case kind:
            return {"thinking": {"type": kind}}


def _shown(turn: Turn) -> dict[str, JSON]:
    """With the summary if it is asked for; thinking that lost its place is dropped, no error."""
    display = "summarized" if turn.request.reasoning.summary else "omitted"
    said: dict[str, JSON] = {"type": "adaptive", "display": display}
    if turn.facts.binds_thinking:
        said["block_binding"] = {"prefix_mismatch_behavior": "drop_block"}
    return said


def _nearest(effort: str, known: frozenset[Effort]) -> Effort:
    wanted = KNOWN_EFFORTS[effort]
    if wanted == "xhigh" not in known:
        wanted = "max"
    return "high" if wanted == "max" not in known else wanted
