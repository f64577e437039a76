"""What a wire cannot carry, or carries otherwise: data with its reason, so that nothing is skipped.

Keyed by dialect and by the name of a case: a row of `clients/rows.py`, a behaviour of
`contract/test_every_dialect.py`, a failure of `clients/test_errors.py`.
"""

from collections.abc import Collection, Mapping

DIALECTS = ("chat", "generic chat", "openai", "anthropic", "bedrock")
ALIKE = {"nova": "bedrock"}  # models that speak a dialect of that table, otherwise

ONE_AFTER_THE_OTHER = "blocks come one after the other on this wire"
NO_REFUSAL = "Converse has no refusals: a model says no in plain text"
RELAYED = "OpenAI's own reasoning events are relayed, whatever we were told to make of others'"
OPERATORS = "an empty account is the operator's affair here, told as one that is not let in"
A_BILL = "AWS sends a bill and never says that a purse is empty"
NO_WAIT = "Bedrock sends no Retry-After"
UNCOUNTED = "Converse does not count the tokens of thinking"
NEEDS_AN_END = "a reply that does not say how it ended is not whole on this wire"

OBJECTS_ONLY = "a call goes back as a JSON object, so what is none is refused (contract §9.2)"

ALWAYS_COUNTED = "a reply on this wire is never without its counts"

UNSAYABLE: Mapping[tuple[str, str], str] = {
    ("openai", "interleaved calls"): ONE_AFTER_THE_OTHER,
    ("anthropic", "interleaved calls"): ONE_AFTER_THE_OTHER,
    ("bedrock", "interleaved calls"): ONE_AFTER_THE_OTHER,
    ("bedrock", "refusal"): NO_REFUSAL,
    ("openai", "raw reasoning"): RELAYED,
    ("anthropic", "no quota"): OPERATORS,
    ("bedrock", "no quota"): A_BILL,
    ("bedrock", "wait"): NO_WAIT,
    ("bedrock", "reasoning tokens"): UNCOUNTED,
    ("openai", "usage missing"): ALWAYS_COUNTED,
    ("anthropic", "usage missing"): ALWAYS_COUNTED,
    ("anthropic", "broken call"): OBJECTS_ONLY,
    ("bedrock", "broken call"): OBJECTS_ONLY,
    ("openai", "no end"): NEEDS_AN_END,
    ("anthropic", "no end"): NEEDS_AN_END,
    ("bedrock", "no end"): NEEDS_AN_END,
}


def sayable(cases: Collection[str], dialects: Collection[str] = DIALECTS) -> list[tuple[str, str]]:
    """Every pair of a dialect and a case that it can bring about."""
    pairs = [(dialect, case) for dialect in dialects for case in cases]
    return [pair for pair in pairs if (ALIKE.get(pair[0], pair[0]), pair[1]) not in UNSAYABLE]


def speakers(case: str) -> list[str]:
    """The dialects that can bring a case about."""
    return [dialect for dialect, _ in sayable([case])]
