"""The demo fills in schemas: what it says matches them, or it says that it cannot."""

import json

import pytest
from jsonschema import Draft202012Validator

from tests.api.door import JSON, Door, error_of

STRING = {"type": "string"}
FORMATS = (
    *("date", "date-time", "time", "duration", "email", "hostname", "uuid", "uri", "ipv4", "ipv6"),
    "json-pointer",
)
PATTERNS = (
    *(r"^[A-Z]{3}-\d{4}$", r"^[^\s@]+@[^\s@]+\.[a-z]+$", r"#[0-9a-fA-F]{6}", r"[\w.-]+", "^[]a]+$"),
    *(r"^(?:foo|bar)(?P<rest>\.[a-z]{2,})?$", r"^\+?[0-9 ]{8,12}$", "^.{10,20}$", "^$"),
    r"^v(0|[1-9]\d*)\.(0|[1-9]\d*)$",
)
SCHEMAS: dict[str, JSON] = {
    "minItems": {"type": "array", "items": STRING, "minItems": 3},
    "maxItems": {"type": "array", "items": STRING, "maxItems": 0},
    "uniqueItems": {"type": "array", "items": STRING, "minItems": 3, "uniqueItems": True},
    "unique numbers": {
        "type": "array",
        "items": {"type": "integer", "minimum": 5, "maximum": 7},
        "minItems": 3,
        "uniqueItems": True,
    },
    "unique words": {
        "type": "array",
        "items": {"enum": ["a", "b", "c"]},
        "minItems": 3,
        "uniqueItems": True,
    },
    "prefixItems": {"type": "array", "prefixItems": [STRING, {"type": "null"}], "items": False},
    "minLength": STRING | {"minLength": 25},
    "much minLength": STRING | {"minLength": 5000},
    "maxLength": STRING | {"maxLength": 2},
    "exclusiveMinimum": {"type": "integer", "exclusiveMinimum": 10},
    "between two numbers": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
    "maximum": {"type": "integer", "maximum": -7},
    "multipleOf": {"type": "number", "multipleOf": 0.25, "minimum": 9.6},
    "whole multipleOf": {"type": "integer", "multipleOf": 2.5, "minimum": 1},
    "allOf": {
        "allOf": [
            {"properties": {"a": STRING}, "required": ["a"]},
            {"properties": {"b": {"type": "integer", "minimum": 3}}, "required": ["b"]},
        ]
    },
    "oneOf beside properties": {
        "properties": {"a": STRING},
        "required": ["a"],
        "oneOf": [{"properties": {"kind": {"const": 1}}, "required": ["kind"]}],
    },
    "additionalProperties": {"required": ["x"], "additionalProperties": {"type": "boolean"}},
    **{name: STRING | {"format": name} for name in FORMATS},
    **{pattern: STRING | {"pattern": pattern} for pattern in PATTERNS},
    "pattern and minLength": STRING | {"pattern": "^(ab)+$", "minLength": 15},
}
IMPOSSIBLE: dict[str, JSON] = {
    "nothing": {"not": {}},
    "a number between two": {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
    "a pattern that is no simple one": STRING | {"pattern": r"^\p{Greek}+$"},
    "a very long pattern": STRING | {"pattern": "^" + "(a|b)" * 500 + "$"},
    "a very long text": STRING | {"pattern": "^((a{99}){99}){9}$"},
}


def asking(schema: JSON) -> JSON:
    wrapped = {"type": "object", "properties": {"it": schema}, "required": ["it"]}
    wanted = {"type": "json_schema", "name": "answer", "schema": wrapped}
    return {"model": "demo", "input": "Fill it in.", "text": {"format": wanted}}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
async def test_the_demo_says_what_the_schema_wants(door: Door, schema: JSON) -> None:
    answer = await door.http.post("/v1/responses", json=asking(schema))

    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "completed"
    said = json.loads(answer.json()["output_text"])
    formats = Draft202012Validator.FORMAT_CHECKER
    assert [*Draft202012Validator(schema, format_checker=formats).iter_errors(said["it"])] == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("schema", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
async def test_the_demo_says_before_all_else_what_it_cannot_fill_in(
    door: Door, schema: JSON, stream: bool
) -> None:
    answer = await door.http.post("/v1/responses", json=asking(schema) | {"stream": stream})

    error = error_of(answer)
    assert answer.status_code == 400
    assert (error["code"], error["param"]) == ("unsupported_value", "text.format.schema")
    assert error["message"].startswith("The demo is a script, which found no example")
    assert error["message"].endswith("Simplify the schema, or ask a real model.")


async def test_a_tool_is_called_with_what_its_parameters_want(door: Door) -> None:
    parameters = {"type": "object", "properties": {"ids": SCHEMAS["minItems"]}, "required": ["ids"]}
    tool = {"type": "function", "name": "water_plants", "parameters": parameters}

    response = await door.create("Water them.", tools=[tool], tool_choice="required")

    [call] = response["output"]
    assert len(json.loads(call["arguments"])["ids"]) == 3
