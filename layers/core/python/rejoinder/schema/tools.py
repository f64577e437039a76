"""Tools and the choice among them, as echoed and as given to providers. Contract §1.4, §1.5."""

from typing import Literal, NotRequired, TypedDict

from rejoinder.schema.items import JSON


class FunctionTool(TypedDict):
    """A function of the client's. All keys are always present; `parameters` is a JSON Schema."""

    type: Literal["function"]
    name: str
    description: str | None
    parameters: dict[str, JSON]
    strict: bool | None


class CustomTool(TypedDict):
    """A tool of the client's that takes free text; `format` may give a grammar."""

    type: Literal["custom"]
    name: str
    description: str | None
    format: NotRequired[dict[str, JSON]]


class NamespaceTool(TypedDict):
    """Tools under one name: Codex sends those of its MCP servers this way."""

    type: Literal["namespace"]
    name: str
    description: str | None
    tools: list["FunctionTool | CustomTool"]


type Tool = FunctionTool | CustomTool | NamespaceTool


class NamedChoice(TypedDict):
    """This tool must be called."""

    type: Literal["function", "custom"]
    name: str


class AllowedTools(TypedDict):
    """Only these tools may (`auto`) or must (`required`) be called."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: list[NamedChoice]


type ToolChoice = Literal["auto", "none", "required"] | NamedChoice | AllowedTools
