"""What is known of Claude models: pattern of names → facts; a later row overrides an earlier.

Sources, as of November 2026: the model pages and "Thinking", "Effort", "Structured outputs" and
"Prefix checks on thinking blocks" of platform.claude.com/docs; `types/` of the official SDK
2.12 (which kinds of thinking there are); the capability table of vercel/ai 7.0 (limits, who
refuses sampling and forced tools); the errors page (who takes no prefill).
"""

from collections.abc import Mapping

from rejoinder.providers.base import ModelFacts
from rejoinder.schema.items import JSON

SAMPLING = frozenset({"temperature", "top_p"})
EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})

# A model of somebody else's behind the same API: nothing is taken for granted.
UNKNOWN = ModelFacts()

_OLD: Mapping[str, JSON] = {
    "max_output_tokens": 4096,
    "thinking": "none",
    "thinking_off": "unsaid",
    "efforts": frozenset(),
    "enforces_schemas": "none",
    "may_be_forced": True,
    "takes_prefill": True,
    "drops": frozenset(),
}
_BUDGETED = {**_OLD, "thinking": "budget", "max_output_tokens": 64_000}
_ENFORCING = {**_BUDGETED, "enforces_schemas": "plain"}
_ADAPTIVE = {
    **_ENFORCING,
    "max_output_tokens": 128_000,
    "thinking": "adaptive",
    "efforts": EFFORTS,
    "takes_prefill": False,
}
_UNSAMPLED = {**_ADAPTIVE, "drops": SAMPLING}
_THINKING = {**_UNSAMPLED, "thinking_off": "disabled"}
_BOUND = {**_THINKING, "may_be_forced": False, "binds_thinking": True}
_ALWAYS_THINKING = {**_UNSAMPLED, "thinking_off": "never"}
_ALWAYS_BOUND = {**_BOUND, "thinking_off": "never"}

CLAUDE: Mapping[str, Mapping[str, JSON]] = {
    "*claude*": {**_UNSAMPLED, "may_be_forced": False},  # one that came out after this table
    "*claude-2*": _OLD,
    "*claude-3*": _OLD,
    "*claude-3-5-*": {**_OLD, "max_output_tokens": 8192},
    "*claude-3-7-*": _BUDGETED,
    "*claude-sonnet-4*": _BUDGETED,
    "*claude-4-sonnet*": _BUDGETED,
    "*claude-opus-4*": {**_BUDGETED, "max_output_tokens": 32_000},
    "*claude-4-opus*": {**_BUDGETED, "max_output_tokens": 32_000},
    "*claude-opus-4-1*": {**_ENFORCING, "max_output_tokens": 32_000},
    "*claude-opus-4-5*": _ENFORCING,
    "*claude-sonnet-4-5*": _ENFORCING,
    "*claude-haiku-4-5*": _ENFORCING,
    "*claude-opus-4-6*": {**_ADAPTIVE, "efforts": EFFORTS - {"xhigh"}},
    "*claude-sonnet-4-6*": {**_ADAPTIVE, "efforts": EFFORTS - {"xhigh"}},
    "*claude-opus-4-7*": _UNSAMPLED,
    "*claude-opus-4-8*": _UNSAMPLED,
    "*claude-sonnet-5*": _THINKING,
    "*claude-opus-5*": _THINKING,
    "*claude-haiku-5*": _BOUND,
    "*claude-fable-5*": _ALWAYS_THINKING,
    "*claude-mythos-*": _ALWAYS_THINKING,
    "*claude-fable-5-[1-9]*": _ALWAYS_BOUND,
    "*claude-mythos-5-[1-9]*": _ALWAYS_BOUND,
    "*claude-opus-5-5*": _ALWAYS_BOUND,
    "*claude-sonnet-5-5*": {**_BOUND, "thinking_off": "between_tools"},
}
