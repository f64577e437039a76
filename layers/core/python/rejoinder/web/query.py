"""The query strings of the API, read strictly."""

from dataclasses import dataclass
from typing import Literal

from starlette.datastructures import QueryParams

from rejoinder.errors import InvalidRequest
from rejoinder.schema.items import JSON

MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted (contract §5.5)."""

    limit: int
    order: Literal["asc", "desc"]
    after: str | None
    before: str | None

    def of(self, items: list[JSON]) -> JSON:
        """The page of `items`, which are oldest first, as the list that clients get.

        Raises:
            InvalidRequest: if `after` or `before` names no item of the list.
        """
        data, has_more = self._cut(items)
        return {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
            "has_more": has_more,
        }

    def _cut(self, items: list[JSON]) -> tuple[list[JSON], bool]:
        ordered = items if self.order == "asc" else items[::-1]
        if self.after is not None:
            ordered = ordered[_place(ordered, "after", self.after) + 1 :]
        if self.before is not None:
            ordered = ordered[: _place(ordered, "before", self.before)]
        return ordered[: self.limit], len(ordered) > self.limit


def page_of(query: QueryParams) -> Page:
    """The page that a query asks for: 20 items, newest first, unless it says otherwise.

    Raises:
        InvalidRequest: naming the parameter.
    """
    limit = integer(query, "limit", at_least=1, at_most=MAX_LIMIT)
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise InvalidRequest(
            f"'order' must be 'asc' or 'desc'; got {order[:60]!r}.",
            code="invalid_value",
            param="order",
        )
    return Page(
        20 if limit is None else limit,
        "asc" if order == "asc" else "desc",
        query.get("after"),
        query.get("before"),
    )


def included(query: QueryParams) -> list[str]:
    """What `include` asks for, in either way of writing a list."""
    return [*query.getlist("include"), *query.getlist("include[]")]


def integer(
    query: QueryParams, name: str, *, at_least: int, at_most: int | None = None
) -> int | None:
    """A whole number, or None if it is not there.

    Raises:
        InvalidRequest: if it is no number, or out of range.
    """
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.removeprefix("-").isdecimal()) or len(text) > 18:
        raise InvalidRequest(
            f"'{name}' must be a whole number; got {text[:60]!r}.", code="invalid_type", param=name
        )
    number = int(text)
    if number < at_least:
        raise InvalidRequest(
            f"'{name}' must be at least {at_least}; got {number}.",
            code="integer_below_min_value",
            param=name,
        )
    if at_most is not None and number > at_most:
        raise InvalidRequest(
            f"'{name}' must be at most {at_most}; got {number}.",
            code="integer_above_max_value",
            param=name,
        )
    return number


def boolean(query: QueryParams, name: str) -> bool | None:
    """`true` or `false`, or None if it is not there.

    Raises:
        InvalidRequest: if it is anything else.
    """
    text = query.get(name)
    if text is None:
        return None
    if text.lower() not in ("true", "false"):
        raise InvalidRequest(
            f"'{name}' must be 'true' or 'false'; got {text[:60]!r}.",
            code="invalid_type",
            param=name,
        )
    return text.lower() == "true"


def _place(items: list[JSON], name: str, item_id: str) -> int:
    for place, item in enumerate(items):
        if item["id"] == item_id:
            return place
    raise InvalidRequest(
        f"'{name}' must be the id of an item in this list; got {item_id[:60]!r}.",
        code="invalid_value",
        param=name,
    )
