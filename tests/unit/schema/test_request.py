"""Reading requests: the tables of accepted and of malformed ones, and what neither shows."""

import re
from typing import cast

import msgspec
import pytest

from rejoinder.errors import GatewayError, InvalidRequest
from rejoinder.schema.reader import read_request
from rejoinder.schema.request import CreateResponse, restored
from tests.unit.schema.accepted import ACCEPTED
from tests.unit.schema.canonical import Accepted
from tests.unit.schema.malformed import MALFORMED, OVERSIZED
from tests.unit.schema.rows import JSON, Malformed, function, item, saying, tool

NEW_ID = re.compile(r'"(msg|fc|fco|ctc|ctco|rs|cmp)_[0-9a-f]{32}"')


def read(body: JSON) -> CreateResponse:
    return read_request(msgspec.json.encode(body))


def plain(items: JSON) -> JSON:
    bare = NEW_ID.sub(r'"\1"', msgspec.json.encode(items).decode())
    return msgspec.json.decode(bare)


def named(case: Accepted | Malformed) -> str:
    return case.name


@pytest.mark.parametrize("case", ACCEPTED, ids=named)
def test_what_clients_send_is_understood(case: Accepted) -> None:
    request = read(case.body)

    for field, wanted in case.becomes.items():
        value = getattr(request, field)
        assert (plain(value) if field == "input" else value) == wanted


@pytest.mark.parametrize("case", ACCEPTED, ids=named)
def test_a_stored_request_is_restored_as_it_was(case: Accepted) -> None:
    request = read(case.body)

    assert restored(msgspec.json.encode(request)) == request


@pytest.mark.parametrize("case", MALFORMED + OVERSIZED, ids=named)
def test_malformed_requests_are_refused_with_code_and_parameter(case: Malformed) -> None:
    with pytest.raises(GatewayError) as refused:
        read_request(case.body)

    error = refused.value
    assert (error.code, error.param, error.status) == (case.code, case.param, case.status)
    assert error.message.endswith(".")
    assert len(error.message) < 300


@pytest.mark.parametrize("case", MALFORMED + OVERSIZED, ids=named)
def test_a_refusal_names_the_parameter_or_the_thing_that_is_not_there(case: Malformed) -> None:
    with pytest.raises(GatewayError) as refused:
        read_request(case.body)

    assert case.code == "unsupported_tool_type" or (case.param or "") in refused.value.message


def test_the_table_of_malformed_requests_has_no_twins() -> None:
    names = [case.name for case in MALFORMED + OVERSIZED]

    assert len(names) == len(set(names)) > 170


def test_a_key_may_have_hosted_tools_refused_even_beside_functions() -> None:
    body = msgspec.json.encode(saying(tools=[function(), {"type": "web_search"}]))

    with pytest.raises(InvalidRequest, match="'web_search' is not available") as refused:
        read_request(body, unsupported_tools="reject")

    assert refused.value.param == "tools[1].type"
    assert read_request(body).ignored_tools == ["web_search"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (saying(max_output_tokens=4), "'max_output_tokens' must be at least 16; got 4."),
        (
            tool(type="mcp"),
            "Tool type 'mcp' is not available here; declare a 'function' tool instead.",
        ),
        (
            item(role="tool", content="5"),
            "'input[0].role' must be 'user', 'assistant', 'system' or 'developer'; got 'tool'. "
            "Send the result of a tool as an item of type 'function_call_output'.",
        ),
        (
            item(role="user", content=[{"type": "text", "text": "Hi."}]),
            "'input[0].content[0].type' must be 'input_text', 'input_image' or 'input_file'; "
            "got 'text'. Chat's 'text' is 'input_text' here.",
        ),
        (
            saying(messages=[]),
            "'messages' is not a parameter of this endpoint. Send 'input' instead.",
        ),
        (
            saying(truncation="x" * 100),
            f"'truncation' must be 'auto' or 'disabled'; got '{'x' * 57}…'.",
        ),
        (saying(store="no"), "'store' must be true or false, without quotes; got 'no'."),
        (saying(metadata={"k": None}), "'metadata.k' must be a string; got null."),
        (saying(user={"id": 1}), "'user' must be a string; got an object."),
        (
            saying(metadata={"k" * 65: "short"}),
            f"'metadata.{'k' * 60}' is too long a key: it may have at most 64 characters; got 65.",
        ),
        (
            saying(metadata={"k": "x" * 600}),
            "'metadata.k' may have at most 512 characters; got 600.",
        ),
        (
            saying(conversation={"name": "mine"}),
            "'conversation.id' is required: the id of a conversation, 'conv_…'.",
        ),
        (
            saying(conversation={"id": 1}),
            "'conversation.id' must be the id of a conversation, 'conv_…'; got 1.",
        ),
        (
            saying(conversation=[]),
            "'conversation' must be the id of a conversation, or an object with it; got an array.",
        ),
    ],
)
def test_messages_name_the_parameter_the_value_and_the_remedy(body: JSON, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(body)

    assert refused.value.message == message


def test_prompts_do_not_travel_in_an_error() -> None:
    secret = "the prompt " * 20

    with pytest.raises(InvalidRequest) as refused:
        read(item(role="user", content=[{"type": "input_text", "text": secret}, "x"]))

    assert "the prompt" not in refused.value.message
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_items_without_ids_get_different_ones() -> None:
    said = {"role": "user", "content": "Hello."}

    request = read(saying(input=[said, said]))

    assert len({one["id"] for one in request.input}) == 2


def test_the_json_schema_of_a_tool_passes_untouched() -> None:
    schema = {"properties": {"n": {"maximum": 2**70, "default": None}}, "$defs": {"a": [1.5, {}]}}

    (only,) = read(tool(type="function", name="f", parameters=schema)).tools

    assert cast(JSON, only)["parameters"] == schema
