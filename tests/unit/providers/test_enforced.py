"""Structured output is never silently unenforced, whichever dialect it came by."""

from collections.abc import Sequence
from typing import Any

import pytest

from rejoinder.engine.deltas import (
    Delta,
    Finished,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.engine.pipeline import Deltas
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import InvalidRequest, SchemaMismatch
from rejoinder.providers.base import ModelFacts, Schemas, Turn
from rejoinder.providers.enforced import enforced
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import PLAIN_TEXT

type JSON = Any

NUMBER: JSON = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
STOP = Finished("stop")


def turn(schema: JSON = NUMBER, enforces: Schemas = "none", *, strict: bool | None = None) -> Turn:
    wanted = {"type": "json_schema", "name": "n", "schema": schema, "strict": strict}
    tools = ToolNames([])
    return Turn(
        model="m",
        request=CreateResponse(model="m", text={**PLAIN_TEXT, "format": wanted}),
        items=[],
        tools=tools,
        known_tools=tools,
        facts=ModelFacts(enforces_schemas=enforces),
        is_streamed=True,
    )


async def saying(*batches: Sequence[Delta]) -> Deltas:
    for batch in batches:
        yield batch


async def passed(asked: Turn, *batches: Sequence[Delta]) -> list[Delta]:
    """All that comes through; an error, if there is one, comes last."""
    told: list[Any] = []
    try:
        async for batch in enforced(asked, saying(*batches)):
            told += batch
    except (SchemaMismatch, InvalidRequest) as error:
        told.append(error)
    return told


async def test_an_answer_that_matches_passes_as_it_came() -> None:
    said: list[list[Delta]] = [[Started()], [TextDelta(0, '{"n"')], [TextDelta(0, ":1}"), STOP]]

    assert await passed(turn(), *said) == [delta for batch in said for delta in batch]


@pytest.mark.parametrize("strict", [True, None])
async def test_an_answer_that_does_not_match_fails_before_it_completes(strict: bool | None) -> None:
    told = await passed(turn(strict=strict), [Started()], [TextDelta(0, '{"n":0}'), STOP])

    *said, error = told
    assert said == [Started(), TextDelta(0, '{"n":0}')]
    assert isinstance(error, SchemaMismatch)
    assert "$.n" in error.message
    assert "minimum of 1" in error.message


@pytest.mark.parametrize("text", ["", "so", '{"n":1', "[" * 100_000])
async def test_an_answer_that_is_no_json_fails(text: str) -> None:
    told = await passed(turn(), [Started(), TextDelta(0, text), STOP])

    assert isinstance(told[-1], SchemaMismatch)
    assert "not JSON" in told[-1].message


@pytest.mark.parametrize("schema", [NUMBER, {"type": "obiect"}])
async def test_who_wants_no_more_than_an_effort_gets_what_is_said(schema: JSON) -> None:
    told = await passed(turn(schema, strict=False), [Started(), TextDelta(0, "so"), STOP])

    assert told == [Started(), TextDelta(0, "so"), STOP]


async def test_who_enforces_it_all_is_trusted() -> None:
    told = await passed(turn(enforces="all"), [Started(), TextDelta(0, "so"), STOP])

    assert told[-1] == STOP


@pytest.mark.parametrize(
    ("delta", "end"),
    [
        (ToolCallDelta(0, "{}", "call_1", "f"), STOP),
        (RefusalDelta(0, "No."), STOP),
        (TextDelta(0, '{"n":'), Finished("max_output_tokens")),
        (TextDelta(0, '{"n":'), Finished("content_filter")),
    ],
)
async def test_what_is_no_answer_is_not_looked_at(delta: Delta, end: Finished) -> None:
    assert (await passed(turn(), [Started(), delta, end]))[-1] == end


@pytest.mark.parametrize("schema", [{"type": "obiect"}, {"properties": 1}, {"required": "n"}])
async def test_a_schema_that_is_none_is_refused_before_anything_is_said(schema: JSON) -> None:
    (error,) = await passed(turn(schema), [Started()], [STOP])

    assert isinstance(error, InvalidRequest)
    assert error.param == "text.format.schema"


@pytest.mark.parametrize("ref", ["#/$defs/absent", "https://127.0.0.1:1/schema.json"])
async def test_a_reference_out_of_the_schema_is_never_followed(ref: str) -> None:
    told = await passed(turn({"$ref": ref}), [Started(), TextDelta(0, "{}"), STOP])

    assert isinstance(told[-1], InvalidRequest)
    assert ref.removeprefix("#") in told[-1].message


async def test_references_within_the_schema_are() -> None:
    schema = {"$ref": "#/$defs/n", "$defs": {"n": NUMBER}}

    told = await passed(turn(schema), [Started(), TextDelta(0, '{"n":"x"}'), STOP])

    assert isinstance(told[-1], SchemaMismatch)
