"""A small instance of a JSON Schema."""

from rejoinder.schema.items import JSON

MAX_DEPTH = 12
MAX_NODES = 1_000
PLAIN: dict[str, JSON] = {
    "string": "demo",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
}


def example_of(schema: dict[str, JSON]) -> JSON:
    """An instance with the required properties; limits other than `minimum` are not looked at."""
    return _Example(schema).of(schema)


class _Example:
    """One instance in the making: a schema that refers to itself must not grow for ever."""

    def __init__(self, root: dict[str, JSON]) -> None:
        self._root = root
        self._nodes_left = MAX_NODES

    def of(self, schema: JSON, depth: int = 0) -> JSON:
        """An instance of a part of the schema."""
        self._nodes_left -= 1
        if not isinstance(schema, dict) or depth > MAX_DEPTH or self._nodes_left < 0:
            return None
        match schema:
            case {"const": value} | {"enum": [value, *_]}:
                return value
            case {"$ref": str(path)}:
                return self.of(_at(path, self._root), depth + 1)
            case {"anyOf": [first, *_]} | {"oneOf": [first, *_]} | {"allOf": [first, *_]}:
                return self.of(first, depth + 1)
            case _:
                return self._of_kind(_kind(schema), schema, depth)

    def _of_kind(self, kind: str, schema: JSON, depth: int) -> JSON:
        if kind == "object":
            given, required = schema.get("properties"), schema.get("required")
            properties = given if isinstance(given, dict) else {}
            wanted = required if isinstance(required, list) else properties
            names = [name for name in wanted if isinstance(name, str)]
            return {name: self.of(properties.get(name), depth + 1) for name in names}
        if kind == "array":
            return [self.of(schema.get("items", {"type": "string"}), depth + 1)]
        if kind in ("integer", "number") and "minimum" in schema:
            return schema["minimum"]
        return PLAIN.get(kind, "demo")


def _kind(schema: JSON) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return str(kind[0] if isinstance(kind, list) and kind else kind)


def _at(path: str, root: dict[str, JSON]) -> JSON:
    found: JSON = root
    for key in path.removeprefix("#").strip("/").split("/"):
        if key:
            found = found.get(key) if isinstance(found, dict) else None
    return found
