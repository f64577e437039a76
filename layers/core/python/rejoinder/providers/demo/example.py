"""A small instance of a JSON Schema."""

from rejoinder.schema.items import JSON

MAX_DEPTH = 12
PLAIN: dict[str, JSON] = {
    "string": "demo",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
}


def example_of(schema: dict[str, JSON]) -> JSON:
    """An instance with the required properties; limits other than `minimum` are not looked at."""
    return _example(schema, schema, 0)


def _example(schema: JSON, root: dict[str, JSON], depth: int) -> JSON:
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return None
    match schema:
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"$ref": str(path)}:
            return _example(_at(path, root), root, depth + 1)
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]} | {"allOf": [first, *_]}:
            return _example(first, root, depth + 1)
        case _:
            return _of_kind(_kind(schema), schema, root, depth)


def _of_kind(kind: str, schema: JSON, root: dict[str, JSON], depth: int) -> JSON:
    if kind == "object":
        given, required = schema.get("properties"), schema.get("required")
        properties = given if isinstance(given, dict) else {}
        wanted = required if isinstance(required, list) else properties
        names = [name for name in wanted if isinstance(name, str)]
        return {name: _example(properties.get(name), root, depth + 1) for name in names}
    if kind == "array":
        return [_example(schema.get("items", {"type": "string"}), root, depth + 1)]
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
