"""A small instance of a JSON Schema."""

from collections.abc import Iterable

from rejoinder.providers.demo.numbers import number_of
from rejoinder.providers.demo.patterns import NotSimple, text_for
from rejoinder.schema.items import JSON

MAX_DEPTH = 12
MAX_NODES = 1_000
MAX_LENGTH = 10_000  # characters of one text
FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "duration": "PT5M",
    "email": "demo@example.com",
    "hostname": "demo.example.com",
    "idn-email": "demo@example.com",
    "idn-hostname": "demo.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "iri": "https://example.com/demo",
    "json-pointer": "/demo",
    "time": "12:00:00Z",
    "uri": "https://example.com/demo",
    "uuid": "00000000-0000-4000-8000-000000000000",
}

# Keywords that tell the type where `type` does not.
_TELLING = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}


def example_of(schema: dict[str, JSON]) -> JSON:
    """An instance with the required properties, within the usual limits.

    Not looked at are `not`, `if`, `contains`, and what else says what must not be.
    """
    return _Example(schema).of(schema)


class _Example:
    """One instance in the making: a schema that refers to itself must not grow for ever."""

    def __init__(self, root: dict[str, JSON]) -> None:
        self._root = root
        self._nodes_left = MAX_NODES

    def of(self, schema: JSON, depth: int = 0, nth: int = 0) -> JSON:
        """An instance of a part of the schema; the nth, where several are to differ."""
        self._nodes_left -= 1
        if not isinstance(schema, dict) or depth > MAX_DEPTH or self._nodes_left < 0:
            return None
        match schema:
            case {"const": value}:
                return value
            case {"enum": [_, *_] as values}:
                return values[nth % len(values)]
            case {"$ref": _} | {"allOf": _} | {"anyOf": _} | {"oneOf": _}:
                return self.of(self._meant(schema), depth + 1, nth)
            case _:
                return self._of_kind(_kind(schema), schema, depth, nth)

    def _meant(self, schema: dict[str, JSON]) -> JSON:
        """A schema that says by itself what this one says by others, or a part of it."""
        match schema:
            case {"$ref": path}:
                return _at(str(path), self._root)
            case {"allOf": [*parts]}:
                return self._merged(_without(schema, "allOf"), parts)
            case {"anyOf": [first, *_]} | {"oneOf": [first, *_]}:
                return self._merged(_without(schema, "anyOf", "oneOf"), [first])
        return None

    def _of_kind(self, kind: str, schema: dict[str, JSON], depth: int, nth: int) -> JSON:
        made: JSON = None
        match kind:
            case "object":
                made = self._object(schema, depth)
            case "array":
                made = self._array(schema, depth)
            case "integer" | "number":
                made = number_of(kind, schema, nth)
            case "boolean":
                made = nth % 2 == 0
            case "string":
                made = _text(schema, nth)
        return made

    def _object(self, schema: dict[str, JSON], depth: int) -> JSON:
        given, required = schema.get("properties"), schema.get("required")
        properties = given if isinstance(given, dict) else {}
        wanted = required if isinstance(required, list) else properties
        names = [name for name in wanted if isinstance(name, str)]
        others = schema.get("additionalProperties")
        return {name: self.of(properties.get(name, others), depth + 1) for name in names}

    def _array(self, schema: dict[str, JSON], depth: int) -> JSON:
        first = schema.get("prefixItems")
        first = first if isinstance(first, list) else []
        others = schema.get("items", {"type": "string"})
        length = max(_limit(schema, "minItems", 1 if others else 0), len(first))
        length = min(length, _limit(schema, "maxItems", length), max(self._nodes_left, 0))
        kinds = [*first, *[others] * (length - len(first))][:length]
        return [self.of(kind, depth + 1, nth) for nth, kind in enumerate(kinds)]

    def _merged(self, schema: dict[str, JSON], parts: Iterable[JSON]) -> dict[str, JSON]:
        """What all of them say together, of properties as of limits."""
        merged = schema
        for part in parts:
            if isinstance(part, dict) and isinstance(path := part.get("$ref"), str):
                part = _at(path, self._root)
            if isinstance(part, dict):
                merged = _joined(merged, part)
        return merged


def _joined(one: dict[str, JSON], other: dict[str, JSON]) -> dict[str, JSON]:
    joined = one | other
    for name in one.keys() & other.keys():
        mine, others = one[name], other[name]
        if name == "properties" and isinstance(mine, dict) and isinstance(others, dict):
            joined[name] = mine | others
        elif name == "required" and isinstance(mine, list) and isinstance(others, list):
            joined[name] = [*mine, *others]
    return joined


def _text(schema: dict[str, JSON], nth: int) -> str:
    least, most = _limit(schema, "minLength", 0), _limit(schema, "maxLength", MAX_LENGTH)
    if isinstance(pattern := schema.get("pattern"), str):
        try:
            return text_for(pattern, min_length=least)
        except NotSimple:
            pass
    plain = FORMATS.get(str(schema.get("format")), f"demo{nth or ''}")
    if len(plain) < least:
        plain += " " + "demo " * (least // 5) + "demo"
        plain = plain[:least].rstrip().ljust(least, "o")
    return plain[:most]


def _limit(schema: dict[str, JSON], name: str, otherwise: int) -> int:
    value = schema.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return otherwise
    return int(min(max(value, 0), MAX_LENGTH))


def _kind(schema: dict[str, JSON]) -> str:
    if (kind := schema.get("type")) is not None:
        return str(kind[0] if isinstance(kind, list) and kind else kind)
    told = (kind for kind, keywords in _TELLING.items() if keywords & schema.keys())
    return next(told, "string")


def _without(schema: dict[str, JSON], *names: str) -> dict[str, JSON]:
    return {name: value for name, value in schema.items() if name not in names}


def _at(path: str, root: dict[str, JSON]) -> JSON:
    found: JSON = root
    for key in path.removeprefix("#").strip("/").split("/"):
        if key:
            found = found.get(key) if isinstance(found, dict) else None
    return found
