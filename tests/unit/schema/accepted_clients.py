"""What the other clients send, each in the shape it was seen in."""

from rejoinder.schema.response import ReasoningEcho
from tests.unit.schema.canonical import (
    WEATHER,
    Accepted,
    assistant,
    call,
    known,
    result,
    system,
    user,
)
from tests.unit.schema.rows import function

CLIENTS = [
    Accepted(
        "the openai library with a string",
        {"model": "demo", "input": "Hello."},
        {"model": "demo", "input": [user("Hello.")], "store": True, "stream": False},
    ),
    Accepted(
        "opencode in its second turn",
        {
            "model": "demo",
            "input": [
                {"role": "system", "content": "You are an agent."},
                {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
                {"type": "reasoning", "summary": [], "encrypted_content": None},
                {"role": "assistant", "content": [{"type": "output_text", "text": "Looking."}]},
                {
                    "type": "function_call",
                    "call_id": "call_1",
                    "name": "get_weather",
                    "arguments": '{"city":"Oslo"}',
                },
                {"type": "function_call_output", "call_id": "call_1", "output": "Snow."},
            ],
            "tools": [function("get_weather", parameters=WEATHER, strict=False)],
            "tool_choice": "auto",
            "max_output_tokens": 32000,
            "store": False,
            "stream": True,
            "prompt_cache_key": "ses_1",
        },
        {
            "input": [
                system("You are an agent."),
                user("Weather?"),
                {"id": "rs", "type": "reasoning", "summary": []},
                assistant("Looking."),
                call(),
                result(),
            ],
            "max_output_tokens": 32000,
        },
    ),
    Accepted(
        "the AI SDK with references to stored items",
        {
            "model": "demo",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
                {"type": "item_reference", "id": "rs_1"},
                {"type": "item_reference", "id": "fc_1"},
                {"id": "msg_1"},
                {"type": "function_call_output", "call_id": "call_1", "output": "Snow."},
            ],
            "stream": True,
        },
        {
            "input": [
                user("Weather?"),
                {"id": "rs_1", "type": "item_reference"},
                {"id": "fc_1", "type": "item_reference"},
                {"id": "msg_1", "type": "item_reference"},
                result(),
            ]
        },
    ),
    Accepted(
        "openai-agents with structured output",
        {
            "model": "demo",
            "instructions": "Answer.",
            "include": [],
            "input": [
                {"role": "user", "content": "Hello."},
                {
                    "id": "msg_1",
                    "type": "message",
                    "status": "completed",
                    "role": "assistant",
                    "content": [
                        {"type": "output_text", "text": "Hi.", "annotations": [], "logprobs": []}
                    ],
                },
                {
                    "id": "fc_1",
                    "type": "function_call",
                    "status": "completed",
                    "call_id": "call_1",
                    "name": "get_weather",
                    "arguments": '{"city":"Oslo"}',
                },
                {
                    "type": "function_call_output",
                    "call_id": "call_1",
                    "status": "completed",
                    "output": "Snow.",
                },
            ],
            "tools": [function("transfer_to_expert", strict=True, parameters=WEATHER)],
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "final_output",
                    "strict": True,
                    "schema": WEATHER,
                }
            },
        },
        {
            "instructions": "Answer.",
            "input": [user("Hello."), assistant("Hi.", "msg_1"), call("fc_1"), result()],
            "tools": [known("transfer_to_expert", strict=True)],
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "final_output",
                    "description": None,
                    "schema": WEATHER,
                    "strict": True,
                },
                "verbosity": "medium",
            },
        },
    ),
    Accepted(
        "langchain with a forced tool",
        {
            "model": "demo",
            "input": [{"type": "message", "role": "system", "content": "Be brief."}],
            "tools": [function("get_weather", parameters=WEATHER)],
            "tool_choice": {"type": "function", "name": "get_weather"},
            "parallel_tool_calls": False,
            "previous_response_id": "resp_1",
            "stream": False,
        },
        {
            "input": [system("Be brief.")],
            "tools": [known()],
            "tool_choice": {"type": "function", "name": "get_weather"},
            "parallel_tool_calls": False,
            "previous_response_id": "resp_1",
        },
    ),
    Accepted(
        "pydantic-ai with output tools",
        {
            "model": "demo",
            "input": [
                {"role": "user", "content": "Hello."},
                {"role": "assistant", "content": "Hi."},
            ],
            "tools": [function("final_result", parameters=WEATHER, strict=True)],
            "tool_choice": "required",
            "stream": False,
        },
        {"input": [user("Hello."), assistant("Hi.")], "tool_choice": "required"},
    ),
    Accepted(
        "llama-index with its nulls",
        {
            "model": "demo",
            "input": [{"role": "developer", "content": "Be brief."}],
            "include": None,
            "instructions": None,
            "max_output_tokens": None,
            "metadata": None,
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "store": False,
            "temperature": 0.1,
            "tools": None,
            "tool_choice": None,
            "top_p": 1,
            "truncation": "disabled",
            "user": None,
            "stream": False,
        },
        {
            "input": [system("Be brief.", "developer")],
            "include": [],
            "instructions": None,
            "max_output_tokens": None,
            "metadata": {},
            "temperature": 0.1,
            "tools": [],
            "tool_choice": "auto",
            "top_p": 1,
            "user": None,
        },
    ),
    Accepted(
        "llm with a reasoning model",
        {
            "model": "demo",
            "instructions": "Be brief.",
            "input": [{"role": "user", "content": "Hello."}],
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "reasoning": {"summary": "auto"},
            "stream": False,
        },
        {
            "include": ["reasoning.encrypted_content"],
            "reasoning": ReasoningEcho(summary="auto"),
            "store": False,
        },
    ),
]
