"""What a request says in vain: keys that nobody here reads, also those inside its parameters.

Options, tools and the choice among them are looked into. JSON schemas, metadata and the items of
`input` hold their writers' own words: agents send many there, which nobody here need know.
"""

import re
from collections.abc import Mapping, Sequence, Set
from types import MappingProxyType

from rejoinder.schema.items import JSON
from rejoinder.schema.reading import type_of

MAX_IGNORED = 32  # that are named
MAX_NAME = 64  # characters of a key

type Form = Known | OfKind

_INDEX = re.compile(r"\[\d+\]")


class Known:
    """The keys that an object may have, and the forms of what stands at some of them."""

    __slots__ = ("_inside", "_names")

    def __init__(self, *names: str, **inside: Form) -> None:
        self._names = frozenset(names) - inside.keys()
        self._inside = inside

    def unknown_in(self, value: JSON) -> Sequence[str]:
        """The other keys, as they follow the path of the object; of nulls nothing is said."""
        if self._names.issuperset(value):  # as nearly always: an agent has dozens of tools
            return ()
        found: list[str] = []
        for key, each in value.items():
            if key in self._inside:
                found += [f".{key}{rest}" for rest in _unknown(each, self._inside[key])]
            elif key not in self._names and each is not None:
                found.append(f".{_shortened(key)}")
        return found

    def __or__(self, others: Mapping[str, Form]) -> "Known":
        return Known(*self._names, **self._inside, **others)


class OfKind:
    """Objects whose `type` says which keys they may have; those of other types may have any."""

    __slots__ = ("_kinds",)

    def __init__(self, **kinds: Known) -> None:
        self._kinds = kinds

    def unknown_in(self, value: JSON) -> Sequence[str]:
        """The other keys, as they follow the path of the object."""
        known = self._kinds.get(type_of(value) or "")
        return () if known is None else known.unknown_in(value)


def keys_of(kind: type, *others: str, **inside: Form) -> Known:
    """The keys of a TypedDict, and its `type`, which is often looked at before."""
    return Known("type", *kind.__annotations__, *others, **inside)


def ignored(
    given: Mapping[str, JSON], names: Set[str], inside: Mapping[str, Form] = MappingProxyType({})
) -> list[str]:
    """The paths of what was passed over; one key in many members of a list only once."""
    unknown: list[str] = []
    for name, value in given.items():
        if name not in names:
            unknown.append(_shortened(name))
        elif name in inside:
            unknown += [f"{name}{rest}" for rest in _unknown(value, inside[name])]
    if not unknown:
        return unknown
    first: dict[str, str] = {}
    for path in unknown:
        first.setdefault(_INDEX.sub("[]", path), path)
        if len(first) == MAX_IGNORED:
            break
    return [*first.values()]


def _unknown(value: JSON, form: Form) -> Sequence[str]:
    if isinstance(value, dict):
        return form.unknown_in(value)
    if not isinstance(value, list):
        return ()
    return [
        f"[{place}]{rest}"
        for place, each in enumerate(value)
        for rest in (form.unknown_in(each) if isinstance(each, dict) else ())
    ]


def _shortened(key: str) -> str:
    return key if len(key) <= MAX_NAME else f"{key[: MAX_NAME - 1]}…"
