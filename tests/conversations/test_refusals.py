"""Every way to ask wrongly, and what is said to it."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.door import Door, error_of, opened

type JSON = Any

MANY = {"items": [{"role": "user", "content": "Hi."}] * 21}
PAIRS = {"metadata": {str(number): "" for number in range(17)}}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "id": "fco_1", "call_id": "c", "output": "5"}
TWICE = [{"role": "user", "content": "Hi.", "id": "msg_1"}] * 2
ALL, ONE = "/v1/conversations", "/v1/conversations/CONV"
ITEMS = f"{ONE}/items"

REFUSED: list[tuple[str, str, JSON, str, str | None]] = [
    ("POST", ALL, {"items": "Hi."}, "invalid_type", "items"),
    ("POST", ALL, {"items": ["Hi."]}, "invalid_type", "items[0]"),
    ("POST", ALL, {"items": [{"role": "tool"}]}, "invalid_value", "items[0].role"),
    ("POST", ALL, MANY, "array_above_max_length", "items"),
    ("POST", ALL, {"items": TWICE}, "invalid_value", "items[1].id"),
    ("POST", ALL, PAIRS, "object_above_max_properties", "metadata"),
    ("POST", ALL, {"metadata": {"k" * 65: ""}}, "string_above_max_length", f"metadata.{'k' * 60}"),
    ("POST", ALL, {"metadata": {"k": "v" * 513}}, "string_above_max_length", "metadata.k"),
    ("POST", ALL, {"metadata": {"k": 1}}, "invalid_type", "metadata.k"),
    ("POST", ALL, [], "invalid_json", None),
    ("POST", ONE, {}, "missing_required_parameter", "metadata"),
    ("POST", ONE, {"metadata": []}, "invalid_type", "metadata"),
    ("POST", ONE, PAIRS, "object_above_max_properties", "metadata"),
    ("POST", ITEMS, {}, "missing_required_parameter", "items"),
    ("POST", ITEMS, {"items": None}, "missing_required_parameter", "items"),
    ("POST", ITEMS, {"items": []}, "invalid_value", "items"),
    ("POST", ITEMS, MANY, "array_above_max_length", "items"),
    ("POST", ITEMS, {"items": [{"type": "shell_call"}]}, "invalid_value", "items[0].type"),
    ("GET", f"{ITEMS}?limit=0", None, "integer_below_min_value", "limit"),
    ("GET", f"{ITEMS}?limit=101", None, "integer_above_max_value", "limit"),
    ("GET", f"{ITEMS}?order=up", None, "invalid_value", "order"),
    ("GET", f"{ITEMS}?after=msg_0", None, "invalid_value", "after"),
]
MISSING: list[tuple[str, str, JSON]] = [
    ("GET", "/v1/conversations/conv_0", None),
    ("POST", "/v1/conversations/conv_0", {"metadata": {}}),
    ("DELETE", "/v1/conversations/conv_0", None),
    ("GET", "/v1/conversations/conv_0/items", None),
    ("POST", "/v1/conversations/conv_0/items", {"items": [{"role": "user", "content": "Hi."}]}),
    ("GET", "/v1/conversations/conv_0/items/msg_0", None),
    ("DELETE", "/v1/conversations/conv_0/items/msg_0", None),
]
REFERENCE = {"items": [{"type": "item_reference", "id": "msg_0"}]}


async def begun(door: Door) -> str:
    body = {"items": [{"role": "user", "content": "Hi."}]}
    answer = await door.http.post(ALL, json=body)
    return str(answer.json()["id"])


@pytest.mark.parametrize(("method", "path", "body", "code", "param"), REFUSED)
async def test_what_is_wrong_is_named(
    door: Door, method: str, path: str, body: JSON, code: str, param: str | None
) -> None:
    path = path.replace("CONV", await begun(door))

    answer = await door.http.request(method, path, json=body)

    error = error_of(answer)
    assert answer.status_code == 400
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)


@pytest.mark.parametrize(("method", "path", "body"), MISSING)
async def test_a_conversation_that_is_not_there_is_named(
    door: Door, method: str, path: str, body: JSON
) -> None:
    answer = await door.http.request(method, path, json=body)

    error = error_of(answer)
    assert answer.status_code == 404
    assert (error["type"], error["code"]) == ("not_found_error", "conversation_not_found")
    assert error["param"] == "conversation_id"
    assert "conv_0" in error["message"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_item_that_is_not_there_is_named(door: Door, method: str) -> None:
    answer = await door.http.request(method, f"{ALL}/{await begun(door)}/items/msg_0")

    error = error_of(answer)
    assert answer.status_code == 404
    assert (error["code"], error["param"]) == ("item_not_found", "item_id")


@pytest.mark.parametrize("path", [ALL, ITEMS])
async def test_a_reference_to_nothing_is_named_and_nothing_is_kept(door: Door, path: str) -> None:
    conversation_id = await begun(door)

    answer = await door.http.post(path.replace("CONV", conversation_id), json=REFERENCE)

    error = error_of(answer)
    assert answer.status_code == 404
    assert (error["code"], error["param"]) == ("item_not_found", "items")
    listed = await door.http.get(f"{ALL}/{conversation_id}/items")
    assert len(listed.json()["data"]) == 1


@pytest.mark.parametrize("named", ["conv_0", {"id": "conv_0"}, "resp_1"])
async def test_a_response_in_no_conversation_is_refused(door: Door, named: JSON) -> None:
    body = {"model": "demo", "input": "Hi.", "conversation": named}

    answer = await door.http.post("/v1/responses", json=body)

    error = error_of(answer)
    assert answer.status_code == 404
    assert (error["code"], error["param"]) == ("conversation_not_found", "conversation")
    assert door.kept == 0


@pytest.mark.parametrize(
    ("named", "param"), [("", "conversation"), ({"id": ""}, "conversation.id")]
)
async def test_a_conversation_without_a_name_is_refused(
    door: Door, named: JSON, param: str
) -> None:
    body = {"model": "demo", "input": "Hi.", "conversation": named}

    answer = await door.http.post("/v1/responses", json=body)

    error = error_of(answer)
    assert answer.status_code == 400
    assert (error["code"], error["param"]) == ("invalid_value", param)


@pytest.mark.parametrize(("path", "metadata"), [(ALL, {}), (ONE, {"metadata": {}}), (ITEMS, {})])
async def test_unknown_fields_are_named(door: Door, path: str, metadata: JSON) -> None:
    path = path.replace("CONV", await begun(door))
    items = [{"role": "user", "content": "Hi."}]
    body = metadata | {"items": items, "mood": "merry", "né": 1, "more": None, "store": True}

    answer = await door.http.post(path, json=body)

    wanted = "items, mood, store" if metadata else "mood, store"
    assert answer.status_code == 200
    assert answer.headers["x-ignored-parameters"] == wanted


@pytest.mark.parametrize("path", [ALL, ONE, ITEMS])
async def test_strict_settings_refuse_unknown_fields(tmp_path: Path, path: str) -> None:
    async with opened(tmp_path, unknown_parameters="reject") as door:
        path = path.replace("CONV", await begun(door))
        items = [{"role": "user", "content": "Hi."}]

        answer = await door.http.post(path, json={"items": items, "metadata": {}, "mood": 1})

        error = error_of(answer)
        assert (answer.status_code, error["code"]) == (400, "unknown_parameter")


@pytest.mark.parametrize("path", [ALL, ITEMS])
@pytest.mark.parametrize("kind", ["function_call_output", "custom_tool_call_output"])
async def test_an_output_without_its_call_is_refused_and_not_kept(
    door: Door, path: str, kind: str
) -> None:
    conversation_id = await begun(door)
    items = [{"role": "user", "content": "Hi."}, {"type": kind, "call_id": "c", "output": "5"}]

    answer = await door.http.post(path.replace("CONV", conversation_id), json={"items": items})

    error = error_of(answer)
    assert answer.status_code == 400
    assert (error["code"], error["param"]) == ("tool_call_not_found", "items")
    assert "'c'" in error["message"]
    listed = await door.http.get(f"{ALL}/{conversation_id}/items")
    assert len(listed.json()["data"]) == 1


async def test_an_output_may_follow_its_call_later(door: Door) -> None:
    path = f"{ALL}/{await begun(door)}/items"

    for item in (CALL, OUTPUT):
        assert (await door.http.post(path, json={"items": [item]})).status_code == 200


async def test_an_output_whose_call_was_deleted_is_named_with_the_remedy(door: Door) -> None:
    conversation_id = await begun(door)
    path = f"{ALL}/{conversation_id}/items"
    await door.http.post(path, json={"items": [CALL, OUTPUT]})
    await door.http.delete(f"{path}/fc_1")
    asking = {"model": "demo", "input": "And?", "conversation": conversation_id}

    refused = await door.http.post("/v1/responses", json=asking)
    method, url = error_of(refused)["message"].split()[-2:]
    await door.http.request(method, url)
    answered = await door.http.post("/v1/responses", json=asking)

    error = error_of(refused)
    assert refused.status_code == 400
    assert (error["code"], error["param"]) == ("tool_call_not_found", "conversation")
    assert answered.status_code == 200


async def test_two_histories_exclude_each_other(door: Door) -> None:
    body = {"model": "demo", "input": "Hi.", "conversation": await begun(door)}

    answer = await door.http.post("/v1/responses", json=body | {"previous_response_id": "resp_1"})

    error = error_of(answer)
    assert answer.status_code == 400
    assert (error["code"], error["param"]) == ("mutually_exclusive_parameters", None)


async def test_hosted_tools_receipts_are_passed_over(door: Door) -> None:
    items = [{"type": "web_search_call", "id": "ws_1"}, {"role": "user", "content": "And?"}]

    answer = await door.http.post(f"{ALL}/{await begun(door)}/items", json={"items": items})

    assert [item["type"] for item in answer.json()["data"]] == ["message"]


async def test_a_conversation_needs_no_body(door: Door) -> None:
    answer = await door.http.post(ALL)

    assert answer.status_code == 200
    assert answer.json()["metadata"] == {}


async def test_what_is_here_is_said(door: Door) -> None:
    described = (await door.http.get("/v1/responses")).json()

    assert described["capabilities"]["conversations"] is True
