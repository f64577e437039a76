"""The two descriptions of the endpoint that users come with, by their example requests."""

import json

import pytest

from tests.api.door import FUNCTION, KEY, Door, error_of


async def test_the_chat_shaped_example_needs_a_tools_name_and_16_tokens(door: Door) -> None:
    example = {
        "model": "demo",
        "input": "",
        "instructions": "",
        "stream": False,
        "temperature": 1,
        "top_p": 1,
        "max_output_tokens": 64,
        "tools": [
            {
                "type": "function",
                "function": {"name": "ring_bell", "description": "", "parameters": {}},
            }
        ],
        "tool_choice": None,
        "parallel_tool_calls": True,
        "text": {"format": {"type": "text"}},
        "store": True,
        "include": [""],
        "reasoning": None,
    }
    nameless = example | {"tools": [{"type": "function", "function": {"name": ""}}]}
    headers = {"X-API-Key": KEY, "Authorization": ""}

    answer = await door.http.post("/v1/openai/responses", json=example, headers=headers)
    short = await door.http.post("/v1/openai/responses", json=example | {"max_output_tokens": 1})
    unnamed = await door.http.post("/v1/openai/responses", json=nameless)

    response = answer.json()
    assert answer.status_code == 200
    assert response["tools"][0] == {
        "type": "function",
        "name": "ring_bell",
        "description": "",
        "parameters": {},
        "strict": False,
    }
    assert response["tool_choice"] == "auto"
    assert response["instructions"] is None
    assert response["incomplete_details"] is None
    assert error_of(short)["code"] == "integer_below_min_value"
    assert error_of(unnamed)["param"] == "tools[0].name"


async def test_the_first_examples_answer_has_all_its_keys(door: Door) -> None:
    response = await door.create("Ring the bell.")

    assert response["id"].startswith("resp_")
    assert isinstance(response["created_at"], int)
    (message,) = response["output"]
    assert message.keys() >= {"id", "type", "role", "status", "content"}
    assert message["content"][0].keys() >= {"type", "text", "annotations"}
    assert message["content"][0]["text"] == response["output_text"]
    assert response["usage"].keys() >= {"input_tokens", "output_tokens", "total_tokens"}


async def test_the_second_description_is_echoed_field_by_field(door: Door) -> None:
    fields = {
        "instructions": "Answer in rhyme.",
        "max_output_tokens": 16,
        "temperature": 0.5,
        "top_p": 0.25,
        "tools": [FUNCTION | {"strict": True}],
        "tool_choice": {"type": "function", "name": "water_plants"},
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low", "summary": "concise"},
        "metadata": {"garden": "north"},
        "truncation": "auto",
        "user": "gardener-7",
    }

    response = await door.create("Water?", **fields, service_tier="flex", seed=7)

    assert {name: response[name] for name in fields} == fields
    assert response["service_tier"] == "default"
    assert "seed" not in response


async def test_a_nested_schema_is_echoed_flat_and_answered(door: Door) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    nested = {"type": "json_schema", "json_schema": {"name": "sum", "schema": schema}}

    response = await door.create("Add.", text={"format": nested})

    assert response["text"]["format"] == {
        "type": "json_schema",
        "name": "sum",
        "description": None,
        "schema": schema,
        "strict": False,
    }
    assert json.loads(response["output_text"]) == {"a": 1}


async def test_a_json_object_is_answered_as_one(door: Door) -> None:
    response = await door.create("Say it in json.", text={"format": {"type": "json_object"}})

    assert isinstance(json.loads(response["output_text"]), dict)


async def test_no_summary_is_echoed_as_null(door: Door) -> None:
    response = await door.create(reasoning={"effort": "high", "summary": "none"})

    assert response["reasoning"] == {"effort": "high", "summary": None}


async def test_an_answer_that_is_cut_is_incomplete(door: Door) -> None:
    response = await door.create("word " * 50, max_output_tokens=16)

    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["completed_at"] is None


@pytest.mark.parametrize(
    "model", ["o3-deep-research", "o4-mini-deep-research"], ids=["o3", "o4-mini"]
)
async def test_deep_research_is_not_offered(door: Door, model: str) -> None:
    answer = await door.http.post("/v1/responses", json={"model": model, "input": "Dig."})

    assert answer.status_code == 400
    assert error_of(answer)["param"] == "model"


@pytest.mark.parametrize(
    "kind",
    ["web_search_preview", "file_search", "code_interpreter", "mcp", "image_generation"],
)
async def test_hosted_tools_alone_are_refused_with_the_way_out(door: Door, kind: str) -> None:
    answer = await door.http.post(
        "/v1/responses", json={"model": "demo", "input": "Look.", "tools": [{"type": kind}]}
    )

    assert answer.status_code == 400
    assert error_of(answer)["code"] == "unsupported_tool_type"
    assert "'function'" in error_of(answer)["message"]
