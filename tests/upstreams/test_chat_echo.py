"""What the scripted upstream says when no test has told it."""

import json
from typing import Any

import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests.upstreams.asking import HELLO, TIME, WEATHER, asked_json, deltas, streamed

type JSON = Any


class Place(BaseModel):
    name: str
    population: int


def test_a_model_without_script_echoes_with_a_count_of_its_tokens(client: OpenAI) -> None:
    chunks = streamed(client, stream_options={"include_usage": True})

    words = [delta["content"] for delta in deltas(chunks)]
    assert words == ["You ", "said: ", "Hello ", "there, ", "model."]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 5
    assert chunks[-1].usage.prompt_tokens > 5
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_the_echo_stops_at_the_token_limit(client: OpenAI) -> None:
    told = asked_json(client, max_completion_tokens=2)

    assert told["choices"][0]["message"]["content"] == "You said: "
    assert told["choices"][0]["finish_reason"] == "length"


def test_the_echo_tells_what_the_tool_said(client: OpenAI) -> None:
    made = {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": ""}}
    answered = {"role": "tool", "tool_call_id": "call_1", "content": "noon"}
    messages = [*HELLO, {"role": "assistant", "tool_calls": [made]}, answered]

    told = asked_json(client, messages=messages)

    assert told["choices"][0]["message"]["content"] == "The tool said: noon"


@pytest.mark.parametrize(
    ("choice", "finish"),
    [
        ("required", "tool_calls"),
        ({"type": "function", "function": {"name": "get_weather"}}, "stop"),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": "get_weather"}}],
                },
            },
            "stop",
        ),
    ],
)
def test_a_forced_tool_is_called_with_arguments_that_fit_its_schema(
    client: OpenAI, choice: JSON, finish: str
) -> None:
    told = asked_json(client, tools=[WEATHER, TIME], tool_choice=choice)["choices"][0]

    made = told["message"]["tool_calls"][0]["function"]
    assert made["name"] == "get_weather"
    assert json.loads(made["arguments"]) == {"city": "x", "unit": "celsius", "days": [0]}
    assert told["finish_reason"] == finish


def test_a_loop_that_requires_tools_goes_through_them_one_by_one(client: OpenAI) -> None:
    messages = list(HELLO)
    called = []

    for _ in range(2):
        asked: JSON = {"messages": messages, "tools": [TIME, WEATHER], "tool_choice": "required"}
        message = asked_json(client, **asked)["choices"][0]["message"]
        made = message["tool_calls"][0]
        called.append(made["function"]["name"])
        messages += [message, {"role": "tool", "tool_call_id": made["id"], "content": "done"}]

    assert called == ["get_time", "get_weather"]


def test_a_schema_is_filled_so_that_the_client_can_parse_it(client: OpenAI) -> None:
    told = client.chat.completions.parse(model="m", messages=HELLO, response_format=Place)

    assert told.choices[0].message.parsed == Place(name="x", population=0)
