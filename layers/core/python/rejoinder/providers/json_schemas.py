"""What a JSON Schema of a stranger's says of an instance, at a bounded price.

A look at an instance stops the event loop, so it may take only so much time of the processor:
references and alternatives within each other can ask for more work than anybody has. Patterns are
searched for by an engine that needs no more steps than the pattern is large times the text is long,
which is known before. It knows neither look-around nor back-references; what it does not know is
refused, never left out.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from functools import lru_cache
from time import thread_time
from typing import Any

import attrs
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend, validator_for
from msgspec.json import encode
from pydantic_core import SchemaError as PatternError
from pydantic_core import SchemaValidator
from pydantic_core.core_schema import str_schema
from referencing import Registry
from referencing.exceptions import Unresolvable

from rejoinder.errors import InvalidRequest
from rejoinder.schema.items import JSON

MAX_SECONDS = 1.0  # of the processor's, for one look
MAX_STEPS = 50_000_000  # of one search: in the worst case, about as much
MAX_FAULT_LENGTH = 300

type Fault = Callable[[JSON], str | None]  # what is wrong with an instance, if anything is
type Validator = Any  # jsonschema makes its classes as it runs
type Keyword = Callable[[Validator, JSON, JSON, JSON], Iterable[ValidationError] | None]


def fault_finder(schema: dict[str, JSON]) -> Fault:
    """What looks at instances of a schema. No reference leaves it.

    Raises:
        InvalidRequest: if it is no schema, or none that can be looked at here. Finding a fault
            may raise the same.
    """
    if not isinstance(schema.get("$schema", ""), str):
        raise _refused("is not a JSON Schema: '$schema' must be a string")
    patterns = _Patterns()
    with _looking(patterns):
        kind = _bounded(validator_for(schema, default=Draft202012Validator))
        error = best_match(kind(kind.META_SCHEMA, format_checker=_FORMATS).iter_errors(schema))
    if error is not None and isinstance(error.cause, PatternError):
        raise _unsearchable(error.instance)
    if error is not None:
        raise _refused(f"is not a JSON Schema: {error.message}")
    if all(name in encode(schema) for name in _NOT_TOGETHER):
        raise _refused("has both 'unevaluatedProperties' and 'patternProperties'; use one of them")
    validator = kind(schema, registry=Registry())

    def fault_of(instance: JSON) -> str | None:
        with _looking(patterns):
            error = best_match(validator.iter_errors(instance))
        return _shortened(f"at {error.json_path}: {error.message}") if error else None

    return fault_of


class _TooCostly(Exception):
    """The time for this look is over."""


class _Patterns:
    """The patterns of one schema, compiled when they are first met."""

    def __init__(self) -> None:
        self._compiled: dict[str, SchemaValidator] = {}

    def __getitem__(self, pattern: str) -> SchemaValidator:
        if pattern not in self._compiled:
            schema = str_schema(pattern=pattern, regex_engine="rust-regex")
            self._compiled[pattern] = SchemaValidator(schema)
        return self._compiled[pattern]


class _Look:
    """One look at an instance, and until when it may last."""

    def __init__(self, patterns: _Patterns) -> None:
        self.patterns = patterns
        self._until = thread_time() + MAX_SECONDS

    def go_on(self) -> None:
        """Look at the next thing, if there is time."""
        if thread_time() > self._until:
            raise _TooCostly


_LOOK: ContextVar[_Look] = ContextVar("look")
_FORMATS = FormatChecker(())  # those of schemas, not of instances
_NOT_TOGETHER = (b'"unevaluatedProperties":', b'"patternProperties":')


@contextmanager
def _looking(patterns: _Patterns) -> Iterator[None]:
    """Look at one instance; what makes that impossible is a fault of the schema's."""
    token = _LOOK.set(_Look(patterns))
    try:
        yield
    except (_TooCostly, RecursionError) as error:
        raise _refused(
            "asks for more work than one answer is given here; make it smaller, with fewer "
            "alternatives and references within each other"
        ) from error
    except Unresolvable as error:
        raise _refused(f"is not a JSON Schema: {error.ref!r} leads nowhere") from error
    except ValueError as error:
        raise _refused("is not a JSON Schema: a name in it is no URL") from error
    except InvalidRequest:
        raise
    except Exception as error:  # what is referred to is checked by nobody before it is met
        raise _refused("has a part, which is referred to, that is no JSON Schema") from error
    finally:
        _LOOK.reset(token)


@_FORMATS.checks("regex", raises=PatternError)
def _is_pattern(text: JSON) -> bool:
    _LOOK.get().go_on()
    return not isinstance(text, str) or _LOOK.get().patterns[text] is not None


@lru_cache
def _bounded(kind: Validator) -> Validator:
    """The same kind of validator, whose keywords take their time from the look."""
    keywords = {
        name: _timed(_KEYWORDS.get(name, keyword)) for name, keyword in kind.VALIDATORS.items()
    }
    bounded: Validator = extend(kind, keywords)  # type: ignore[no-untyped-call]
    bounded.evolve = attrs.evolve  # its own would follow a `$schema` to a kind without bounds
    return bounded


def _timed(keyword: Keyword) -> Keyword:
    def looked_at(
        validator: Validator, value: JSON, instance: JSON, schema: JSON
    ) -> Iterator[ValidationError]:
        _LOOK.get().go_on()
        for error in keyword(validator, value, instance, schema) or ():
            error.message = _shortened(error.message)
            yield error

    return looked_at


def _shortened(message: str) -> str:
    """Without the middle: it may repeat the whole instance before it says what is wrong."""
    half = MAX_FAULT_LENGTH // 2
    return message if len(message) <= MAX_FAULT_LENGTH else f"{message[:half]}…{message[-half:]}"


_TOKENS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|[()]|.", re.DOTALL)


@lru_cache
def _size(pattern: str) -> int:
    """How many places a pattern has when all that is repeated is written out."""
    sizes, last = [0], 0
    for token in _TOKENS.finditer(pattern):
        times = int(token[2] or token[1]) if token[1] else 0
        if times:
            sizes[-1] += last * (times - 1)
            last *= times
        elif token[0] == "(":
            sizes.append(0)
        elif token[0] == ")" and len(sizes) > 1:
            last = sizes.pop()
            sizes[-1] += last
        elif token[0] not in "?*+":
            last = 1
            sizes[-1] += last
    return sum(sizes)


def _finds(pattern: str, text: str) -> bool:
    look = _LOOK.get()
    look.go_on()
    if _size(pattern) * len(text) > MAX_STEPS:
        raise _TooCostly
    try:
        return look.patterns[pattern].isinstance_python(text)
    except PatternError as error:  # drafts before the sixth do not say which texts are patterns
        raise _unsearchable(pattern) from error


def _pattern(_: Validator, wanted: str, instance: JSON, _schema: JSON) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _finds(wanted, instance):
        yield ValidationError(f"{instance!r} does not match {wanted!r}")


def _pattern_properties(
    validator: Validator, wanted: dict[str, JSON], instance: JSON, _schema: JSON
) -> Iterator[ValidationError]:
    for pattern, schema in wanted.items() if isinstance(instance, dict) else ():
        for name, value in instance.items():
            if _finds(pattern, name):
                yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Validator, wanted: JSON, instance: JSON, schema: JSON
) -> Iterator[ValidationError]:
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, value in instance.items() if isinstance(instance, dict) else ():
        if name in known or any(_finds(pattern, name) for pattern in patterns):
            continue
        if wanted is False:
            yield ValidationError(f"Additional properties are not allowed ({name!r} is one)")
        else:
            yield from validator.descend(value, wanted, path=name)


def _unique_items(
    _: Validator, wanted: JSON, instance: JSON, _schema: JSON
) -> Iterator[ValidationError]:
    if wanted and isinstance(instance, list) and len(set(map(_key, instance))) < len(instance):
        yield ValidationError(f"{instance!r} has non-unique elements")


def _multiple_of(
    _: Validator, wanted: JSON, instance: JSON, _schema: JSON
) -> Iterator[ValidationError]:
    """As they are written: 19.99 is a multiple of 0.01, but not of the nearest binary fraction."""
    is_number = isinstance(instance, int | float) and not isinstance(instance, bool)
    if is_number and _exact(instance) % _exact(wanted):
        yield ValidationError(f"{instance!r} is not a multiple of {wanted!r}")


def _exact(number: float) -> Fraction:
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _key(value: JSON) -> Hashable:
    """The same for values that are the same in JSON, where 1 is 1.0 but not true."""
    match value:
        case dict():
            return frozenset((name, _key(each)) for name, each in value.items())
        case list():
            return tuple(map(_key, value))
        case bool():
            return bool, value
        case _:
            return value  # type: ignore[no-any-return]


_KEYWORDS: Mapping[str, Keyword] = {  # those whose time, or exactness, jsonschema leaves open
    "multipleOf": _multiple_of,
    "divisibleBy": _multiple_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(
        f"'text.format.schema' {why}.",
        code="invalid_value",
        param="text.format.schema",
    )


def _unsearchable(pattern: str) -> InvalidRequest:
    return _refused(
        f"has the pattern {pattern[:100]!r}, which is not searched for here: patterns have no "
        "look-around and no back-references, and are of moderate size"
    )
