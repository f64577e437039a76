"""What the scripted vendor's models take and refuse: rows by pattern, the first that matches.

From the vendor's own pages ("Thinking", "Effort", "Structured outputs", "Migrating to…", "Prefix
checks on thinking blocks") as of November 2026; a Claude of no row is a model that came later,
any other name one of the 4.5 line.
"""

import re
from dataclasses import dataclass

ALL_EFFORTS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Kind:
    """A line of models."""

    max_tokens: int = 64_000
    thinking: tuple[str, ...] = ("enabled", "disabled")
    thinks_unasked: bool = False
    efforts: tuple[str, ...] = ()
    formats: bool = True
    sampling: bool = True
    forced: bool = True
    prefill: bool = True
    bound: bool = False
    """Its thinking is void after a change of what stood before it."""


ADAPTIVE = ("adaptive", "disabled")
KINDS = (
    (r"claude-3-7", Kind(formats=False)),
    (r"claude-3", Kind(4096, thinking=("disabled",), formats=False)),
    (r"claude-opus-4-1", Kind(32_000)),
    (r"claude-opus-4-2", Kind(32_000, formats=False)),
    (r"claude-sonnet-4-2", Kind(formats=False)),
    (
        r"claude-(opus|sonnet)-4-6",
        Kind(
            128_000,
            ("enabled", *ADAPTIVE),
            efforts=("low", "medium", "high", "max"),
            prefill=False,
        ),
    ),
    (
        r"claude-opus-4-[78]",
        Kind(128_000, ADAPTIVE, efforts=ALL_EFFORTS, sampling=False, prefill=False),
    ),
    (
        r"claude-opus-5-5|claude-fable-5-1",
        Kind(
            128_000, ("adaptive",), True, ALL_EFFORTS, True, False, False, prefill=False, bound=True
        ),
    ),
    (
        r"claude-sonnet-5-5",
        Kind(
            128_000,
            ("adaptive", "between_tools"),
            True,
            ALL_EFFORTS,
            True,
            False,
            False,
            prefill=False,
            bound=True,
        ),
    ),
    (
        r"claude-(opus|sonnet)-5",
        Kind(128_000, ADAPTIVE, True, ALL_EFFORTS, True, False, True, prefill=False),
    ),
    (r"claude-[a-z]+-4-5", Kind()),
    (r"claude-", Kind(128_000, ADAPTIVE, True, ALL_EFFORTS, True, False, False, prefill=False)),
)


def kind_of(model: str) -> Kind:
    """The line that a model belongs to."""
    return next((kind for pattern, kind in KINDS if re.match(pattern, model)), Kind())
