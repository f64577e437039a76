"""Whatever is sent: a request, or a refusal that says why; nothing else."""

import random
from collections.abc import Iterator

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from rejoinder.errors import InvalidRequest, NotFound
from rejoinder.schema.body import UNSUPPORTED_KEYS, Body
from rejoinder.schema.echo import first_response
from rejoinder.schema.reader import read_request
from rejoinder.schema.request import CreateResponse, restored
from tests.unit.schema.accepted import ACCEPTED
from tests.unit.schema.malformed import MALFORMED
from tests.unit.schema.rows import JSON

WORDS = [*Body.__annotations__, *UNSUPPORTED_KEYS, "type", "role", "content", "id", "function"]
VALUES: list[JSON] = [None, True, 0, -1, 1.5, 10**30, "", "x", "\x00", "é" * 300, [], {}, [{}]]
SEEDS = [case.body for case in ACCEPTED]

text = st.text('aZ_-.0 "{}\\\n\x00é𝄞', max_size=12)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    | st.sampled_from(["message", "user", "input_text", "function", "required", "resp_1"])
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS) | text, inner, max_size=5)
    ),
    max_leaves=12,
)


def attempt(body: bytes) -> CreateResponse | InvalidRequest | NotFound:
    """What reading a body comes to; any other exception fails the test."""
    try:
        return read_request(body)
    except (InvalidRequest, NotFound) as error:
        return error


def check(body: bytes) -> None:
    """Whatever is accepted can be stored, restored and echoed; a refusal is complete."""
    outcome = attempt(body)
    if isinstance(outcome, CreateResponse):
        assert restored(msgspec.json.encode(outcome)) == outcome
        assert msgspec.json.encode(first_response(outcome, id="resp_1", created_at=1))
    else:
        assert outcome.code
        assert outcome.message.endswith(".")
        assert msgspec.json.encode(outcome.body())


def places(value: JSON) -> Iterator[tuple[JSON, int | str]]:
    """Every place inside a value where something else could stand."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    check(body)


@given(st.dictionaries(st.sampled_from(WORDS), anything, max_size=8))
def test_any_fields_are_read_or_refused(fields: dict[str, JSON]) -> None:
    check(msgspec.json.encode({"model": "demo", "input": "Hello."} | fields))


@given(st.lists(anything, max_size=4), st.lists(anything, max_size=3))
def test_any_items_and_tools_are_read_or_refused(items: list[JSON], tools: list[JSON]) -> None:
    check(msgspec.json.encode({"model": "demo", "input": items, "tools": tools}))


@settings(max_examples=400)
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False), st.sampled_from(VALUES))
def test_a_good_request_with_one_thing_changed_is_read_or_refused(
    seed: JSON, chance: random.Random, value: JSON
) -> None:
    body = msgspec.json.decode(msgspec.json.encode(seed))
    parent, key = chance.choice(list(places(body)))
    if chance.random() < 0.2:
        del parent[key]
    else:
        parent[key] = value

    check(msgspec.json.encode(body))


@settings(max_examples=300)
@given(
    st.sampled_from([case.body for case in MALFORMED if len(case.body) < 2000]),
    st.integers(0, 2000),
    st.binary(max_size=3),
)
def test_a_body_with_some_bytes_changed_is_read_or_refused(
    body: bytes, at: int, change: bytes
) -> None:
    check(body[:at] + change + body[at + len(change) :])
