"""The reader's vocabulary: unions, numbers, flattening, and refusals that carry a code.

Its law: a validator that refuses raises `refusal(code, sentence)`; it never needs to know where in
the request it stands, because pydantic keeps the path and `schema.faults` writes it. The tags of
our unions stand in parentheses, so that a path can tell them from the client's own keys.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from msgspec.json import encode
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from rejoinder.schema.items import JSON

MAX_TEXT = 10_485_760  # characters; contract §1.2 and §2.2
MAX_SHOWN = 60  # characters of a client's value that a message may repeat
MAX_WHOLE = 2**63 - 1  # more than that, no upstream and no store can hold
OTHERWISE = "(otherwise)"


def shown(value: JSON) -> str:
    """A value for a message, shortened: strings in single quotes, arrays and objects by kind."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    if isinstance(value, str):
        text = encode(value[:MAX_SHOWN]).decode()[1:-1]
        return f"'{_cut(text, MAX_SHOWN - 2, more=len(value) > MAX_SHOWN)}'"
    text = repr(value) if isinstance(value, float) else encode(value).decode()
    return _cut(text, MAX_SHOWN)


def _cut(text: str, length: int, *, more: bool = False) -> str:
    return text[: length - 1] + "…" if more or len(text) > length else text


def listed(names: Iterable[str]) -> str:
    """Names for a message: `'a', 'b' or 'c'`."""
    *most, last = (f"'{name}'" for name in names)
    return f"{', '.join(most)} or {last}" if most else last


def refusal(code: str, sentence: str, *, at: str = "") -> PydanticCustomError:
    """A refusal with a code of contract §1.1; `sentence` goes on after the parameter's name.

    `at` names the key below the value being read that is to blame.
    """
    return PydanticCustomError(code, "{sentence}", {"sentence": sentence, "at": at})


def missing(sentence: str = "is required.", *, at: str = "") -> PydanticCustomError:
    """Something that must be there is not."""
    return refusal("missing_required_parameter", sentence, at=at)


def wrong_type(wanted: str, value: JSON, *, at: str = "") -> PydanticCustomError:
    """The JSON type is not the one wanted."""
    return refusal("invalid_type", f"must be {wanted}; got {shown(value)}.", at=at)


def wrong_value(wanted: str, value: JSON, *, at: str = "") -> PydanticCustomError:
    """The JSON type is right, the value is not."""
    return refusal("invalid_value", f"must be {wanted}; got {shown(value)}.", at=at)


class OneOf:
    """A union told apart by `type`, with a hint for each wrong type that clients are known to send.

    Used as `Annotated[JSON, OneOf({...})]`; `kind_of` replaces the look at `type`.
    """

    def __init__(
        self,
        kinds: Mapping[str, Any],
        hints: Mapping[str, tuple[str, str]] | None = None,
        *,
        kind_of: Callable[[JSON], str | None] | None = None,
        names: Iterable[str] | None = None,
        example: str,
    ) -> None:
        self._kinds, self._hints = kinds, hints or {}
        self._kind_of = kind_of or type_of
        self._names, self._example = names or kinds, example
        self._tags: dict[str | None, str] = {kind: f"({kind})" for kind in kinds}

    def __get_pydantic_core_schema__(self, _: JSON, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Each kind by its tag; whatever is left is refused."""
        choices: dict[Any, CoreSchema] = {
            self._tags[kind]: handler.generate_schema(wanted)
            for kind, wanted in self._kinds.items()
        }
        choices[OTHERWISE] = core_schema.no_info_plain_validator_function(self._refuse)
        return core_schema.tagged_union_schema(choices, discriminator=self._tag)

    def _tag(self, value: JSON) -> str:
        return self._tags.get(self._kind_of(value), OTHERWISE)

    def _refuse(self, value: JSON) -> NoReturn:
        if not isinstance(value, dict):
            raise wrong_type(f"an object such as {self._example}", value)
        kind, wanted = value.get("type"), listed(self._names)
        if kind is None:
            raise missing(f"is required: {wanted}.", at="type")
        if not isinstance(kind, str):
            raise wrong_type("a string", kind, at="type")
        code, hint = self._hints.get(kind, ("invalid_value", ""))
        say = f"must be {wanted}; got {shown(kind)}. {hint}"
        raise refusal(code, say.rstrip(), at="type")


class TextOr:
    """A string, or a list of what it is given: `input`, `content` and `output` are such."""

    def __init__(self, element: JSON, hint: str = "") -> None:
        self._element, self._hint = element, hint

    def __get_pydantic_core_schema__(self, _: JSON, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Told apart by Python type, so that an error speaks of one form only."""
        element = handler.generate_schema(self._element)
        return core_schema.tagged_union_schema(
            {
                "(text)": core_schema.str_schema(max_length=MAX_TEXT),
                "(list)": core_schema.list_schema(element, fail_fast=True),
                OTHERWISE: core_schema.no_info_plain_validator_function(self._refuse),
            },
            discriminator=_text_or_list,
        )

    def _refuse(self, value: JSON) -> NoReturn:
        raise wrong_type(f"a string or an array{self._hint}", value)


def _text_or_list(value: JSON) -> str:
    if isinstance(value, str):
        return "(text)"
    return "(list)" if isinstance(value, list) else OTHERWISE


def type_of(value: JSON) -> str | None:
    """The `type` of an object, if it has one that is a string."""
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else None


def flattened(key: str) -> Callable[[JSON], JSON]:
    """Accepts the chat shape: what stands under `key` is lifted up; flat keys win."""

    def flat(value: JSON) -> JSON:
        if not isinstance(value, dict) or value.get(key) is None:
            return value
        nested = value[key]
        if not isinstance(nested, dict):
            raise wrong_type("an object", nested, at=key)
        return nested | {name: own for name, own in value.items() if own is not None}

    return flat


def whole(low: int = -MAX_WHOLE, high: int = MAX_WHOLE) -> Callable[[JSON], int]:
    """An integer between two bounds: no fraction, and `true` is none."""

    def read(value: JSON) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type("an integer", value)
        _within(value, low, high, kind="integer")
        return value

    return read


def decimal(low: float, high: float) -> Callable[[JSON], int | float]:
    """A number between two bounds, kept as it was written: 1 stays 1, 1.0 stays 1.0."""

    def read(value: JSON) -> int | float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise wrong_type("a number", value)
        _within(value, low, high, kind="decimal")
        return value

    return read


def _within(value: float, low: float, high: float, *, kind: str) -> None:
    if value < low:
        say = f"must be at least {low}; got {shown(value)}."
        raise refusal(f"{kind}_below_min_value", say)
    if value > high:
        say = f"must be at most {high}; got {shown(value)}."
        raise refusal(f"{kind}_above_max_value", say)
