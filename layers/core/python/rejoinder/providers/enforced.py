"""Structured output is never silently unenforced.

Where a model's server does not itself see to it that an answer matches the schema of
`text.format` (`ModelFacts.enforces_schemas`), the answer is looked at here before the response
may complete. It streams as it comes; one that does not match ends as failed. Who says `strict:
false` wants the model's best effort, and gets it as it is.
"""

from contextlib import aclosing
from typing import TYPE_CHECKING

from msgspec import DecodeError
from msgspec.json import decode

from rejoinder.engine.deltas import Finished, RefusalDelta, TextDelta, ToolCallDelta
from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import SchemaMismatch
from rejoinder.providers.base import Turn

if TYPE_CHECKING:
    from rejoinder.providers.json_schemas import Fault


async def enforced(turn: Turn, deltas: Deltas) -> Deltas:
    """The same deltas; but the last one only if the answer is as the request wants it.

    A refusal, an answer that was cut off, and one that calls tools instead say so themselves.

    Raises:
        InvalidRequest: if the schema is none, or cannot be looked after here.
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


def _fault_finder(turn: Turn) -> "Fault | None":
    """Loaded only now: most requests have no use for it."""
    form = turn.request.text["format"]
    is_wanted = form["type"] == "json_schema" and form.get("strict") is not False
    if not is_wanted or turn.facts.enforces_schemas == "all":
        return None
    from rejoinder.providers.json_schemas import fault_finder

    return fault_finder(form["schema"])


def _fault(text: str, fault_of: "Fault") -> str | None:
    try:
        instance = decode(text)
    except (DecodeError, RecursionError):
        return "it is not JSON"
    return fault_of(instance)


def _mismatch(turn: Turn, fault: str) -> SchemaMismatch:
    name = turn.request.text["format"]["name"]
    return SchemaMismatch(
        f"The model's answer does not match the JSON schema {name!r} of this request; "
        f"{fault}. Ask again, or simplify the schema."
    )
