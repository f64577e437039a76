"""Tools, the choice among them, and how an answer of a certain form is got."""

from dataclasses import dataclass, field
from typing import Literal

from msgspec.json import encode

from rejoinder.providers.anthropic.messages import Dialogue
from rejoinder.providers.anthropic.names import clean
from rejoinder.providers.anthropic.parts import text_blocks
from rejoinder.providers.anthropic.schemas import input_schema, is_plain, stripped
from rejoinder.providers.base import Turn
from rejoinder.schema.items import JSON
from rejoinder.schema.tools import FunctionTool, ToolChoice

type Way = Literal["text", "native", "tool", "told"]

ANSWER_TOOL = "final_answer"  # hidden: its input is what the client gets as text
JSON_HINT = "Answer with a single JSON object and nothing else."
SCHEMA_HINT = "Answer with a single JSON value that matches this JSON Schema, and nothing else:\n"
CALL_ANY = "(Answer this by calling a tool.)"
CALL_ONE = "(Answer this by calling the tool {name!r}.)"


@dataclass(slots=True)
class Offer:
    """What is said of tools and of the answer's form, and where."""

    body: dict[str, JSON] = field(default_factory=dict)
    hint: list[JSON] = field(default_factory=list)  # for `system`
    order: str = ""  # for the last user turn: the model calls no tool by force
    is_forced: bool = False
    answer_tool: str | None = None


def offer_of(turn: Turn, dialogue: Dialogue) -> Offer:
    """The tools and the form, for this turn."""
    way = way_of(turn)
    offer = Offer()
    form = turn.request.text["format"]
    if form["type"] == "json_object":
        offer.hint = text_blocks(JSON_HINT)
    elif way == "native":
        wanted = {"type": "json_schema", "schema": stripped(form["schema"])}
        offer.body["output_config"] = {"format": wanted}
    elif way == "told":
        offer.hint = text_blocks(SCHEMA_HINT + encode(form["schema"]).decode())
    tools = _tools(turn)
    if way == "tool":
        _offer_answer_tool(turn, offer, tools)
    elif tools:
        offer.body["tools"] = tools
        _choose(turn, offer)
    elif dialogue.has_calls:
        offer.body |= {"tools": _old_tools(turn, dialogue), "tool_choice": {"type": "none"}}
    return offer


def way_of(turn: Turn) -> Way:
    """Natively where that says all; else as a hidden tool's input, else in words."""
    form = turn.request.text["format"]
    if form["type"] != "json_schema":
        return "text"
    if turn.facts.enforces_schemas != "none" and is_plain(form["schema"]):
        return "native"
    choice = turn.request.tool_choice
    mode = _mode(choice) or "required"
    is_object = form["schema"].get("type") == "object"
    return "tool" if turn.facts.may_be_forced and mode != "required" and is_object else "told"


def _tools(turn: Turn) -> list[JSON]:
    """All of them, or those that `tool_choice` allows. If none may be called, all are known."""
    names, enforces = turn.tools, turn.facts.enforces_schemas != "none"
    is_shut = turn.request.tool_choice == "none"
    offered = [tool for tool in names.functions if is_shut or names.allows(tool["name"])]
    return [_tool(tool, enforces=enforces) for tool in offered]


def _tool(tool: FunctionTool, *, enforces: bool) -> JSON:
    said: dict[str, JSON] = {"name": tool["name"]}
    if tool["description"]:
        said["description"] = tool["description"]
    schema = input_schema(tool["parameters"] or {})
    if tool["strict"] and enforces and is_plain(schema):
        return said | {"input_schema": stripped(schema), "strict": True}
    return said | {"input_schema": schema}


def _old_tools(turn: Turn, dialogue: Dialogue) -> list[JSON]:
    """Definitions for the calls in the history, without which it is refused; none may be called."""
    known = [_tool(tool, enforces=False) for tool in turn.known_tools.functions]
    if known:
        return known
    return [{"name": name, "input_schema": {"type": "object"}} for name in dialogue.called()]


def _choose(turn: Turn, offer: Offer) -> None:
    choice = turn.request.tool_choice
    mode = _mode(choice)
    said: dict[str, JSON] = {"type": mode}
    if mode == "required":
        said, offer.order = {"type": "any"}, CALL_ANY
    elif isinstance(choice, dict) and choice["type"] != "allowed_tools":
        name = clean(turn.tools.flat(choice["name"]))
        said, offer.order = {"type": "tool", "name": name}, CALL_ONE.format(name=name)
    if offer.order and not turn.facts.may_be_forced:
        said = {"type": "auto"}
    else:
        offer.is_forced, offer.order = bool(offer.order), ""
    if not turn.request.parallel_tool_calls and said["type"] != "none":
        said["disable_parallel_tool_use"] = True
    if said != {"type": "auto"}:
        offer.body["tool_choice"] = said


def _mode(choice: ToolChoice) -> str | None:
    """`auto`, `none` or `required`; None if one tool is named."""
    if isinstance(choice, str):
        return choice
    return choice["mode"] if choice["type"] == "allowed_tools" else None


def _offer_answer_tool(turn: Turn, offer: Offer, tools: list[JSON]) -> None:
    form = turn.request.text["format"]
    described = form["description"] or f"Gives the final answer, {form['name']!r}."
    answer = {"name": ANSWER_TOOL, "description": described, "input_schema": form["schema"]}
    may_call = tools and turn.request.tool_choice != "none"
    choice = {"type": "any"} if may_call else {"type": "tool", "name": ANSWER_TOOL}
    offer.body["tools"] = [*tools, answer]
    offer.body["tool_choice"] = choice | {"disable_parallel_tool_use": True}
    offer.is_forced, offer.answer_tool = True, ANSWER_TOOL
