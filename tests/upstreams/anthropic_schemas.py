"""JSON schemas as Anthropic enforces them: closed objects, no limits, no recursion."""

from typing import Any

from tests.upstreams.anthropic_checks import refuse_unless

type JSON = Any

KNOWN = {
    "type", "title", "description", "enum", "const", "default", "$ref", "$defs", "definitions",
    "properties", "required", "additionalProperties", "items", "minItems", "anyOf", "allOf",
    "format",
}  # fmt: skip


def check_enforceable(schema: JSON, at: str) -> None:
    """Refuse what the vendor cannot compile into a grammar."""
    _check(schema, at, schema, ())


def _check(schema: JSON, at: str, root: JSON, path: tuple[str, ...]) -> None:
    refuse_unless(isinstance(schema, dict), f"{at}: schema should be an object")
    for keyword in schema:
        refuse_unless(keyword in KNOWN, f"{at}: property '{keyword}' is not supported")
    few = schema.get("minItems", 0) in (0, 1)
    refuse_unless(few, f"{at}: For 'array' type, 'minItems' values other than 0 or 1")
    kinds = schema.get("type", [])
    if "object" in ([kinds] if isinstance(kinds, str) else kinds):
        say = f"{at}: For 'object' type, 'additionalProperties' must be explicitly set to false"
        refuse_unless(schema.get("additionalProperties") is False, say)
    if (ref := schema.get("$ref")) is not None:
        refuse_unless(ref not in path, f"{at}: Circular reference detected: {ref}")
        target = root
        for step in ref.removeprefix("#/").split("/"):
            target = target[step]
        _check(target, at, root, (*path, ref))
    for name, inner in schema.get("properties", {}).items():
        _check(inner, f"{at}.{name}", root, path)
    for inner in [*schema.get("anyOf", []), *schema.get("allOf", [])]:
        _check(inner, at, root, path)
    if "items" in schema:
        _check(schema["items"], f"{at}.items", root, path)
