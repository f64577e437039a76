"""Pydantic's errors → contract §1.1: one code, one parameter, one sentence.

Only the first error is told: clients mend one thing at a time, and SDKs show one message.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from rejoinder.errors import InvalidRequest
from rejoinder.schema.reading import MAX_SHOWN, shown

# pydantic's type of error → our code, and the rest of a sentence that begins with the parameter.
# {value} is what was sent; the other names are pydantic's own.
CODES: Mapping[str, tuple[str, str]] = {
    "missing": ("missing_required_parameter", "is required."),
    "string_type": ("invalid_type", "must be a string; got {value}."),
    "bool_type": ("invalid_type", "must be true or false, without quotes; got {value}."),
    "list_type": ("invalid_type", "must be an array; got {value}."),
    "dict_type": ("invalid_type", "must be an object; got {value}."),
    "literal_error": ("invalid_value", "must be {expected}; got {value}."),
    "string_too_short": ("invalid_value", "must not be empty."),
    "string_too_long": (
        "string_above_max_length",
        "may have at most {max_length} characters; got {length}.",
    ),
}
ANY = ("invalid_value", "is not valid; got {value}.")


def fault(error: ValidationError) -> InvalidRequest:
    """The first of pydantic's errors, as ours."""
    first = error.errors(include_url=False)[0]
    context: dict[str, Any] = first.get("ctx", {})
    param = path(first["loc"])
    if "sentence" in context:
        code, sentence = first["type"], context["sentence"]
        param = f"{param}.{context['at']}" if context["at"] else param
    else:
        value = first["input"]
        code, template = CODES.get(first["type"], ANY)
        length = len(value) if isinstance(value, str) else 0
        sentence = template.format_map(context | {"value": shown(value), "length": length})
    return InvalidRequest(f"'{param}' {sentence}", code=code, param=param)


def path(location: Sequence[int | str]) -> str:
    """`("input", "(list)", 3, "(user)", "id")` → `input[3].id`."""
    if location[:1] == ("metadata",) and len(location) > 1:
        return f"metadata.{str(location[1])[:MAX_SHOWN]}"
    steps = ""
    for step in location:
        if isinstance(step, int):
            steps += f"[{step}]"
        elif not step.startswith("("):
            steps += f".{step}"
    return steps.removeprefix(".")
