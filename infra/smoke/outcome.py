"""What a check finds."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a fact compares with what docs/deploy.md says."""

    EXPECTED = "✓"
    DIFFERS = "≠"  # works, but not as expected
    BROKEN = "✗"
    ABSENT = "·"  # there is no such thing here, such as an API Gateway


@dataclass(frozen=True, slots=True)
class Outcome:
    """A fact and what it means. It is made to be published: no key and no address is in it."""

    mark: Mark
    fact: str


class Broken(Exception):
    """The endpoint does what it must not; the message is the fact."""


def expected(fact: str) -> Outcome:
    """It is as it was believed to be."""
    return Outcome(Mark.EXPECTED, fact)


def differs(fact: str) -> Outcome:
    """It is different, and nothing is broken by that."""
    return Outcome(Mark.DIFFERS, fact)


def absent(fact: str) -> Outcome:
    """It cannot be seen at this endpoint."""
    return Outcome(Mark.ABSENT, fact)


def judged(fact: str, *, is_expected: bool) -> Outcome:
    """One of the two."""
    return Outcome(Mark.EXPECTED if is_expected else Mark.DIFFERS, fact)


def require(is_so: bool, fact: str) -> None:
    """Go on only if it is so.

    Raises:
        Broken: with the fact, if it is not.
    """
    if not is_so:
        raise Broken(fact)
