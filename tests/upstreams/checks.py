"""Checks of a request's JSON, worded and coded as OpenAI's API words and codes its refusals.

A check takes a value and the place where it stands, and raises `Refusal` or returns nothing.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

type JSON = Any
type Check = Callable[[JSON, At], None]


class Refusal(Exception):
    """An HTTP error, and the error object of its body."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.message, self.param, self.code = message, param, code
        self.status, self.kind = status, kind

    def body(self) -> JSON:
        """The body as OpenAI writes it: always these four keys."""
        told = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": told}


@dataclass(frozen=True, slots=True)
class At:
    """Where a value stands in the request, and whether the server there minds unknown fields."""

    path: str = ""
    lenient: bool = False

    def key(self, name: str) -> Self:
        """The place of a field."""
        return replace(self, path=f"{self.path}.{name}" if self.path else name)

    def item(self, index: int) -> Self:
        """The place of an array's item."""
        return replace(self, path=f"{self.path}[{index}]")

    def __str__(self) -> str:
        return self.path


def kind_of(value: JSON) -> str:
    """A value's JSON type with its article, as in "but got an integer instead"."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal"
        case _:
            return "a string" if isinstance(value, str) else _kind_of_many(value)


def _kind_of_many(value: JSON) -> str:
    return "an array" if isinstance(value, list) else "an object"


def wrong_type(at: At, expected: str, value: JSON) -> Refusal:
    """The refusal of a value of another type."""
    message = f"Invalid type for '{at}': expected {expected}, but got {kind_of(value)} instead."
    return Refusal(message, param=str(at), code="invalid_type")


def wrong_value(at: At, value: JSON, supported: Collection[str]) -> Refusal:
    """The refusal of a value that is none of the supported ones."""
    quoted = [f"'{each}'" for each in supported]
    last = f" and {quoted[-1]}" if len(quoted) == 2 else f", and {quoted[-1]}"
    listed = ", ".join(quoted[:-1]) + last if len(quoted) > 1 else quoted[0]
    message = f"Invalid value: '{value}'. Supported values are: {listed}."
    return Refusal(message, param=str(at), code="invalid_value")


def missing(at: At) -> Refusal:
    """The refusal of a request that lacks this field."""
    message = f"Missing required parameter: '{at}'."
    return Refusal(message, param=str(at), code="missing_required_parameter")


def unknown(at: At) -> Refusal:
    """The refusal of a field that the API does not have here."""
    return Refusal(f"Unknown parameter: '{at}'.", param=str(at), code="unknown_parameter")


def out_of(at: At, problem: str, expected: str, got: str, *, code: str) -> Refusal:
    """The refusal of a value outside of its limits."""
    message = f"Invalid '{at}': {problem}. Expected {expected}, but got {got} instead."
    return Refusal(message, param=str(at), code=code)


def anything(value: JSON, at: At) -> None:
    """Accept whatever stands there."""


def boolean(value: JSON, at: At) -> None:
    """Refuse all but true and false."""
    if not isinstance(value, bool):
        raise wrong_type(at, "a boolean", value)


def mapping(value: JSON, at: At) -> None:
    """Refuse all but an object; what is in it does not matter."""
    if not isinstance(value, dict):
        raise wrong_type(at, "an object", value)


def string(*, longest: int | None = None, pattern: str | None = None, empty: bool = True) -> Check:
    """A string, perhaps of limited length and alphabet."""

    def check(value: JSON, at: At) -> None:
        if not isinstance(value, str):
            raise wrong_type(at, "a string", value)
        if not value and not empty:
            expected = "a string with minimum length 1"
            raise out_of(at, "empty string", expected, "an empty string", code="empty_string")
        if longest is not None and len(value) > longest:
            expected = f"a string with maximum length {longest}"
            got = f"a string with length {len(value)}"
            raise out_of(at, "string too long", expected, got, code="string_above_max_length")
        if pattern and not re.fullmatch(pattern, value):
            problem = "string does not match pattern. Expected a string that matches the pattern"
            raise Refusal(
                f"Invalid '{at}': {problem} '^{pattern}$'.", param=str(at), code="invalid_value"
            )

    return check


def integer(low: int, high: int) -> Check:
    """A whole number within limits; true is none."""

    def check(value: JSON, at: At) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type(at, "an integer", value)
        _within(value, at, (low, high), "integer")

    return check


def number(low: float, high: float) -> Check:
    """A number within limits."""

    def check(value: JSON, at: At) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise wrong_type(at, "a decimal", value)
        _within(value, at, (low, high), "decimal")

    return check


def _within(value: float, at: At, limits: tuple[float, float], word: str) -> None:
    low, high = limits
    if value < low:
        problem, expected = f"{word} below minimum value", f"a value >= {low:g}"
        raise out_of(at, problem, expected, f"{value:g}", code=f"{word}_below_min_value")
    if value > high:
        problem, expected = f"{word} above maximum value", f"a value <= {high:g}"
        raise out_of(at, problem, expected, f"{value:g}", code=f"{word}_above_max_value")


def one_of(*supported: str) -> Check:
    """One of these strings."""

    def check(value: JSON, at: At) -> None:
        if not isinstance(value, str):
            raise wrong_type(at, f"one of {', '.join(supported)}", value)
        if value not in supported:
            raise wrong_value(at, value, supported)

    return check


def nullable(check: Check) -> Check:
    """Null, or what the check accepts."""

    def or_null(value: JSON, at: At) -> None:
        if value is not None:
            check(value, at)

    return or_null


def array(of: Check, *, shortest: int = 0, longest: int | None = None) -> Check:
    """An array of what the check accepts."""

    def check(value: JSON, at: At) -> None:
        if not isinstance(value, list):
            raise wrong_type(at, "an array", value)
        if len(value) < shortest:
            expected = f"an array with minimum length {shortest}"
            raise out_of(at, "empty array", expected, "an empty array", code="empty_array")
        if longest is not None and len(value) > longest:
            expected = f"an array with maximum length {longest}"
            got = f"an array with length {len(value)}"
            raise out_of(at, "array too long", expected, got, code="array_above_max_length")
        for index, item in enumerate(value):
            of(item, at.item(index))

    return check


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields, and no others unless the place is lenient."""
    known = {**required, **(optional or {})}

    def check(value: JSON, at: At) -> None:
        mapping(value, at)
        for name in required:
            if name not in value:
                raise missing(at.key(name))
        for name, each in value.items():
            if name in known:
                if not (each is None and at.lenient and name not in required):
                    known[name](each, at.key(name))
            elif not at.lenient:
                raise unknown(at.key(name))

    return check


def tagged(variants: Mapping[str, Check], *, tag: str = "type") -> Check:
    """An object whose tag says which of the checks is its own."""

    def check(value: JSON, at: At) -> None:
        mapping(value, at)
        if tag not in value:
            raise missing(at.key(tag))
        one_of(*variants)(value[tag], at.key(tag))
        variants[value[tag]](value, at)

    return check


def map_of(check: Check, *, most: int, longest_key: int) -> Check:
    """An object with names of the caller's own."""

    def check_map(value: JSON, at: At) -> None:
        mapping(value, at)
        if len(value) > most:
            expected, got = f"an object with at most {most} properties", f"{len(value)} properties"
            code = "object_above_max_properties"
            raise out_of(at, "too many properties", expected, f"an object with {got}", code=code)
        for name, each in value.items():
            string(longest=longest_key)(name, at.key(name))
            check(each, at.key(name))

    return check_map
