"""What the model may call: `toolConfig`, which has no `none`, and the hidden tool for JSON.

A history with calls needs `toolConfig` whether tools are offered or not; then what the model calls
all the same is suppressed, and it is told so beforehand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import InvalidRequest
from rejoinder.providers.anthropic.schemas import input_schema, is_plain, stripped
from rejoinder.providers.base import Turn
from rejoinder.providers.bedrock.models import ConverseFacts
from rejoinder.schema.items import JSON
from rejoinder.schema.tools import FunctionTool

ANSWER = "give_answer"  # the hidden tool: its input is the answer that was asked for as JSON
NO_TOOLS = "No tools are available for this answer: reply in text."
MUST_CALL = "Reply by calling one of the tools."
MUST_CALL_ONE = "Reply by calling the tool {name!r}."
FOR_HISTORY = "A tool that was used earlier in this conversation."

type Force = Literal["any", "tool"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The tools of one request, and how to read what the model makes of them."""

    family: str
    tools: Sequence[FunctionTool]
    force: Force = None  # said by `toolChoice`
    named: str = ""  # the tool of `force`
    hint: str = ""  # what `toolChoice` cannot say
    callable: frozenset[str] | None = None  # None: whatever the model calls
    answer: JSON = None  # the hidden tool's schema
    replays: Literal["signed", "all", "none"] = "signed"

    def has(self, name: str) -> bool:
        """Whether a call of this tool is to be told."""
        return self.callable is None or name in self.callable

    def is_answer(self, name: str) -> bool:
        """Whether this is the hidden tool."""
        return self.answer is not None and name == ANSWER

    def wants_back(self, *, is_signed: bool) -> bool:
        """Whether thinking is to be kept for the next request."""
        return self.replays == "all" or (self.replays == "signed" and is_signed)


def offered(turn: Turn, facts: ConverseFacts, family: str, called: Sequence[str]) -> Offer:
    """What to offer, given the names of the tools that the history calls."""
    names, choice = turn.tools, turn.request.tool_choice
    answer = _answer_schema(turn, facts)
    tools, mode = list(names.functions), choice
    if isinstance(choice, dict) and choice["type"] == "allowed_tools":
        tools, mode = [tool for tool in tools if names.allows(tool["name"])], choice["mode"]
    if not tools or mode == "none":
        return _offer_none(turn, facts, family, called, answer)
    forced = _forced(facts, names, mode, has_answer=answer is not None)
    return Offer(
        family=family,
        tools=tools,
        callable=frozenset(tool["name"] for tool in tools),
        answer=answer,
        replays=facts.replays,
        **forced,
    )


def _offer_none(
    turn: Turn, facts: ConverseFacts, family: str, called: Sequence[str], answer: JSON
) -> Offer:
    """Nothing may be called; what was called is declared all the same."""
    known = turn.tools.functions or turn.known_tools.functions
    tools = [*known, *_made_up(called, known)] if called else []
    offer = Offer(
        family=family,
        tools=tools,
        hint=NO_TOOLS if tools else "",
        callable=frozenset(),
        answer=answer,
        replays=facts.replays,
    )
    if answer is None:
        return offer
    forced = replace(offer, force="tool" if tools else "any", named=ANSWER, hint="")
    can_be_forced = facts.forces_tools == "any tool" or (facts.forces_tools == "any" and not tools)
    return forced if can_be_forced else without_force(forced)


def _forced(
    facts: ConverseFacts, names: ToolNames, mode: JSON, *, has_answer: bool
) -> dict[str, JSON]:
    """How a call is enforced: by the API if it can, else by words."""
    if isinstance(mode, dict):
        name = names.flat(mode["name"])
        if facts.forces_tools == "any tool":
            return {"force": "tool", "named": name}
        return {"hint": MUST_CALL_ONE.format(name=name)}
    if mode == "auto" and not has_answer:
        return {}
    if facts.forces_tools == "no":
        return {"hint": MUST_CALL}
    return {"force": "any"}


def without_force(offer: Offer) -> Offer:
    """The same, with the order to call in words: for models that think, and then refuse force."""
    hint = MUST_CALL_ONE.format(name=offer.named) if offer.named else MUST_CALL
    return replace(offer, force=None, hint=hint)


def tool_config(offer: Offer, facts: ConverseFacts) -> JSON:
    """`toolConfig`, or None if there is nothing to declare."""
    tools = [_spec(tool, facts) for tool in offer.tools]
    if offer.answer is not None:
        described = "Gives the answer to the user, in the form that was asked for."
        tools.append(_declared(ANSWER, described, input_schema(offer.answer)))
    if not tools:
        return None
    if facts.caches:
        tools.append({"cachePoint": {"type": "default"}})
    config: dict[str, JSON] = {"tools": tools}
    if offer.force == "any":
        config["toolChoice"] = {"any": {}}
    elif offer.force == "tool":
        config["toolChoice"] = {"tool": {"name": offer.named}}
    return config


def _spec(tool: FunctionTool, facts: ConverseFacts) -> JSON:
    schema = input_schema(tool["parameters"] or {"type": "object", "properties": {}})
    described = (tool["description"] or "").strip() or tool["name"]
    declared = _declared(tool["name"], described, schema)
    if facts.has_strict_tools and tool["strict"]:
        declared["toolSpec"] |= {"strict": True, "inputSchema": {"json": stripped(schema)}}
    return declared


def _declared(name: str, description: str, schema: JSON) -> dict[str, JSON]:
    return {"toolSpec": {"name": name, "description": description, "inputSchema": {"json": schema}}}


def _made_up(called: Sequence[str], known: Sequence[FunctionTool]) -> list[FunctionTool]:
    """Declarations for calls whose tools nobody has told us."""
    there = {tool["name"] for tool in known}
    return [
        {
            "type": "function",
            "name": name,
            "description": FOR_HISTORY,
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        }
        for name in called
        if name not in there
    ]


def has_native_form(wanted: Mapping[str, JSON], facts: ConverseFacts) -> bool:
    """Whether the model itself keeps to the schema that is wanted of its text."""
    is_schema = wanted["type"] == "json_schema"
    return is_schema and facts.has_json_schema and is_plain(wanted["schema"])


def _answer_schema(turn: Turn, facts: ConverseFacts) -> JSON:
    wanted = turn.request.text["format"]
    if wanted["type"] != "json_schema" or has_native_form(wanted, facts):
        return None
    if any(tool["name"] == ANSWER for tool in turn.tools.functions):
        raise InvalidRequest(
            f"With 'text.format', no tool may be called {ANSWER!r} for this model.",
            code="invalid_value",
            param="tools",
        )
    return wanted["schema"]
