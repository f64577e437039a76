"""Tools and the choice among them, as clients may send them."""

from rejoinder.schema.choice import MAX_ALLOWED
from rejoinder.schema.items import JSON
from rejoinder.schema.toolbox import MAX_NAME
from rejoinder.web.openapi.shapes import (
    either,
    kind,
    listing,
    optional,
    ref,
    table,
    text,
    word,
    yes_or_no,
)

NAME = text(pattern="^[a-zA-Z0-9_-]+$", minLength=1, maxLength=MAX_NAME)

_FUNCTION = {
    "name": NAME,
    **optional(
        {
            "description": text("What it does, for the model."),
            "parameters": {"type": "object", "description": "A JSON Schema of the arguments."},
            "strict": yes_or_no("Whether the arguments must fit the schema."),
        }
    ),
}
_CUSTOM = {
    "name": NAME,
    **optional(
        {
            "description": text("What it does, for the model."),
            "format": table(
                {
                    "type": word(["text", "grammar"]),
                    "syntax": word(["lark", "regex"]),
                    "definition": text(),
                },
                required=["type"],
                description="The text that it takes: any, or that of a grammar.",
            ),
        }
    ),
}


def _nested(name: str, properties: dict[str, JSON]) -> JSON:
    inner = {name: table(properties, required=["name"])}
    return kind(name, inner, name, description="The same in the shape of Chat Completions.")


def _named(name: str) -> JSON:
    flat = kind(name, {"name": NAME}, "name")
    nested = kind(name, {name: table({"name": NAME}, required=["name"])}, name)
    return either(flat, nested)


_ALLOWED = {
    **optional({"mode": word(["auto", "required"], default="auto")}),
    "tools": listing(
        either(_named("function"), _named("custom"), ref("HostedTool")),
        minItems=1,
        maxItems=MAX_ALLOWED,
    ),
}
_OTHER = table(
    {
        "type": {
            "type": "string",
            "minLength": 1,
            "not": {"enum": ["function", "custom", "namespace"]},
        }
    },
    required=["type"],
    description=(
        "Tools that only their maker can host (`web_search`, `mcp`, …). They are left out and named"
        " in `X-Ignored-Tools` while another tool remains; else the request is refused."
    ),
)

TOOLS: dict[str, JSON] = {
    "RequestTool": either(
        *map(ref, ("RequestFunctionTool", "RequestCustomTool", "RequestNamespace", "HostedTool")),
        description="What the model may call. The client carries it out and sends the result.",
    ),
    "RequestFunctionTool": either(
        kind("function", _FUNCTION, "name"), _nested("function", _FUNCTION)
    ),
    "RequestCustomTool": either(
        kind("custom", _CUSTOM, "name", description="A tool that takes free text."),
        _nested("custom", _CUSTOM),
    ),
    "RequestNamespace": kind(
        "namespace",
        {
            "name": NAME,
            **optional({"description": text()}),
            "tools": listing(
                either(*map(ref, ("RequestFunctionTool", "RequestCustomTool", "HostedTool")))
            ),
        },
        "name",
        "tools",
        description="Tools under one name.",
    ),
    "HostedTool": _OTHER,
    "RequestToolChoice": either(
        word(["auto", "none", "required"]),
        _named("function"),
        _named("custom"),
        kind("allowed_tools", _ALLOWED, "tools", description="Only these may, or must, be called."),
        kind(
            "allowed_tools",
            {"allowed_tools": table(_ALLOWED, required=["tools"])},
            "allowed_tools",
            description="The same in the shape of Chat Completions.",
        ),
        description="Whether and what to call; a tool that is named must be one of `tools`.",
        default="auto",
    ),
}
