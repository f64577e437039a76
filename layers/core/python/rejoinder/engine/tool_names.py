"""The tools of a request as plain functions with flat names, and the way back.

Upstreams know functions only, with names of at most 64 characters. So a namespaced tool is
offered as `namespace__name` and a free-text tool as a function with one string, `input`; what
the model then calls is told to the client under its own name, namespace and kind.
"""

from dataclasses import dataclass
from hashlib import sha256

from rejoinder.errors import InvalidRequest
from rejoinder.schema.items import JSON
from rejoinder.schema.tools import CustomTool, FunctionTool, Tool, ToolChoice

MAX_NAME_LENGTH = 64
FREE_TEXT: dict[str, JSON] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class CalledTool:
    """A tool under the name that the client gave it."""

    name: str
    namespace: str | None = None
    is_custom: bool = False


class ToolNames:
    """Both directions of the mapping for one request, and which calls it allows."""

    def __init__(self, tools: list[Tool], choice: ToolChoice = "auto") -> None:
        self.functions: list[FunctionTool] = []
        self._called: dict[str, CalledTool] = {}
        for tool in tools:
            if tool["type"] == "namespace":
                for inner in tool["tools"]:
                    self._add(inner, tool["name"])
            else:
                self._add(tool, None)
        self._allowed = _allowed(choice)

    def _add(self, tool: FunctionTool | CustomTool, namespace: str | None) -> None:
        flat = flat_name(tool["name"], namespace)
        if flat in self._called:
            raise InvalidRequest(
                f"Two tools would be offered to the model as {flat!r}; rename one of them.",
                code="invalid_value",
                param="tools",
            )
        is_custom = tool["type"] == "custom"
        self._called[flat] = CalledTool(tool["name"], namespace, is_custom)
        self.functions.append(_as_function(tool, flat))

    def original(self, flat: str) -> CalledTool:
        """The tool that the model means by `flat`; a name that we never offered is itself."""
        return self._called.get(flat) or CalledTool(flat)

    def flat(self, name: str) -> str:
        """The name under which a tool of the client's is offered."""
        return next((flat for flat, tool in self._called.items() if tool.name == name), name)

    def allows(self, flat: str) -> bool:
        """Whether the request's `tool_choice` lets the model call this (contract §1.5)."""
        return self._allowed is None or self.original(flat).name in self._allowed


def flat_name(name: str, namespace: str | None) -> str:
    """The name that an upstream sees: over-long ones keep a readable head and a digest."""
    flat = f"{namespace}__{name}" if namespace else name
    if len(flat) <= MAX_NAME_LENGTH:
        return flat
    return f"{flat[: MAX_NAME_LENGTH - 9]}_{sha256(flat.encode()).hexdigest()[:8]}"


def _as_function(tool: FunctionTool | CustomTool, flat: str) -> FunctionTool:
    if tool["type"] == "function":
        return {**tool, "name": flat}
    grammar = tool.get("format", {}).get("definition")
    described = tool["description"] or ""
    return {
        "type": "function",
        "name": flat,
        "description": f"{described}\n\n`input` must match this grammar:\n{grammar}"
        if grammar
        else described,
        "parameters": FREE_TEXT,
        "strict": False,
    }


def _allowed(choice: ToolChoice) -> frozenset[str] | None:
    if choice == "none":
        return frozenset()
    if isinstance(choice, dict) and choice["type"] == "allowed_tools":
        return frozenset(tool["name"] for tool in choice["tools"])
    return None
