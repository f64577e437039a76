"""JSON schemas as OpenAI accepts them in tools and response formats, and their smallest instances.

The strict rules are those of the Structured Outputs guide, "Supported schemas".
"""

from collections.abc import Iterator
from typing import Any

type JSON = Any
type Context = tuple[str, ...]

DEEPEST = 10
NOT_STRICT = (
    "allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas",
    "patternProperties", "propertyNames", "unevaluatedProperties", "minProperties",
    "maxProperties", "unevaluatedItems", "contains", "minContains", "maxContains", "uniqueItems",
    "default",
)  # fmt: skip
DEFINITIONS = ("$defs", "definitions")
ALTERNATIVES = ("anyOf", "oneOf", "allOf")
FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


class SchemaFault(Exception):
    """What is wrong with a schema, in the words after "Invalid schema for …: "."""


def check_schema(schema: JSON, *, strict: bool) -> None:
    """Refuse a schema that OpenAI would refuse; most rules hold only when strict."""
    named = schema.get("type") if isinstance(schema, dict) else None
    if named != "object":
        message = "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{}\"'."
        raise SchemaFault(message.format(named))
    if "properties" not in schema and not strict:
        raise _fault((), "object schema missing properties.")
    _check(schema, (), schema if strict else None)


def _check(node: JSON, context: Context, root: JSON | None) -> None:
    """Check one schema and those inside; the root is given when the rules are strict."""
    if isinstance(node, bool) and root is None:
        return
    if not isinstance(node, dict):
        raise _fault(context, f"{node!r} is not of type 'object'.")
    if root is not None:
        _check_keywords(node, context, root)
    types = _types(node)
    if "array" in types and "items" not in node and "prefixItems" not in node:
        raise _fault(context, "array schema missing items.")
    if "object" in types and root is not None:
        _check_object(node, context)
    for inner, inner_context in _inner(node, context):
        _check(inner, inner_context, root)


def _check_keywords(node: JSON, context: Context, root: JSON) -> None:
    if sum(step in ("properties", "items") for step in context) > DEEPEST:
        raise _fault(context, f"nesting is deeper than {DEEPEST} levels.")
    for keyword in NOT_STRICT:
        if keyword in node:
            raise _fault(context, f"'{keyword}' is not permitted.")
    if "$ref" in node:
        if others := set(node) - {"$ref"} - set(DEFINITIONS):
            raise _fault(context, f"$ref cannot have keywords {others}.")
        if resolve(node["$ref"], root) is None:
            raise _fault(context, f"reference can only point to definitions, not {node['$ref']!r}.")
    elif not {"type", "anyOf", "enum", "const"} & set(node):
        raise _fault(context, "schema must have a 'type' key.")


def _check_object(node: JSON, context: Context) -> None:
    if node.get("additionalProperties") is not False:
        raise _fault(context, "'additionalProperties' is required to be supplied and to be false.")
    names = list(node.get("properties", {}))
    required = node.get("required", [])
    absent = [name for name in names if name not in required]
    if absent or (names and "required" not in node):
        asked = "'required' is required to be supplied and to be an array including every key in"
        raise _fault(context, f"{asked} properties. Missing '{absent[0]}'.")
    if extra := [name for name in required if name not in names]:
        asked = "'required' is required to be supplied and to be an array including every key in"
        raise _fault(context, f"{asked} properties. Extra required key '{extra[0]}' supplied.")


def _inner(node: JSON, context: Context) -> Iterator[tuple[JSON, Context]]:
    for keyword in ("properties", *DEFINITIONS):
        for name, inner in node.get(keyword, {}).items():
            yield inner, (*context, keyword, name)
    for keyword in ALTERNATIVES:
        for index, inner in enumerate(node.get(keyword, [])):
            yield inner, (*context, keyword, str(index))
    for keyword in ("items", "additionalProperties"):
        if isinstance(inner := node.get(keyword), dict):
            yield inner, (*context, keyword)


def _types(node: JSON) -> list[str]:
    named = node.get("type", [])
    return [named] if isinstance(named, str) else list(named)


def _fault(context: Context, message: str) -> SchemaFault:
    return SchemaFault(f"In context={context}, {message}")


def resolve(reference: str, root: JSON) -> JSON | None:
    """What a local reference points to, or None."""
    node = root
    for step in reference.removeprefix("#").split("/")[1:]:
        node = node.get(step.replace("~1", "/").replace("~0", "~"))
        if node is None:
            return None
    return node if reference.startswith("#") else None


def minimal(schema: JSON, root: JSON | None = None, *, depth: int = 0) -> JSON:
    """The smallest value we know how to make that the schema accepts."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > DEEPEST * 2:
        return None
    given = [schema[name][0] for name in ("enum", "examples") if schema.get(name)]
    given += [schema[name] for name in ("const", "default") if name in schema]
    if given:
        return given[0]
    elsewhere = [resolve(schema["$ref"], root)] if "$ref" in schema else []
    elsewhere += [_simplest(schema[name]) for name in ALTERNATIVES if schema.get(name)]
    if elsewhere:
        return minimal(elsewhere[0], root, depth=depth + 1)
    return _minimal_of_type(schema, root, depth)


def _simplest(variants: list[JSON]) -> JSON:
    """Null where it is allowed: it ends every recursion."""
    return next((each for each in variants if each.get("type") == "null"), variants[0])


def _minimal_of_type(schema: JSON, root: JSON, depth: int) -> JSON:
    types = _types(schema) or ["object" if "properties" in schema else "string"]
    value: JSON = None
    match "null" if "null" in types else types[0]:
        case "object":
            known = schema.get("properties", {})
            names = schema.get("required", [])
            value = {name: minimal(known.get(name, {}), root, depth=depth + 1) for name in names}
        case "array":
            item = minimal(schema.get("items", {}), root, depth=depth + 1)
            value = [item] * int(schema.get("minItems", 0))
        case "integer" | "number":
            low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
            value = min(max(0, low), schema.get("maximum", max(0, low)))
        case "boolean":
            value = False
        case "string":
            shortest = "x" * max(1, int(schema.get("minLength", 1)))
            value = FORMATS.get(schema.get("format", ""), shortest)
    return value
