"""Words in which the schemas of the document are written."""

from collections.abc import Iterable, Mapping
from typing import TypeAliasType, get_args

from rejoinder.schema.items import JSON


def ref(name: str) -> JSON:
    """A schema of the document, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "", **limits: JSON) -> JSON:
    """A string."""
    return _described({"type": "string", **limits}, description)


def whole(description: str = "", **limits: JSON) -> JSON:
    """An integer."""
    return _described({"type": "integer", **limits}, description)


def number(description: str = "", **limits: JSON) -> JSON:
    """A number."""
    return _described({"type": "number", **limits}, description)


def yes_or_no(description: str = "", **limits: JSON) -> JSON:
    """A boolean."""
    return _described({"type": "boolean", **limits}, description)


def word(words: Iterable[str], description: str = "", **limits: JSON) -> JSON:
    """One of a few strings."""
    return _described({"type": "string", "enum": [*words], **limits}, description)


def words_of(literal: TypeAliasType) -> tuple[str, ...]:
    """The strings of `type … = Literal[…]`."""
    words: tuple[str, ...] = get_args(literal.__value__)
    return words


def listing(element: JSON, description: str = "", **limits: JSON) -> JSON:
    """An array."""
    return _described({"type": "array", "items": element, **limits}, description)


def table(
    properties: Mapping[str, JSON], *, required: Iterable[str] = (), description: str = ""
) -> JSON:
    """An object."""
    shape: dict[str, JSON] = {"type": "object", "properties": dict(properties)}
    if needed := [*required]:
        shape["required"] = needed
    return _described(shape, description)


def kind(name: str, properties: Mapping[str, JSON], *needed: str, description: str = "") -> JSON:
    """An object that its `type` tells apart."""
    typed = {"type": {"type": "string", "const": name}, **properties}
    return table(typed, required=["type", *needed], description=description)


def either(*shapes: JSON, description: str = "", **more: JSON) -> JSON:
    """Any of several schemas."""
    return _described({"anyOf": [*shapes], **more}, description)


def or_null(shape: JSON) -> JSON:
    """The same, or null: which means that it is not said."""
    outer = {name: shape[name] for name in ("description", "default") if name in shape}
    inner = {name: value for name, value in shape.items() if name not in outer}
    if set(inner) == {"anyOf"}:
        return {"anyOf": [*inner["anyOf"], {"type": "null"}], **outer}
    return {"anyOf": [inner, {"type": "null"}], **outer}


def optional(properties: Mapping[str, JSON]) -> dict[str, JSON]:
    """Properties that may be null as well as absent."""
    return {name: or_null(shape) for name, shape in properties.items()}


def _described(shape: dict[str, JSON], description: str) -> JSON:
    return {**shape, "description": description} if description else shape
