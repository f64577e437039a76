"""What OpenAI is asked: all that it knows of the request, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.openai.door import Door, opened
from tests.upstreams.responses import ResponsesUpstream

type JSON = Any

WEATHER: JSON = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather",
    "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    "strict": True,
}
SHELL: JSON = {
    "type": "custom",
    "name": "shell",
    "format": {"type": "grammar", "syntax": "regex", "definition": ".*"},
}
NOTES: JSON = {
    "type": "namespace",
    "name": "notes",
    "description": "Notes",
    "tools": [{"type": "custom", "name": "add"}],
}
PNG = "data:image/png;base64,iVBORw0KGgo="
EVERYTHING: JSON = {
    "instructions": "Be brief.",
    "max_output_tokens": 100,
    "max_tool_calls": 3,
    "metadata": {"job": "42"},
    "parallel_tool_calls": False,
    "prompt_cache_key": "key",
    "prompt_cache_retention": "24h",
    "reasoning": {"effort": "low", "summary": "auto"},
    "safety_identifier": "someone",
    "service_tier": "flex",
    "text": {
        "format": {
            "type": "json_schema",
            "name": "x",
            "schema": {"type": "object", "properties": {}},
        },
        "verbosity": "low",
    },
    "tool_choice": "required",
    "top_logprobs": 2,
    "truncation": "auto",
    "user": "somebody",
}


async def asked(door: Door, upstream: ResponsesUpstream, prompt: JSON = "Hi", **more: JSON) -> JSON:
    await door.events(prompt, **more)
    body: JSON = upstream.requests[-1].body
    assert None not in list(_values(body))
    return body


def _values(value: JSON) -> Iterator[JSON]:
    yield value
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, str) and isinstance(value, dict | list):
        for each in inner:
            yield from _values(each)


async def test_a_plain_request_stays_plain(door: Door, upstream: ResponsesUpstream) -> None:
    assert await asked(door, upstream) == {
        "model": "gpt-5",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Hi"}],
            }
        ],
        "store": False,
        "stream": True,
        "stream_options": {"include_obfuscation": False},
        "include": ["reasoning.encrypted_content"],
    }


async def test_every_option_that_openai_knows_goes_along(
    door: Door, upstream: ResponsesUpstream
) -> None:
    body = await asked(door, upstream, tools=[WEATHER], **EVERYTHING)

    expected = EVERYTHING | {"tools": [WEATHER]}
    assert {key: body[key] for key in expected} == expected


async def test_what_openai_does_not_know_stays_here(
    door: Door, upstream: ResponsesUpstream
) -> None:
    body = await asked(
        door, upstream, seed=7, presence_penalty=0.5, frequency_penalty=0.5, include=["", "x"]
    )

    assert not {"seed", "presence_penalty", "frequency_penalty", "background"} & body.keys()


async def test_tools_keep_their_form(door: Door, upstream: ResponsesUpstream) -> None:
    choice = {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "custom", "name": "shell"}],
    }

    body = await asked(door, upstream, tools=[WEATHER, SHELL, NOTES], tool_choice=choice)

    assert body["tools"] == [WEATHER, SHELL, NOTES]
    assert body["tool_choice"] == choice


async def test_a_tool_may_be_demanded(door: Door, upstream: ResponsesUpstream) -> None:
    choice = {"type": "function", "name": "get_weather"}

    body = await asked(door, upstream, tools=[WEATHER], tool_choice=choice)

    assert body["tool_choice"] == choice


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "gpt-4o", "gpt-5-chat-latest", "chatgpt-x"])
async def test_models_that_do_not_reason_are_not_asked_for_thinking(
    door: Door, upstream: ResponsesUpstream, model: str
) -> None:
    body = await asked(door, upstream, model=f"openai/{model}", temperature=0.5, top_p=0.5)

    assert "include" not in body
    assert (body["temperature"], body["top_p"]) == (0.5, 0.5)


async def test_settings_say_what_else_a_server_lacks(
    tmp_path: Path, upstream: ResponsesUpstream
) -> None:
    knobs = ["stream_options", "verbosity", "reasoning_effort", "user", "service_tier"]
    models = {"gpt-5": {"drops": knobs, "encrypts_reasoning": False}}
    async with opened(tmp_path, upstream.base_url, models=models) as door:
        body = await asked(door, upstream, tools=[WEATHER], **EVERYTHING)

    assert not {"stream_options", "include", "user", "service_tier"} & body.keys()
    assert "verbosity" not in body["text"]
    assert body["reasoning"] == {"summary": "auto"}


async def test_images_files_and_roles_are_carried(door: Door, upstream: ResponsesUpstream) -> None:
    parts = [
        {"type": "input_text", "text": "Look"},
        {"type": "input_image", "image_url": PNG, "detail": "low"},
        {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="},
    ]
    developer = {"role": "developer", "content": "Be kind."}

    body = await asked(door, upstream, [developer, {"role": "user", "content": parts}])

    assert [item["role"] for item in body["input"]] == ["developer", "user"]
    assert body["input"][1]["content"] == parts


async def test_ids_and_statuses_of_ours_are_left_out(
    door: Door, upstream: ResponsesUpstream
) -> None:
    said = {
        "id": "msg_ours",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}],
    }
    empty = {"role": "assistant", "content": []}
    refused = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}

    body = await asked(
        door, upstream, [{"role": "user", "content": "a"}, said, empty, refused, user("b")]
    )

    assert [set(item) for item in body["input"]] == [{"type", "role", "content"}] * 4
    assert body["input"][1]["content"] == [{"type": "output_text", "text": "Hello"}]


def user(text: str) -> JSON:
    return {"role": "user", "content": text}


async def test_the_key_is_a_bearer_token(door: Door, upstream: ResponsesUpstream) -> None:
    await door.events()

    assert upstream.requests[-1].headers["authorization"] == "Bearer sk-upstream"
    assert upstream.requests[-1].path == "/v1/responses"
