"""What the model is offered: the tools it can use, and the choice among them.

contract §1.5 and D2: unsupported tools are dropped and named while something usable remains.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from rejoinder.errors import InvalidRequest
from rejoinder.schema.choice import AllowedChoice, ReadChoice, Word
from rejoinder.schema.reading import shown
from rejoinder.schema.toolbox import Unsupported, first_twin
from rejoinder.schema.tools import AllowedTools, NamedChoice, Tool, ToolChoice

type UnsupportedTools = Literal["drop", "reject"]
type FoundTool = tuple[str, Tool | Unsupported]  # with its path in the request

HOSTED = frozenset(
    {
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
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
    }
)


@dataclass(frozen=True, slots=True)
class Offer:
    """Tools, the types of those that were dropped, and the choice."""

    tools: list[Tool]
    ignored: list[str]
    choice: ToolChoice


def offered(
    own: Sequence[FoundTool],
    additional: Sequence[FoundTool],
    choice: ReadChoice,
    unsupported_tools: UnsupportedTools,
) -> Offer:
    """What remains of the tools. One that comes as an item replaces, or extends, its namesake.

    Raises:
        InvalidRequest: if nothing usable remains, names collide, or the choice is none of them.
    """
    found = [*own, *additional]
    dropped = [(path, tool) for path, tool in found if isinstance(tool, Unsupported)]
    if isinstance(choice, Unsupported):
        _refuse_type(choice, _place(choice, dropped))
    if dropped and (unsupported_tools == "reject" or len(dropped) == len(found)):
        path, tool = dropped[0]
        _refuse_type(tool, path)
    if twin := first_twin(tool["name"] for tool in _usable(own)):
        _refuse(f"'tools' has two tools named {shown(twin)}; names must differ.", "tools")
    tools = _joined(_usable(found))
    ignored = list(dict.fromkeys(tool.type for _, tool in dropped))
    return Offer(tools, ignored, _settled(choice, tools))


def _usable(found: Iterable[FoundTool]) -> Iterator[Tool]:
    return (tool for _, tool in found if not isinstance(tool, Unsupported))


def _joined(tools: Iterable[Tool]) -> list[Tool]:
    """The last tool of each name; namespaces of one name become one."""
    joined: dict[str, Tool] = {}
    for tool in tools:
        joined[tool["name"]] = _extended(joined.get(tool["name"]), tool)
    return list(joined.values())


def _extended(earlier: Tool | None, tool: Tool) -> Tool:
    if earlier is None or earlier["type"] != "namespace" or tool["type"] != "namespace":
        return tool
    inner = {one["name"]: one for one in [*earlier["tools"], *tool["tools"]]}
    return {**tool, "tools": list(inner.values())}


def _place(choice: Unsupported, dropped: Iterable[tuple[str, Unsupported]]) -> str:
    """Where the chosen tool is declared; in the choice itself, if nowhere."""
    return next((path for path, tool in dropped if tool == choice), "tool_choice")


def _settled(choice: Word | NamedChoice | AllowedChoice, tools: list[Tool]) -> ToolChoice:
    if isinstance(choice, AllowedChoice):
        return _settled_allowed(choice, tools)
    if choice == "required" and not any(_names(tools)):
        _refuse("'tool_choice' is 'required', but the request has no tools.", "tool_choice")
    if not isinstance(choice, str):
        _check_names([choice], tools)
    return choice


def _settled_allowed(choice: AllowedChoice, tools: list[Tool]) -> AllowedTools:
    usable: list[NamedChoice] = []
    for i, tool in enumerate(choice.tools):
        if not isinstance(tool, Unsupported):
            usable.append(tool)
        elif all(isinstance(other, Unsupported) for other in choice.tools):
            _refuse_type(tool, f"tool_choice.tools[{i}]")
    _check_names(usable, tools)
    return {"type": "allowed_tools", "mode": choice.mode, "tools": usable}


def _check_names(wanted: Iterable[NamedChoice], tools: list[Tool]) -> None:
    known = set(_names(tools))
    for one in wanted:
        if (one["type"], one["name"]) not in known:
            say = f"'tool_choice' names the {one['type']} {shown(one['name'])}, not one of 'tools'."
            _refuse(say, "tool_choice")


def _names(tools: Iterable[Tool]) -> Iterator[tuple[str, str]]:
    for tool in tools:
        if tool["type"] == "namespace":
            yield from _names(tool["tools"])
        else:
            yield tool["type"], tool["name"]


def _refuse_type(tool: Unsupported, path: str) -> NoReturn:
    name, param = shown(tool.type), f"{path}.type"
    if tool.type in HOSTED:
        say = f"Tool type {name} is not available here; declare a 'function' tool instead."
        raise InvalidRequest(say, code="unsupported_tool_type", param=param)
    wanted = "allowed_tools" if path.startswith("tool_choice") else "namespace"
    _refuse(f"'{param}' must be 'function', 'custom' or '{wanted}'; got {name}.", param)


def _refuse(message: str, param: str) -> NoReturn:
    raise InvalidRequest(message, code="invalid_value", param=param)
