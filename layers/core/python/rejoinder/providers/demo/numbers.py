"""A number within the limits of a JSON Schema, as small a one as will do."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor

from rejoinder.schema.items import JSON

MANY = 100  # are tried in each direction
MAX_EXACT = 2**53  # beyond it, numbers with a point have none
PLAIN = {"integer": Fraction(1), "number": Fraction(3, 2)}


def number_of(kind: str, schema: JSON, nth: int) -> int | float:
    """The nth that fits, from 0; the last, if there are fewer; a plain one, if none was found."""
    given = {
        name: Fraction(str(schema[name]))
        for name in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")
        if isinstance(schema.get(name), int | float) and not isinstance(schema[name], bool)
    }
    step = given.get("multipleOf", Fraction(1))
    if kind == "integer":
        step = Fraction(step.numerator)  # the smallest of its multiples that is whole
    is_stepped = kind == "integer" or "multipleOf" in given
    step = abs(step) or Fraction(1)
    found = {
        number: None  # in the order of the candidates
        for number in _candidates(PLAIN[kind], given, step)
        if _fits(number, given) and (not is_stepped or number % step == 0)
    }
    chosen = [*found, PLAIN[kind]][min(nth, max(len(found) - 1, 0))]
    is_whole = chosen.denominator == 1 or abs(chosen) > MAX_EXACT
    return int(chosen) if is_whole else float(chosen)


def _candidates(plain: Fraction, given: dict[str, Fraction], step: Fraction) -> Iterator[Fraction]:
    lows = [given[name] for name in ("minimum", "exclusiveMinimum") if name in given]
    highs = [given[name] for name in ("maximum", "exclusiveMaximum") if name in given]
    low, high = max(lows, default=None), min(highs, default=None)
    yield plain
    if low is not None:
        yield from (step * (ceil(low / step) + more) for more in range(MANY))
    if high is not None:
        yield from (step * (floor(high / step) - more) for more in range(MANY))
    if low is not None and high is not None:
        yield (low + high) / 2
    yield from (step * more for more in range(1, MANY))


def _fits(number: Fraction, given: dict[str, Fraction]) -> bool:
    return (
        number >= given.get("minimum", number)
        and number <= given.get("maximum", number)
        and ("exclusiveMinimum" not in given or number > given["exclusiveMinimum"])
        and ("exclusiveMaximum" not in given or number < given["exclusiveMaximum"])
    )
