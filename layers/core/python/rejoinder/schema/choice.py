"""`tool_choice` as clients send it, flat or in the chat shape. Contract §1.5."""

from dataclasses import dataclass
from typing import Literal, cast

from rejoinder.schema.ignored import Known, OfKind
from rejoinder.schema.items import JSON
from rejoinder.schema.reading import (
    missing,
    refusal,
    wrong_type,
    wrong_value,
)
from rejoinder.schema.toolbox import Unsupported
from rejoinder.schema.tools import NamedChoice

MAX_ALLOWED = 128

type Mode = Literal["auto", "required"]
type Word = Literal["auto", "none", "required"]
type ReadChoice = Word | NamedChoice | AllowedChoice | Unsupported

_FORMS = "'auto', 'none', 'required' or an object with a type"


@dataclass(frozen=True, slots=True)
class AllowedChoice:
    """`allowed_tools` as read: hosted tools may still be among them."""

    mode: Mode
    tools: list[NamedChoice | Unsupported]


def read_choice(value: JSON) -> ReadChoice:
    """A word, a tool by name, or several of them."""
    match value:
        case "auto" | "none" | "required":
            return cast(Word, value)  # mypy does not narrow JSON to a Literal
        case {"type": "allowed_tools"}:
            return _allowed(value)
        case dict():
            return _named(value)
        case str():
            raise wrong_value(_FORMS, value)
        case _:
            raise wrong_type(_FORMS, value)


def _allowed(value: JSON) -> AllowedChoice:
    nested = value.get("allowed_tools")
    value = nested if isinstance(nested, dict) else value
    mode: Mode = "auto" if value.get("mode") is None else value["mode"]
    if mode not in ("auto", "required"):
        raise wrong_value("'auto' or 'required'", mode, at="mode")
    tools = value.get("tools")
    if tools is None:
        raise missing(at="tools")
    if not isinstance(tools, list):
        raise wrong_type("an array", tools, at="tools")
    if not 1 <= len(tools) <= MAX_ALLOWED:
        code = "array_above_max_length" if tools else "invalid_value"
        say = f"must have 1 to {MAX_ALLOWED} entries; got {len(tools)}."
        raise refusal(code, say, at="tools")
    return AllowedChoice(mode, [_entry(tool, f"tools[{i}]") for i, tool in enumerate(tools)])


def _entry(value: JSON, at: str) -> NamedChoice | Unsupported:
    if not isinstance(value, dict):
        raise wrong_type("an object", value, at=at)
    return _named(value, f"{at}.")


def _named(value: JSON, at: str = "") -> NamedChoice | Unsupported:
    kind = value.get("type")
    if not kind:
        raise missing(at=f"{at}type")
    if not isinstance(kind, str):
        raise wrong_type("a string", kind, at=f"{at}type")
    if kind not in ("function", "custom"):
        return Unsupported(kind)
    return cast(NamedChoice, {"type": kind, "name": _name(value, kind, at)})  # as above


def _name(value: JSON, kind: str, at: str) -> str:
    nested = value.get(kind)
    name = value.get("name") or (nested.get("name") if isinstance(nested, dict) else None)
    if not name:
        raise missing(f"is required: the name of a {kind} tool.", at=f"{at}name")
    if not isinstance(name, str):
        raise wrong_type("a string", name, at=f"{at}name")
    return name


_NAMED = {kind: Known("type", "name", **{kind: Known("name")}) for kind in ("function", "custom")}
_ALLOWED = Known("type", "mode", tools=OfKind(**_NAMED))
IN_CHOICE = OfKind(**_NAMED, allowed_tools=_ALLOWED | {"allowed_tools": _ALLOWED})
