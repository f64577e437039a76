"""What Codex sends."""

from rejoinder.schema.response import ReasoningEcho
from tests.unit.schema.canonical import PNG, WEATHER, Accepted, call, known, result, system, user
from tests.unit.schema.rows import function

CODEX = [
    Accepted(
        "codex with a model it does not know",
        {
            "model": "demo",
            "input": [
                {
                    "type": "message",
                    "id": "msg_a",
                    "role": "developer",
                    "content": [{"type": "input_text", "text": "Be careful."}],
                },
                {
                    "type": "message",
                    "id": "msg_b",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "Fix it."}],
                },
                {
                    "type": "reasoning",
                    "id": "rs_a",
                    "summary": [],
                    "content": None,
                    "encrypted_content": "gw1.abc",
                },
                {
                    "type": "function_call",
                    "id": "fc_a",
                    "name": "get_weather",
                    "namespace": "agents",
                    "arguments": '{"city":"Oslo"}',
                    "call_id": "call_1",
                },
                {
                    "type": "function_call_output",
                    "id": "fco_a",
                    "call_id": "call_1",
                    "output": [{"type": "input_image", "image_url": PNG, "detail": "high"}],
                },
                {
                    "type": "custom_tool_call",
                    "id": "ctc_a",
                    "status": "completed",
                    "call_id": "call_2",
                    "name": "apply_patch",
                    "input": "*** Begin Patch",
                },
                {
                    "type": "custom_tool_call_output",
                    "call_id": "call_2",
                    "output": [{"type": "input_text", "text": "Done."}],
                },
            ],
            "tools": [
                function("get_weather", strict=False, parameters=WEATHER, description="Weather."),
                {
                    "type": "custom",
                    "name": "apply_patch",
                    "description": "Edits files.",
                    "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
                },
                {
                    "type": "namespace",
                    "name": "agents",
                    "description": "Other agents.",
                    "tools": [function("wait", strict=False, parameters=WEATHER)],
                },
                {"type": "web_search", "external_web_access": False},
                {"type": "tool_search", "execution": "client", "parameters": {}},
            ],
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "reasoning": {"summary": "auto"},
            "store": False,
            "stream": True,
            "include": ["reasoning.encrypted_content"],
            "prompt_cache_key": "0d6b",
            "client_metadata": {"turn": "1"},
        },
        {
            "input": [
                system("Be careful.", "developer", "msg_a"),
                user("Fix it.", id="msg_b"),
                {
                    "id": "rs_a",
                    "type": "reasoning",
                    "summary": [],
                    "encrypted_content": "gw1.abc",
                },
                call("fc_a", namespace="agents"),
                result([{"type": "input_image", "image_url": PNG, "detail": "high"}], "fco_a"),
                {
                    "id": "ctc_a",
                    "type": "custom_tool_call",
                    "status": "completed",
                    "call_id": "call_2",
                    "input": "*** Begin Patch",
                    "name": "apply_patch",
                },
                {
                    "id": "ctco",
                    "type": "custom_tool_call_output",
                    "status": "completed",
                    "call_id": "call_2",
                    "output": [{"type": "input_text", "text": "Done."}],
                },
            ],
            "tools": [
                known(strict=False, description="Weather."),
                {
                    "type": "custom",
                    "name": "apply_patch",
                    "description": "Edits files.",
                    "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
                },
                {
                    "type": "namespace",
                    "name": "agents",
                    "description": "Other agents.",
                    "tools": [known("wait", strict=False)],
                },
            ],
            "ignored_tools": ["web_search", "tool_search"],
            "ignored_parameters": ["client_metadata"],
            "include": ["reasoning.encrypted_content"],
            "reasoning": ReasoningEcho(summary="auto"),
            "prompt_cache_key": "0d6b",
            "store": False,
            "stream": True,
        },
    ),
    Accepted(
        "codex with a model of its catalogue",
        {
            "model": "demo",
            "input": [
                {
                    "type": "additional_tools",
                    "id": "at_1",
                    "role": "developer",
                    "tools": [
                        {
                            "type": "namespace",
                            "name": "functions",
                            "description": "",
                            "tools": [{"type": "custom", "name": "exec", "description": "Runs."}],
                        },
                        {"type": "web_search"},
                    ],
                },
                {"role": "user", "content": "Fix it."},
            ],
            "reasoning": {"effort": "medium", "context": "all_turns"},
            "text": {"verbosity": "low"},
            "parallel_tool_calls": False,
        },
        {
            "input": [user("Fix it.")],
            "tools": [
                {
                    "type": "namespace",
                    "name": "functions",
                    "description": "",
                    "tools": [{"type": "custom", "name": "exec", "description": "Runs."}],
                }
            ],
            "ignored_tools": ["web_search"],
            "reasoning": ReasoningEcho(effort="medium"),
            "text": {"format": {"type": "text"}, "verbosity": "low"},
            "parallel_tool_calls": False,
        },
    ),
]
