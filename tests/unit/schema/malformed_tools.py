"""Malformed tools, and choices among them."""

from tests.unit.schema.rows import JSON, Malformed, choice, each, function, item, saying, tool

TYPE, VALUE, MISSING = "invalid_type", "invalid_value", "missing_required_parameter"
HOSTED, LONG = "unsupported_tool_type", "string_above_max_length"


def nested(**fields: JSON) -> dict[str, JSON]:
    """A request with one tool in the chat shape."""
    return tool(type="function", function=fields)


def namespace(*tools: JSON, **fields: JSON) -> dict[str, JSON]:
    """A request with one namespace."""
    return tool(**{"type": "namespace", "name": "files", "tools": list(tools)} | fields)


def more(*tools: JSON) -> dict[str, JSON]:
    """A request whose tools come as an item."""
    return item(type="additional_tools", role="developer", tools=list(tools))


def allowed(*tools: JSON, **fields: JSON) -> dict[str, JSON]:
    """A request with a choice among some tools."""
    return choice({"type": "allowed_tools", "mode": "auto", "tools": list(tools)} | fields)


TOOLS: list[Malformed] = [
    *each(
        TYPE,
        "tools[0]",
        {
            "a tool that is a word": saying(tools=["look_up"]),
            "a tool that is null": saying(tools=[None]),
        },
    ),
    *each(
        MISSING,
        "tools[0].type",
        {
            "an empty tool": saying(tools=[{}]),
            "a tool without type": tool(name="look_up"),
            "a tool whose type is null": tool(type=None, name="look_up"),
        },
    ),
    *each(TYPE, "tools[0].type", {"a tool of type 5": tool(type=5)}),
    *each(
        VALUE,
        "tools[0].type",
        {
            "a tool whose type is empty": tool(type=""),
            "a tool never heard of": tool(type="telepathy"),
        },
    ),
    *each(
        MISSING,
        "tools[0].name",
        {
            "a function without name": tool(type="function"),
            "a function whose name is empty": tool(**function("")),
            "a nested function without name": nested(parameters={}),
            "a nested function whose name is empty": nested(name="", description="", parameters={}),
            "a custom tool without name": tool(type="custom"),
            "a namespace without name": tool(type="namespace", tools=[]),
        },
    ),
    *each(
        VALUE,
        "tools[0].name",
        {
            "a name with a blank": tool(**function("look up")),
            "a name with a dot": tool(**function("files.read")),
            "a name with an accent": tool(**function("é")),
            "a name with a line's end": tool(**function("look_up\n")),
        },
    ),
    *each(LONG, "tools[0].name", {"a name of 129 letters": tool(**function("f" * 129))}),
    *each(TYPE, "tools[0].name", {"a name that is a number": tool(type="function", name=5)}),
    *each(TYPE, "tools[0].function", {"a nested function 5": tool(type="function", function=5)}),
    *each(TYPE, "tools[0].description", {"a description of 5": tool(**function(description=5))}),
    *each(TYPE, "tools[0].parameters", {"parameters in text": tool(**function(parameters="{}"))}),
    *each(TYPE, "tools[0].strict", {"strict in text": tool(**function(strict="true"))}),
    *each(TYPE, "tools[0].format", {"a format in text": tool(type="custom", name="x", format="")}),
    *each(
        VALUE,
        "tools[0].format.type",
        {"an unknown format of input": tool(type="custom", name="x", format={"type": "xml"})},
    ),
    *each(
        VALUE,
        "tools[0].format.syntax",
        {
            "an unknown grammar": tool(
                type="custom", name="x", format={"type": "grammar", "syntax": "ebnf"}
            )
        },
    ),
    *each(VALUE, "tools", {"two functions of one name": saying(tools=[function(), function()])}),
    *each(MISSING, "tools[0].tools", {"an empty namespace": tool(type="namespace", name="files")}),
    *each(VALUE, "tools[0].tools", {"twins in a namespace": namespace(function(), function())}),
    *each(MISSING, "tools[0].tools[0].name", {"an inner name": namespace(function(""))}),
    *each(MISSING, "input[0].tools[0].name", {"a nameless tool as an item": more(function(""))}),
    *each(TYPE, "input[0].tools[0]", {"a word as a tool as an item": more("look_up")}),
]

UNAVAILABLE: list[Malformed] = [
    *(
        row
        for kind in [
            "web_search",
            "web_search_preview",
            "file_search",
            "code_interpreter",
            "mcp",
            "image_generation",
            "computer",
            "computer_use_preview",
            "tool_search",
            "programmatic_tool_calling",
            "local_shell",
            "shell",
            "apply_patch",
        ]
        for row in each(HOSTED, "tools[0].type", {f"only {kind}": tool(type=kind)})
    ),
    *each(HOSTED, "input[0].tools[0].type", {"only mcp, as an item": more({"type": "mcp"})}),
    *each(
        HOSTED,
        "tools[1].type",
        {"the choice of a hosted tool": choice({"type": "mcp"}, function(), {"type": "mcp"})},
    ),
    *each(HOSTED, "tool_choice.type", {"a hosted tool, not declared": choice({"type": "mcp"})}),
    *each(HOSTED, "tool_choice.tools[0].type", {"only hosted allowed": allowed({"type": "mcp"})}),
    *each(VALUE, "tool_choice.type", {"the choice of telepathy": choice({"type": "telepathy"})}),
]

CHOICES: list[Malformed] = [
    *each(
        VALUE,
        "tool_choice",
        {
            "an unknown word": choice("any"),
            "an empty word": choice(""),
            "required without tools": saying(tool_choice="required"),
            "required with no tools": saying(tool_choice="required", tools=[]),
            "a function not declared": choice({"type": "function", "name": "look_down"}),
            "a function without tools": saying(tool_choice={"type": "function", "name": "f"}),
            "a function as a custom tool": choice({"type": "custom", "name": "look_up"}),
            "an allowed function not declared": allowed({"type": "function", "name": "x"}),
        },
    ),
    *each(TYPE, "tool_choice", {"a choice of many": choice(["look_up"]), "a yes": choice(True)}),
    *each(MISSING, "tool_choice.type", {"an empty choice": choice({})}),
    *each(TYPE, "tool_choice.type", {"a choice of type 5": choice({"type": 5})}),
    *each(
        MISSING,
        "tool_choice.name",
        {
            "a function without a name": choice({"type": "function"}),
            "a function with an empty name": choice({"type": "function", "name": ""}),
            "a nested function without a name": choice({"type": "function", "function": {}}),
        },
    ),
    *each(TYPE, "tool_choice.name", {"a name 5": choice({"type": "function", "name": 5})}),
    *each(VALUE, "tool_choice.mode", {"an unknown mode": allowed(function(), mode="maybe")}),
    *each(VALUE, "tool_choice.tools", {"nothing allowed": allowed()}),
    *each(MISSING, "tool_choice.tools", {"no list allowed": choice({"type": "allowed_tools"})}),
    *each(TYPE, "tool_choice.tools", {"a word allowed": allowed(tools="look_up")}),
    *each(TYPE, "tool_choice.tools[0]", {"a word among the allowed": allowed("look_up")}),
    *each(
        MISSING,
        "tool_choice.tools[1].name",
        {"an allowed function without name": allowed(function(), {"type": "function"})},
    ),
    *each(
        "array_above_max_length",
        "tool_choice.tools",
        {"129 allowed": allowed(*[function()] * 129)},
    ),
]

TOOLING = [*TOOLS, *UNAVAILABLE, *CHOICES]
