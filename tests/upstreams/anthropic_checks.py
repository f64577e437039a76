"""Checks of a request's JSON, worded as Anthropic's API words its refusals."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

type JSON = Any
type Check = Callable[[JSON, str], None]


class Refused(Exception):
    """An HTTP error of this vendor."""

    def __init__(
        self, message: str, *, status: int = 400, kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind

    def body(self) -> JSON:
        """The body, as the page "Errors" shows it."""
        error = {"type": self.kind, "message": str(self)}
        return {"type": "error", "error": error, "request_id": "req_011CScripted"}


def refuse_unless(holds: object, message: str) -> None:
    """Refuse the request."""
    if not holds:
        raise Refused(message)


def string(value: JSON, at: str) -> None:
    refuse_unless(isinstance(value, str), f"{at}: Input should be a valid string")


def boolean(value: JSON, at: str) -> None:
    refuse_unless(isinstance(value, bool), f"{at}: Input should be a valid boolean")


def mapping(value: JSON, at: str) -> None:
    refuse_unless(isinstance(value, dict), f"{at}: Input should be a valid dictionary")


def matching(pattern: str) -> Check:
    def check(value: JSON, at: str) -> None:
        string(value, at)
        say = f"{at}: String should match pattern '^{pattern}$'"
        refuse_unless(re.fullmatch(pattern, value), say)

    return check


def one_of(*values: str) -> Check:
    def check(value: JSON, at: str) -> None:
        listed = ", ".join(f"'{each}'" for each in values)
        refuse_unless(value in values, f"{at}: Input should be {listed}")

    return check


def number(low: float, high: float, *, whole: bool = False) -> Check:
    def check(value: JSON, at: str) -> None:
        is_one = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        refuse_unless(is_one, f"{at}: Input should be a valid number")
        refuse_unless(value >= low, f"{at}: Input should be greater than or equal to {low:g}")
        refuse_unless(value <= high, f"{at}: Input should be less than or equal to {high:g}")

    return check


def array(of: Check) -> Check:
    def check(value: JSON, at: str) -> None:
        refuse_unless(isinstance(value, list), f"{at}: Input should be a valid list")
        for index, each in enumerate(value):
            of(each, f"{at}.{index}")

    return check


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields and no others."""
    known = {**required, **(optional or {})}

    def check(value: JSON, at: str) -> None:
        mapping(value, at)
        place = f"{at}." if at else ""
        for name in required:
            refuse_unless(name in value, f"{place}{name}: Field required")
        for name, each in value.items():
            say = f"{place}{name}: Extra inputs are not permitted"
            refuse_unless(name in known, say)
            known[name](each, f"{place}{name}")

    return check


def tagged(variants: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of the checks is its own."""

    def check(value: JSON, at: str) -> None:
        mapping(value, at)
        kind = value.get("type")
        listed = ", ".join(f"'{each}'" for each in variants)
        say = f"{at}: Input tag '{kind}' found using 'type' does not match any of the expected"
        refuse_unless(kind in variants, f"{say} tags: {listed}")
        variants[kind](value, at)

    return check


def without_marks(value: JSON) -> JSON:
    """The same without any `cache_control`, which changes nothing but the caching."""
    if isinstance(value, list):
        return [without_marks(each) for each in value]
    if isinstance(value, dict):
        return {k: without_marks(v) for k, v in value.items() if k != "cache_control"}
    return value


def canonical(value: JSON) -> str:
    """The same text for the same JSON without marks."""
    return json.dumps(without_marks(value), sort_keys=True, ensure_ascii=False)
