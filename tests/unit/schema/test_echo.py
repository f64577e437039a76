"""The request as echoed in the response."""

import msgspec

from rejoinder.schema.echo import first_response
from rejoinder.schema.reader import read_request
from rejoinder.schema.response import Response
from tests.unit.schema.rows import JSON, function, saying


def echo(body: JSON) -> Response:
    request = read_request(msgspec.json.encode(body))
    return first_response(request, id="resp_1", created_at=5)


def test_a_bare_request_is_echoed_with_every_default() -> None:
    shown = msgspec.to_builtins(echo(saying()))

    assert shown == {
        "id": "resp_1",
        "object": "response",
        "created_at": 5,
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "conversation": None,
        "error": None,
        "frequency_penalty": 0,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "model": "demo",
        "output": [],
        "output_text": "",
        "parallel_tool_calls": True,
        "presence_penalty": 0,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "prompt_cache_retention": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "auto",
        "store": True,
        "temperature": 1,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": {},
    }


def test_what_the_client_chose_is_echoed() -> None:
    chosen: dict[str, JSON] = {
        "background": True,
        "frequency_penalty": 0.5,
        "instructions": "Be brief.",
        "max_output_tokens": 16,
        "max_tool_calls": 2,
        "parallel_tool_calls": False,
        "presence_penalty": -1,
        "previous_response_id": "resp_0",
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "reasoning": {"effort": "low", "summary": "auto"},
        "safety_identifier": "s",
        "service_tier": "flex",
        "store": True,
        "temperature": 0,
        "text": {"format": {"type": "json_object"}, "verbosity": "low"},
        "tool_choice": {"type": "function", "name": "look_up"},
        "top_logprobs": 3,
        "top_p": 0.25,
        "truncation": "auto",
        "user": "u",
        "metadata": {"job": "42"},
    }

    shown = msgspec.to_builtins(echo(saying(**chosen, tools=[function()])))

    assert shown | chosen == shown


def test_a_tool_is_echoed_with_all_its_keys() -> None:
    (tool,) = echo(saying(tools=[function()])).tools

    assert tool == {
        "type": "function",
        "name": "look_up",
        "description": None,
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    }


def test_strict_unsaid_is_not_promised() -> None:
    tools = [
        function("unsaid"),
        function("bound", strict=True),
        {"type": "custom", "name": "free"},
        {"type": "namespace", "name": "inside", "tools": [function("inner")]},
    ]

    shown = msgspec.to_builtins(echo(saying(tools=tools)).tools)

    assert [shown[0]["strict"], shown[1]["strict"], shown[3]["tools"][0]["strict"]] == [
        False,
        True,
        False,
    ]
    assert "strict" not in shown[2]


def test_the_request_is_left_as_it_was() -> None:
    request = read_request(msgspec.json.encode(saying(tools=[function()])))
    before = msgspec.json.encode(request)

    first_response(request, id="resp_1", created_at=5)

    assert msgspec.json.encode(request) == before
