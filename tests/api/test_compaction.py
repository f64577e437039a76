"""Compaction as the Open Responses suite asks for it, and as OpenAPI describes it."""

import pytest

from tests.api.door import JSON, Door, error_of

TALK: JSON = [
    {"type": "message", "role": "user", "content": "I grow roses."},
    {"type": "message", "role": "assistant", "content": "Lovely."},
]


async def test_compact_response(door: Door) -> None:
    body = {"model": "demo", "input": TALK, "prompt_cache_key": "compliance"}

    answer = await door.http.post("/v1/responses/compact", json=body)

    compacted = answer.json()
    assert answer.status_code == 200
    assert compacted["object"] == "response.compaction"
    assert isinstance(compacted["created_at"], int)
    assert "status" not in compacted
    assert [item["type"] for item in compacted["output"]] == ["message", "compaction"]
    assert compacted["output"][-1]["encrypted_content"]
    assert compacted["usage"].keys() == {
        "input_tokens",
        "input_tokens_details",
        "output_tokens",
        "output_tokens_details",
        "total_tokens",
    }


async def test_compact_missing_model(door: Door) -> None:
    answer = await door.http.post("/v1/responses/compact", json={"input": TALK})

    assert answer.status_code == 400
    assert error_of(answer)["param"] == "model"


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/responses/compact"])
async def test_nothing_cannot_be_compacted(door: Door, path: str) -> None:
    rule = {"role": "developer", "content": "Be kind."}
    trigger = [{"type": "compaction_trigger"}] if path == "/v1/responses" else []

    for items in ([], [rule]):
        body = {"model": "demo", "input": [*items, *trigger]}
        answer = await door.http.post(path, json=body)

        assert answer.status_code == 400
        assert error_of(answer)["param"] == "input"
        assert "previous_response_id" in error_of(answer)["message"]
    assert door.kept == 0


@pytest.mark.parametrize("name", ["stream", "background"])
async def test_what_a_compaction_cannot_do_is_refused(door: Door, name: str) -> None:
    body = {"model": "demo", "input": TALK, name: True}

    answer = await door.http.post("/v1/responses/compact", json=body)

    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (400, "unsupported_parameter")
    assert error["param"] == name


async def test_what_a_compaction_passes_over_is_named(door: Door) -> None:
    passed_over = {"store": True, "stream": False, "background": None, "temperature": 1, "mood": 1}
    body = {"model": "demo", "input": TALK, "instructions": "Be kind."} | passed_over

    answer = await door.http.post("/v1/responses/compact", json=body)

    assert answer.status_code == 200
    assert answer.headers["x-ignored-parameters"] == "store, stream, temperature, mood"


async def test_nothing_of_a_compaction_is_kept(door: Door) -> None:
    await door.http.post("/v1/openai/responses/compact", json={"model": "demo", "input": TALK})

    assert door.kept == 0


async def test_what_can_be_done_is_told(door: Door) -> None:
    told = (await door.http.get("/v1/responses")).json()

    assert told["capabilities"]["compact"] is True
    assert {"compaction", "compaction_trigger"} <= {*told["input_types"]}
