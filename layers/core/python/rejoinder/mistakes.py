"""What is wrong with a file of TOML, in the words of whoever has to mend it.

msgspec judges, but it stops at the first mistake, leaves names out of its paths and talks of types.
What stands where any text would do is not shown again: it may be a key, in the wrong place.
"""

import json
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, get_args, get_origin

from msgspec import Struct, ValidationError, convert
from msgspec.inspect import (
    BoolType,
    FloatType,
    FrozenSetType,
    IntType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)
from msgspec.structs import fields

type JSON = Any
type Kind = Any  # a type, as annotations write it
type Place = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")  # keys that TOML takes without quotes


class Mistake(NamedTuple):
    """A key, and a sentence about it that begins with its name."""

    place: Place
    said: str


def mistakes_in(told: Mapping[str, JSON], kind: type[Struct]) -> list[Mistake]:
    """All of them, in the order of the file's tables."""
    return _in_table(told, kind, (), kind)


def listed(found: Sequence[str]) -> str:
    """Mistakes as they follow the name of the file: one on its line, more on lines below."""
    if len(found) == 1:
        return f": {found[0]}"
    return "\n  ".join([f" has {len(found)} mistakes:", *found])


def _in_table(
    table: Mapping[str, JSON], kind: type[Struct], place: Place, file: type[Struct]
) -> list[Mistake]:
    """What is wrong with the keys of a table; if nothing is, what its own checks say."""
    known = {field.name: field for field in fields(kind)}
    wrong = [_unknown((*place, key), [*known], file) for key in table if key not in known]
    wrong += [
        Mistake((*place, name), f"{written((*place, name))} is missing.")
        for name, field in known.items()
        if field.required and name not in table
    ]
    for key, value in table.items():
        if key in known:
            wrong += _in_value(value, known[key].type, (*place, key), file)
    return wrong or [*_refusal(table, kind, place)]


def _in_value(value: JSON, kind: Kind, place: Place, file: type[Struct]) -> Iterator[Mistake]:
    container: object = get_origin(kind)
    if isinstance(value, dict) and container is dict:
        kind_of_keys, kind_of_values = get_args(kind)
        for key, each in value.items():
            yield from _misfit(key, kind_of_keys, (*place, key))
            yield from _in_value(each, kind_of_values, (*place, key), file)
    elif isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, Struct):
        yield from _in_table(value, kind, place, file)
    elif isinstance(value, list) and (kind_of_members := _kind_of_members(kind)) is not None:
        for number, each in enumerate(value):
            yield from _in_value(each, kind_of_members, (*place, number), file)
    else:
        yield from _misfit(value, kind, place)


def _kind_of_members(kind: Kind) -> Kind | None:
    """What a list may hold; None if no list is wanted."""
    for each in get_args(kind) if isinstance(kind, types.UnionType) else (kind,):
        if get_origin(each) in (tuple, frozenset):
            return get_args(each)[0]
    return None


def _misfit(value: JSON, kind: Kind, place: Place) -> Iterator[Mistake]:
    try:
        convert(value, kind)
    except ValidationError:
        wanted = type_info(kind)
        got = f"; got {_shown(value)}" if _may_be_shown(wanted) else ""
        yield Mistake(place, f"{written(place)} must be {_described(wanted)}{got}.")


def _refusal(table: Mapping[str, JSON], kind: type[Struct], place: Place) -> Iterator[Mistake]:
    try:
        convert(table, kind)
    except ValidationError as error:
        key, _, say = str(error.__cause__ or error).partition(" ")
        yield Mistake((*place, key), f"{written((*place, key))} {say}.")


def _unknown(place: Place, known: Sequence[str], file: type[Struct]) -> Mistake:
    key = str(place[-1])
    if key in file.__struct_fields__:
        say = "is a setting of the whole file: write it above the first [table]."
    elif near := get_close_matches(key, known, n=1):
        say = f"is no setting; did you mean {near[0]}?"
    else:
        say = f"is no setting; known here are {', '.join(known)}."
    return Mistake(place, f"{written(place)} {say}")


def _described(wanted: Type) -> str:
    match wanted:
        case UnionType(types=types):
            words = " or ".join(_described(each) for each in types if each != NoneType())
        case Metadata(extra_json_schema={"description": str(description)}):
            words = description
        case BoolType():
            words = "true or false"
        case IntType() | FloatType():
            words = _number(wanted)
        case LiteralType(values=values):
            *first, last = map(json.dumps, values)
            words = f"{', '.join(first)} or {last}"
        case StrType(min_length=least):
            words = "text in quotes" + (f", of at least {least} characters" if least else "")
        case VarTupleType(item_type=each) | FrozenSetType(item_type=each):
            words = f"a list of {_described(each)}"
        case _:
            words = "a table"
    return words


def _number(wanted: IntType | FloatType) -> str:
    number = "a whole number" if isinstance(wanted, IntType) else "a number"
    if wanted.ge is not None and wanted.le is not None:
        return f"{number} from {wanted.ge} to {wanted.le}"
    limits = {"above": wanted.gt, "at least": wanted.ge, "at most": wanted.le}
    told = [f"{words} {limit}" for words, limit in limits.items() if limit is not None]
    return ", ".join(filter(None, [number, " and ".join(told)]))


def _may_be_shown(wanted: Type) -> bool:
    match wanted:
        case UnionType(types=types):
            return all(_may_be_shown(each) for each in types if each != NoneType())
        case VarTupleType(item_type=each) | FrozenSetType(item_type=each):
            return _may_be_shown(each)
    return isinstance(wanted, BoolType | IntType | FloatType | LiteralType)


def _shown(value: JSON) -> str:
    return "a table" if isinstance(value, dict) else json.dumps(value, default=str)


def written(place: Place) -> str:
    """A key as TOML writes it; a member of a list by its number, the first is 0."""
    steps = (
        f"[{key}]"
        if isinstance(key, int)
        else f".{key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)}"
        for key in place
    )
    return "".join(steps).removeprefix(".")
