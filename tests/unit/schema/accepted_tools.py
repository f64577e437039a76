"""Every form of tools, and of the choice among them, that is accepted."""

from tests.unit.schema.canonical import Accepted, known
from tests.unit.schema.rows import choice, function, saying, tool

NOTHING = {"type": "object", "properties": {}}
TOOL = {"type": "function", "name": "look_up"}

TOOLS = [
    Accepted(
        "a bare function",
        tool(**TOOL, parameters=None, description=None, strict=None),
        {"tools": [known("look_up", parameters=NOTHING)]},
    ),
    Accepted(
        "a function with extras",
        tool(**TOOL, defer_loading=True, output_schema={}),
        {"tools": [known("look_up", parameters=NOTHING)]},
    ),
    Accepted(
        "flat keys beside nested ones",
        tool(**TOOL, function={"name": "x", "strict": True}),
        {"tools": [known("look_up", parameters=NOTHING, strict=True)]},
    ),
    Accepted(
        "a nested custom tool",
        tool(type="custom", custom={"name": "exec"}),
        {"tools": [{"type": "custom", "name": "exec", "description": None}]},
    ),
    Accepted(
        "hosted tools beside a function",
        saying(tools=[{"type": "mcp"}, TOOL, {"type": "telepathy"}, {"type": "mcp"}]),
        {"tools": [known("look_up", parameters=NOTHING)], "ignored_tools": ["mcp", "telepathy"]},
    ),
    Accepted(
        "hosted tools in a namespace",
        tool(type="namespace", name="n", tools=[{"type": "mcp"}, TOOL]),
        {
            "tools": [
                {
                    "type": "namespace",
                    "name": "n",
                    "description": None,
                    "tools": [known("look_up", parameters=NOTHING)],
                }
            ]
        },
    ),
    Accepted(
        "a tool that comes again as an item",
        saying(
            tools=[TOOL],
            input=[{"type": "additional_tools", "tools": [function("look_up", strict=True)]}],
        ),
        {"tools": [known("look_up", parameters=NOTHING, strict=True)], "input": []},
    ),
    Accepted(
        "a namespace that grows",
        saying(
            input=[
                {
                    "type": "additional_tools",
                    "tools": [{"type": "namespace", "name": "n", "tools": [function(name)]}],
                }
                for name in "ab"
            ]
        ),
        {
            "tools": [
                {
                    "type": "namespace",
                    "name": "n",
                    "description": None,
                    "tools": [known("a", parameters=NOTHING), known("b", parameters=NOTHING)],
                }
            ]
        },
    ),
]

CHOICES = [
    Accepted(f"the choice {word}", choice(word), {"tool_choice": word})
    for word in ("auto", "none", "required")
] + [
    Accepted(
        "a chat-shaped choice",
        choice({"type": "function", "function": {"name": "look_up"}}),
        {"tool_choice": TOOL},
    ),
    Accepted(
        "a custom choice",
        choice({"type": "custom", "name": "x"}, {"type": "custom", "name": "x"}),
        {"tool_choice": {"type": "custom", "name": "x"}},
    ),
    Accepted(
        "a choice in a namespace",
        choice(TOOL, {"type": "namespace", "name": "n", "tools": [TOOL]}),
        {"tool_choice": TOOL},
    ),
    Accepted(
        "allowed tools without mode",
        choice({"type": "allowed_tools", "tools": [TOOL, {"type": "mcp"}]}),
        {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [TOOL]}},
    ),
    Accepted(
        "allowed tools in the chat shape",
        choice(
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": "look_up"}}],
                },
            }
        ),
        {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [TOOL]}},
    ),
]
