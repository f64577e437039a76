"""Answers of a form that the caller chose: natively, by a hidden tool, or in words."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from tests.contract.anthropic.claude import BOUND, OLD, OPUS, SONNET, TIME, Claude, types_of
from tests.upstreams.chat_replies import call, calls, refusal, text

type JSON = Any

PERSON: JSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "Full.", "minLength": 2, "pattern": "^[A-Z]"},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}
GOOD = '{"name":"Ada","age":36}'
OPEN: JSON = {"type": "object", "additionalProperties": {"type": "integer"}}
RECURSIVE: JSON = {
    "type": "object",
    "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
    "additionalProperties": False,
}


def form(schema: JSON = PERSON, *, strict: bool | None = True) -> JSON:
    wanted = {"type": "json_schema", "name": "person", "schema": schema, "strict": strict}
    return {"format": wanted}


async def test_a_native_form_is_told_without_what_the_vendor_does_not_enforce(
    claude: Claude,
) -> None:
    claude.upstream.on(SONNET, text(GOOD))

    response = await claude.create(text=form())

    told = claude.asked["output_config"]["format"]["schema"]
    name, age, tags = (told["properties"][key] for key in ("name", "age", "tags"))
    assert name["description"].startswith("Full.\n\n")
    assert "minLength" in name["description"]
    assert "minLength" not in name
    assert "150" in age["description"]
    assert "minItems" not in tags
    assert response.output_text == GOOD
    assert "tools" not in claude.asked


async def test_effort_and_a_form_share_their_place(claude: Claude) -> None:
    claude.upstream.on(OPUS, text(GOOD))

    await claude.create(model=OPUS, text=form(), reasoning={"effort": "high"})

    assert claude.asked["output_config"].keys() == {"effort", "format"}


async def test_older_models_give_the_form_as_the_input_of_a_hidden_tool(claude: Claude) -> None:
    claude.upstream.on(OLD, calls(call("final_answer", '{"name":"A', 'da","age":36}')))

    events = await claude.stream(model=OLD, text=form())
    response = await claude.create(model=OLD, text=form())

    assert "function_call_arguments.delta" not in types_of(events)
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == GOOD
    assert response.output_text == GOOD
    assert response.status == "completed"
    assert claude.asked["tool_choice"]["name"] == "final_answer"


async def test_beside_a_hidden_tool_real_ones_may_be_called(claude: Claude) -> None:
    claude.upstream.on(OLD, text("Well.") + calls(call("get_time")))

    response = await claude.create(model=OLD, text=form(), tools=[TIME])

    assert [item.type for item in response.output] == ["function_call"]
    assert claude.asked["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


@pytest.mark.parametrize(("schema", "good"), [(OPEN, '{"a":1}'), (RECURSIVE, '{"next":{}}')])
async def test_what_cannot_be_enforced_natively_is_asked_by_the_hidden_tool(
    claude: Claude, schema: JSON, good: str
) -> None:
    claude.upstream.on(SONNET, calls(call("final_answer", good)))

    response = await claude.create(text=form(schema))

    assert response.output_text == good
    assert claude.asked["tools"][0]["input_schema"] == schema


async def test_a_model_that_takes_no_orders_is_told_the_schema_in_words(claude: Claude) -> None:
    claude.upstream.on(BOUND, text('{"a":1}'), text('{"a":"b"}'))

    response = await claude.create(model=BOUND, text=form(OPEN))
    status, error = await claude.refused(model=BOUND, text=form(OPEN))

    assert response.output_text == '{"a":1}'
    assert json.dumps(OPEN, separators=(",", ":")) in claude.asked["system"][-1]["text"]
    assert (status, error["code"]) == (503, "schema_mismatch")


async def test_who_wants_the_best_effort_gets_the_answer_as_it_is(claude: Claude) -> None:
    said = '{"name":"Ada","age":-1}'
    claude.upstream.on(SONNET, text(said))

    events = await claude.stream(text=form(strict=False))
    response = await claude.create(text=form(strict=False))

    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["output_text"] == said
    assert events[-1]["response"]["text"]["format"]["strict"] is False
    assert response.output_text == said


@pytest.mark.parametrize("strict", [True, None])
async def test_an_answer_beyond_the_callers_limits_fails(
    claude: Claude, strict: bool | None
) -> None:
    claude.upstream.on(SONNET, text('{"name":"Ada",', '"age":-1}'))

    events = await claude.stream(text=form(strict=strict))
    status, error = await claude.refused(text=form(strict=strict))

    assert events[-1]["type"] == "response.failed"
    response = events[-1]["response"]
    assert response["error"]["code"] == "server_error"
    assert "$.age" in response["error"]["message"]
    assert response["output"][0]["content"][0]["text"] == '{"name":"Ada","age":-1}'
    assert (status, error["code"], error["type"]) == (503, "schema_mismatch", "server_error")
    assert "'person'" in error["message"]


async def test_a_pattern_that_is_not_searched_for_is_refused_before_anybody_is_asked(
    claude: Claude,
) -> None:
    schema = {"type": "string", "pattern": "^(?=a)"}

    status, error = await claude.refused(text=form(schema))

    assert (status, error["code"], error["param"]) == (400, "invalid_value", "text.format.schema")
    assert claude.upstream.requests == []


@pytest.mark.parametrize("said", ["Sure! Here you are.", '{"name":"Ada"}', "[]", '{"name":"Ada"'])
async def test_an_answer_that_is_something_else_fails(claude: Claude, said: str) -> None:
    claude.upstream.on(SONNET, text(said))

    status, error = await claude.refused(text=form())

    assert (status, error["code"]) == (503, "schema_mismatch")


async def test_refusals_cuts_and_calls_are_not_taken_for_answers(claude: Claude) -> None:
    cut = text('{"name":').ending("length")
    claude.upstream.on(SONNET, refusal("No."), cut, calls(call("get_time")))

    responses = [await claude.create(text=form(), tools=[TIME]) for _ in range(3)]

    assert [each.status for each in responses] == ["incomplete", "incomplete", "completed"]


async def test_any_json_object_is_asked_for_in_words(claude: Claude) -> None:
    await claude.create(instructions="Be brief.", text={"format": {"type": "json_object"}})

    assert [block["text"] for block in claude.asked["system"]] == [
        "Be brief.",
        "Answer with a single JSON object and nothing else.",
    ]


class Person(BaseModel):
    name: str
    age: int = Field(ge=0)


@pytest.mark.parametrize("model", [SONNET, OPUS, OLD])
async def test_the_official_helper_parses_what_the_model_says(claude: Claude, model: str) -> None:
    if model == OLD:
        claude.upstream.on(model, calls(call("final_answer", GOOD)))
    else:
        claude.upstream.on(model, text(GOOD))

    response = await claude.client.responses.parse(model=model, input="Who?", text_format=Person)

    assert response.output_parsed == Person(name="Ada", age=36)


async def test_the_upstreams_own_idea_of_the_schema_is_taken_by_our_check(claude: Claude) -> None:
    schema = PERSON | {"properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}

    response = await claude.create(text=form(schema))

    assert json.loads(response.output_text).keys() == {"name", "age"}
