"""JSON Schemas as this vendor enforces them: without limits, patterns and open objects.

Source: "Structured outputs", JSON Schema limitations, and what the official SDK does with a
schema (`lib/_parse/_transform.py`): what is not supported goes into the description, where the
model may heed it.
"""

from collections.abc import Iterator

from msgspec.json import encode

from rejoinder.errors import InvalidRequest
from rejoinder.schema.items import JSON

KEPT = ("type", "title", "description", "enum", "const", "default", "required")
FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
DEFINITIONS = ("$defs", "definitions")
ALTERNATIVES = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
SILENT = ("$schema", "$id", "$comment", "examples", "additionalProperties")
NAMING = {"type", "$ref", "enum", "const", *ALTERNATIVES}  # one of them says what the value is
OPENING = {"patternProperties", "prefixItems", "not", "if", "$dynamicRef"}


def is_plain(schema: JSON) -> bool:
    """Whether a stripped form asks for the same kind of value: nothing open, no recursion."""
    return _is_plain(schema, schema, (), set())


def stripped(schema: JSON) -> JSON:
    """The schema without what is not supported; all objects are closed."""
    if not isinstance(schema, dict):
        return schema
    kept = _stripped_inner(schema, DEFINITIONS)
    if "$ref" in schema:
        return kept | {"$ref": schema["$ref"]}  # it stands alone
    kept |= {key: schema[key] for key in KEPT if key in schema}
    kept |= _stripped_inner(schema, ("properties",))
    for key, supported in ALTERNATIVES.items():
        if isinstance(variants := schema.get(key), list):
            kept[supported] = [stripped(each) for each in variants]
    if isinstance(schema.get("items"), dict):
        kept["items"] = stripped(schema["items"])
    if schema.get("minItems") in (0, 1):
        kept["minItems"] = schema["minItems"]
    if schema.get("format") in FORMATS:
        kept["format"] = schema["format"]
    if _is_object(schema):
        kept["additionalProperties"] = False
    return _described(kept, schema)


def _stripped_inner(schema: dict[str, JSON], keys: tuple[str, ...]) -> dict[str, JSON]:
    """Those of these keys that hold schemas by name."""
    return {
        key: {name: stripped(each) for name, each in schema[key].items()}
        for key in keys
        if isinstance(schema.get(key), dict)
    }


def input_schema(schema: dict[str, JSON]) -> dict[str, JSON]:
    """A tool's schema: its root must be an object without alternatives.

    Raises:
        InvalidRequest: if it is no schema at all.
    """
    variants = [each for key in ALTERNATIVES for each in _held(schema, key, list)]
    if schema.get("type") == "object" and not variants:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ALTERNATIVES}
    known: dict[str, JSON] = {}
    for each in (*variants, schema):
        known |= _held(each, "properties", dict)
    joined = {**rest, "type": "object", "properties": known}
    return _described(joined, schema) if variants else joined


def _held[T: (list[JSON], dict[str, JSON])](schema: JSON, key: str, kind: type[T]) -> T:
    """What stands under a key of a schema; nothing, if the schema is `true` or `false`."""
    held = schema.get(key) if isinstance(schema, dict) else schema
    if held is None or isinstance(schema, bool):
        return kind()
    if not isinstance(held, kind):
        raise InvalidRequest(
            f"The 'parameters' of a tool are not a JSON Schema: look at {key!r}.",
            code="invalid_value",
            param="tools",
        )
    return held


def _described(kept: dict[str, JSON], schema: dict[str, JSON]) -> dict[str, JSON]:
    """With what was left out, in words that a model understands."""
    renamed = [key for key, supported in ALTERNATIVES.items() if supported in kept]
    left_out = {k: v for k, v in schema.items() if k not in (*kept, *renamed, *SILENT)}
    if not left_out:
        return kept
    words = encode(left_out).decode()
    described = kept.get("description")
    return kept | {"description": f"{described}\n\n{words}" if described else words}


def _is_object(schema: dict[str, JSON]) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def _is_plain(schema: JSON, root: JSON, path: tuple[str, ...], plain: set[str]) -> bool:
    """`path`: the references on the way here. `plain`: those that were looked at already."""
    if not isinstance(schema, dict) or not NAMING & set(schema) or OPENING & set(schema):
        return False
    if schema.get("additionalProperties", False) is not False:
        return False
    if any(not isinstance(schema.get(key, []), list) for key in ALTERNATIVES):
        return False
    if "$ref" in schema and not _leads_to_plain(schema["$ref"], root, path, plain):
        return False
    return all(_is_plain(each, root, path, plain) for each in _inner(schema))


def _leads_to_plain(ref: JSON, root: JSON, path: tuple[str, ...], plain: set[str]) -> bool:
    if not isinstance(ref, str) or ref in path:
        return False
    if ref not in plain:
        if not _is_plain(_target(ref, root), root, (*path, ref), plain):
            return False
        plain.add(ref)
    return True


def _inner(schema: dict[str, JSON]) -> Iterator[JSON]:
    if isinstance(properties := schema.get("properties"), dict):
        yield from properties.values()
    for key in ALTERNATIVES:
        yield from schema.get(key, ())
    if "items" in schema:
        yield schema["items"]


def _target(ref: str, root: JSON) -> JSON:
    if not ref.startswith("#/"):
        return None
    found: JSON = root
    for step in ref.removeprefix("#/").split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, dict) else None
    return found
