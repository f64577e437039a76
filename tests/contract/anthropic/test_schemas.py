"""Which schemas the vendor enforces, and in which form it is told them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rejoinder.errors import InvalidRequest
from rejoinder.providers.anthropic.schemas import input_schema, is_plain, stripped
from tests.upstreams.anthropic_checks import Refused
from tests.upstreams.anthropic_schemas import check_enforceable

type JSON = Any

TEXT: JSON = {"type": "string"}


def holding(**properties: JSON) -> JSON:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def test_references_and_alternatives_keep_their_form() -> None:
    schema = holding(
        home={"$ref": "#/$defs/place", "description": "Where."},
        work={"oneOf": [{"$ref": "#/$defs/place"}, {"type": "null"}]},
        born={"type": "string", "format": "date"},
        code={"type": ["string", "null"], "format": "isbn"},
    ) | {"$defs": {"place": {"type": "object", "properties": {"city": TEXT}}}}

    told = stripped(schema)

    assert is_plain(schema)
    assert told["properties"]["home"] == {"$ref": "#/$defs/place"}
    assert told["properties"]["work"]["anyOf"][0] == {"$ref": "#/$defs/place"}
    assert told["properties"]["born"]["format"] == "date"
    assert "isbn" in told["properties"]["code"]["description"]
    assert told["$defs"]["place"]["additionalProperties"] is False
    check_enforceable(told, "schema")


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": TEXT}},
        {"type": "object", "additionalProperties": True},
        {"type": "object", "additionalProperties": TEXT},
        {"type": "object", "patternProperties": {".": TEXT}},
        holding(a={}),
        holding(a=True),
        holding(a={"$ref": "#/$defs/absent"}),
        holding(a={"$ref": "https://example.org/schema"}),
        holding(a={"$ref": "#"}),
        holding(a={"type": "array", "items": {"not": TEXT}}),
        {"$ref": ["#/$defs/a"]},
        {"$ref": 5},
        {"$ref": None},
        {"anyOf": 5},
        {"oneOf": {"type": "string"}},
        {"allOf": None},
        {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, TEXT]}}},
    ],
)
def test_open_and_recursive_schemas_are_not_plain(schema: JSON) -> None:
    assert not is_plain(schema)


def test_references_that_fan_out_are_looked_at_once() -> None:
    chain = {
        f"d{n}": holding(a={"$ref": f"#/$defs/d{n + 1}"}, b={"$ref": f"#/$defs/d{n + 1}"})
        for n in range(60)
    }

    assert is_plain({"$ref": "#/$defs/d0", "$defs": {**chain, "d60": TEXT}})


def test_a_tool_without_a_schema_takes_an_object() -> None:
    assert input_schema({}) == {"type": "object", "properties": {}}


@pytest.mark.parametrize("variant", [True, False, {}, {"properties": None}])
def test_alternatives_may_be_any_schema(variant: JSON) -> None:
    schema = {"type": "object", "properties": {"a": TEXT}, "anyOf": [variant]}

    told = input_schema(schema)

    assert told["properties"] == {"a": TEXT}
    assert "anyOf" not in told
    assert "anyOf" in told["description"]


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": 5},
        {"anyOf": {"type": "string"}},
        {"type": "object", "anyOf": ["a"]},
        {"type": "object", "anyOf": [5]},
        {"anyOf": [{"properties": []}]},
        {"properties": 5},
    ],
)
def test_what_is_no_schema_is_refused(schema: JSON) -> None:
    with pytest.raises(InvalidRequest) as refused:
        input_schema(schema)

    assert refused.value.param == "tools"


plain = st.sampled_from(
    [TEXT, {"type": "integer", "minimum": 1}, {"enum": ["a", 1]}, {"const": "a"}, {}, True]
)
schemas = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.builds(
            lambda properties, more: {"type": "object", "properties": properties} | more,
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            st.sampled_from([{}, {"additionalProperties": False}, {"minProperties": 1}]),
        ),
        st.builds(
            lambda items, few: {"type": "array", "items": items, "minItems": few},
            inner,
            st.integers(0, 3),
        ),
        st.builds(
            lambda key, variants: {key: variants},
            st.sampled_from(["anyOf", "oneOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.just({"$ref": "#/properties/a"}),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(schemas)
def test_what_is_plain_is_enforced_when_stripped(schema: JSON) -> None:
    if not is_plain(schema):
        return

    try:
        check_enforceable(stripped(schema), "schema")
    except Refused as refused:
        pytest.fail(str(refused))
