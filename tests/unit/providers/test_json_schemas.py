"""What a stranger's schema may cost, and that it means what JSON Schema says."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rejoinder.errors import InvalidRequest
from rejoinder.providers.json_schemas import MAX_FAULT_LENGTH, fault_finder

type JSON = Any

STALLING = "^(a+)+$"  # takes who steps back 2**n steps
LONG = "a" * 60 + "!"
DRAFTS = [
    "http://json-schema.org/draft-03/schema#",
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
]


def exploding(levels: int) -> JSON:
    """A small schema that asks for 2**levels looks at the same instance."""
    steps = {
        f"s{n}": {"anyOf": [{"$ref": f"#/$defs/s{n + 1}"}, {"$ref": f"#/$defs/s{n + 1}"}]}
        for n in range(levels)
    }
    return {"$ref": "#/$defs/s0", "$defs": {**steps, f"s{levels}": {"type": "integer"}}}


@pytest.mark.parametrize("draft", DRAFTS)
def test_a_pattern_takes_no_longer_than_the_text_is_long(draft: str) -> None:
    fault_of = fault_finder({"$schema": draft, "pattern": STALLING})

    assert fault_of("aaa") is None
    assert "does not match" in str(fault_of(LONG))


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("more", [{}, {"additionalProperties": False}])
def test_nor_does_a_pattern_of_names(draft: str, more: JSON) -> None:
    schema = {"$schema": draft, "patternProperties": {STALLING: {"type": "string"}, "!$": {}}}

    fault_of = fault_finder(schema | more)

    assert fault_of({LONG: 1}) is None
    assert "not of type" in str(fault_of({"aa": 1}))
    assert (fault_of({"b": 1}) is None) is not bool(more)


@pytest.mark.parametrize("draft", DRAFTS)
def test_nor_one_in_a_part_that_names_a_draft_of_its_own(draft: str) -> None:
    part = {"$schema": draft, "pattern": STALLING, "uniqueItems": True}

    fault_of = fault_finder({"properties": {"a": part}})

    assert fault_of({"a": LONG}) is not None


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", "(?<!a)b", "(", r"\w{1000}"])
@pytest.mark.parametrize("is_name", [True, False])
def test_a_pattern_that_cannot_be_searched_for_is_refused(pattern: str, is_name: bool) -> None:
    schema: JSON = {"patternProperties": {pattern: {}}} if is_name else {"pattern": pattern}

    with pytest.raises(InvalidRequest, match="look-around") as refused:
        fault_finder({"properties": {"a": schema}})

    assert refused.value.param == "text.format.schema"
    assert repr(pattern) in refused.value.message


@pytest.mark.parametrize(
    ("pattern", "length"),
    [
        (".{0,5000}x.{0,5000}y$", 40_000),
        (r"[\s\S]{100,4000}z$", 50_000),
        ("((ab?){50}c){50}", 50_000),
        (r"(\(\[)[\]}]{2000,}", 50_000),
    ],
)
def test_a_pattern_is_not_searched_for_in_more_text_than_it_can_be(
    pattern: str, length: int
) -> None:
    fault_of = fault_finder({"pattern": pattern})

    assert fault_of("no") is not None
    with pytest.raises(InvalidRequest, match="more work"):
        fault_of("a" * length)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^[a-z]{1,64}(-[a-z]{1,64})*$", "ab-" * 30_000 + "ab"),
        (r"^\{+\[{5}$", "{" * 100_000 + "[[[[["),
        (r"^\S+@\S+\.\w{2,}$", "a" * 100_000 + "@example.org"),
    ],
)
def test_an_ordinary_pattern_is_searched_for_in_long_text(pattern: str, text: str) -> None:
    fault_of = fault_finder({"pattern": pattern})

    assert fault_of(text) is None
    assert "does not match" in str(fault_of(f"{text} "))


@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        (
            {
                "$ref": "#/components/A",
                "components": {"A": {"properties": {"f": {"type": "file"}}}},
            },
            {"f": 1},
        ),
        ({"$ref": "#/x/A", "x": {"A": {"properties": {"f": {"required": True}}}}}, {"f": {}}),
        ({"$schema": DRAFTS[1], "properties": {"a": {"$ref": 5}}}, {"a": 1}),
        ({"$schema": DRAFTS[0], "properties": {"a": {"type": [{"type": []}]}}}, {"a": 1}),
        ({"foo": 5, "$ref": "#/foo"}, 1),
        ({"enum": [{"multipleOf": 0}], "$ref": "#/enum/0"}, 1),
    ],
)
def test_a_reference_to_what_is_no_schema_is_refused(schema: JSON, instance: JSON) -> None:
    with pytest.raises(InvalidRequest) as refused:
        fault_finder(schema)(instance)

    assert refused.value.param == "text.format.schema"


@pytest.mark.parametrize("draft", DRAFTS[1:])
def test_numbers_are_multiples_as_they_are_written(draft: str) -> None:
    fault_of = fault_finder({"$schema": draft, "multipleOf": 0.01})

    assert [fault_of(each) for each in (19.99, 0.07, 3, 10**400, -0.3, True, "x")] == [None] * 7
    assert "is not a multiple of 0.01" in str(fault_of(0.015))


def test_an_older_draft_says_so_when_the_pattern_is_met() -> None:
    draft = "http://json-schema.org/draft-04/schema#"
    fault_of = fault_finder({"$schema": draft, "patternProperties": {"(?=a)b": {}}})

    with pytest.raises(InvalidRequest, match="look-around"):
        fault_of({"ab": 1})


def test_a_property_may_be_called_pattern() -> None:
    fault_of = fault_finder({"properties": {"pattern": {"const": "(?=a)"}}})

    assert fault_of({"pattern": "(?=a)"}) is None


def test_patterns_of_names_and_what_is_unevaluated_are_not_looked_at_together() -> None:
    with pytest.raises(InvalidRequest, match="use one of them"):
        fault_finder({"patternProperties": {"a": {}}, "unevaluatedProperties": False})


@pytest.mark.parametrize("schema", [exploding(40), {"$ref": "#"}, {"allOf": [{"$ref": "#"}] * 2}])
def test_a_schema_that_asks_for_endless_work_is_refused(schema: JSON) -> None:
    fault_of = fault_finder(schema)

    with pytest.raises(InvalidRequest, match="more work") as refused:
        fault_of("no integer")

    assert refused.value.param == "text.format.schema"


def test_so_is_one_that_is_too_large_to_be_looked_at_itself() -> None:
    with pytest.raises(InvalidRequest, match="more work"):
        fault_finder({"allOf": [{"type": "string"} for _ in range(100_000)]})


def test_so_is_one_that_is_too_deep() -> None:
    schema: JSON = {}
    for _ in range(1000):
        schema = {"not": schema}

    with pytest.raises(InvalidRequest, match="more work"):
        fault_finder(schema)


def test_many_items_that_differ_are_looked_at_once_each() -> None:
    fault_of = fault_finder({"uniqueItems": True})
    items: list[JSON] = [{"a": number} for number in range(50_000)]

    assert fault_of(items) is None
    assert "non-unique" in str(fault_of([*items, {"a": 7.0}]))


def test_a_fault_does_not_repeat_a_whole_instance() -> None:
    fault = fault_finder({"anyOf": [{"type": "integer"}] * 3})("x" * 1_000_000)

    assert fault is not None
    assert fault.endswith("is not valid under any of the given schemas")
    assert len(fault) <= MAX_FAULT_LENGTH + 1


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": 5},
        {"$schema": ["a"]},
        {"$schema": "http://["},
        {"$id": 5},
        {"$id": "http://[", "$ref": "a"},
        {"$ref": ["a"]},
        {"$ref": "http://["},
        {"$dynamicRef": "#x"},
    ],
)
def test_what_is_no_schema_is_refused(schema: JSON) -> None:
    with pytest.raises(InvalidRequest, match="not a JSON Schema"):
        fault_finder(schema)({})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["a", "ab", "", 1.0, 0.5]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
PATTERNS = st.sampled_from(["a", "^a$", "b|c", "."])
SCHEMAS = st.recursive(
    st.booleans() | st.builds(lambda kind: {"type": kind}, st.sampled_from(["string", "object"])),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "pattern": PATTERNS,
            "uniqueItems": st.booleans(),
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
            "additionalProperties": inner,
            "items": inner,
            "not": inner,
        },
    ),
    max_leaves=6,
).filter(lambda schema: isinstance(schema, dict))


@settings(deadline=None, max_examples=300)
@given(SCHEMAS, VALUES)
def test_an_instance_matches_if_json_schema_says_so(schema: JSON, value: JSON) -> None:
    is_valid = Draft202012Validator(schema).is_valid(value)

    assert (fault_finder(schema)(value) is None) is is_valid
