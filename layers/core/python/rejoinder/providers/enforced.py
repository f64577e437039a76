"""Structured output is never silently unenforced.

Where a model's server does not itself see to it that an answer matches the schema of
`text.format` (`ModelFacts.enforces_schemas`), the answer is looked at here before the response
may complete. It streams as it comes; one that does not match ends as failed.
"""

from collections.abc import Callable
from contextlib import aclosing

from msgspec import DecodeError
from msgspec.json import decode

from rejoinder.engine.deltas import Finished, RefusalDelta, TextDelta, ToolCallDelta
from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import InvalidRequest, SchemaMismatch
from rejoinder.providers.base import Turn
from rejoinder.schema.items import JSON

MAX_MESSAGE_LENGTH = 300

type Fault = Callable[[JSON], str | None]  # what is wrong with an instance, if anything is


async def enforced(turn: Turn, deltas: Deltas) -> Deltas:
    """The same deltas; but the last one only if the answer is as the request wants it.

    A refusal, an answer that was cut off, and one that calls tools instead say so themselves.

    Raises:
        InvalidRequest: if the schema is none.
        SchemaMismatch: naming the place that does not match.
    """
    async with aclosing(deltas):
        fault_of = _fault_finder(turn)
        if fault_of is None:
            async for batch in deltas:
                yield batch
            return
        said: list[str] = []
        is_other = False
        async for batch in deltas:
            for delta in batch:
                if isinstance(delta, TextDelta):
                    said.append(delta.text)
                is_other |= isinstance(delta, ToolCallDelta | RefusalDelta)
            last = batch[-1] if batch else None
            is_whole = isinstance(last, Finished) and last.reason == "stop" and not is_other
            if is_whole and (fault := _fault("".join(said), fault_of)):
                yield batch[:-1]
                raise _mismatch(turn, fault)
            yield batch


def _fault_finder(turn: Turn) -> Fault | None:
    form = turn.request.text["format"]
    if form["type"] != "json_schema" or turn.facts.enforces_schemas == "all":
        return None
    return _validator(form["schema"])


def _validator(schema: dict[str, JSON]) -> Fault:
    """Imported only now: most requests have no use for it. No reference leaves the schema."""
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise _no_schema(error.message) from error
    validator = kind(schema, registry=Registry())

    def fault_of(instance: JSON) -> str | None:
        try:
            error = best_match(validator.iter_errors(instance))
        except Unresolvable as unresolvable:
            raise _no_schema(f"{unresolvable.ref!r} leads nowhere") from unresolvable
        return f"at {error.json_path}: {error.message}" if error else None

    return fault_of


def _fault(text: str, fault_of: Fault) -> str | None:
    try:
        instance = decode(text)
    except (DecodeError, RecursionError):
        return "it is not JSON"
    return fault_of(instance)


def _mismatch(turn: Turn, fault: str) -> SchemaMismatch:
    name = turn.request.text["format"]["name"]
    return SchemaMismatch(
        f"The model's answer does not match the JSON schema {name!r} of this request; "
        f"{fault[:MAX_MESSAGE_LENGTH]}. Ask again, or simplify the schema."
    )


def _no_schema(fault: str) -> InvalidRequest:
    return InvalidRequest(
        f"'text.format.schema' is not a JSON Schema: {fault[:MAX_MESSAGE_LENGTH]}.",
        code="invalid_value",
        param="text.format.schema",
    )
