"""A turn → the body of a Chat Completions request (contract §9.1)."""

from rejoinder.engine.tool_names import ToolNames
from rejoinder.providers.base import Knob, Turn
from rejoinder.providers.chat_completions.messages import to_messages
from rejoinder.schema.items import JSON
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.tools import FunctionTool


def chat_request(turn: Turn) -> dict[str, JSON]:
    """The whole body. Knobs that the server lacks are left out.

    Raises:
        InvalidRequest: if the conversation holds what this dialect cannot carry.
    """
    request, facts = turn.request, turn.facts
    body: dict[str, JSON] = {
        "model": turn.model,
        "messages": to_messages(turn),
        "stream": turn.is_streamed,
    }
    if turn.is_streamed and "stream_options" not in facts.drops:
        body["stream_options"] = {"include_usage": True}
    if request.max_output_tokens is not None:
        body[facts.max_tokens_field] = request.max_output_tokens
    body |= _tools(turn)
    if (response_format := _response_format(request)) is not None:
        body["response_format"] = response_format
    wanted = {knob: value for knob, value in _knobs(request).items() if value is not None}
    body |= {knob: value for knob, value in wanted.items() if knob not in facts.drops}
    return body | ({} if "logprobs" in facts.drops else _logprobs(request))


def _knobs(request: CreateResponse) -> dict[Knob, JSON]:
    verbosity = request.text["verbosity"]
    return {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        "seed": request.seed,
        "user": request.user,
        "safety_identifier": request.safety_identifier,
        "prompt_cache_key": request.prompt_cache_key,
        "service_tier": request.service_tier,
        "verbosity": None if verbosity == "medium" else verbosity,
        "reasoning_effort": request.reasoning.effort,
    }


def _logprobs(request: CreateResponse) -> dict[str, JSON]:
    if "message.output_text.logprobs" not in request.include:
        return {}
    return {"logprobs": True, "top_logprobs": request.top_logprobs}


def _response_format(request: CreateResponse) -> JSON:
    match request.text["format"]:
        case {"type": "json_schema", **schema}:
            return {
                "type": "json_schema",
                "json_schema": {key: value for key, value in schema.items() if value is not None},
            }
        case {"type": "json_object"}:
            return {"type": "json_object"}
        case _:
            return None


def _tools(turn: Turn) -> dict[str, JSON]:
    names, choice = turn.tools, turn.request.tool_choice
    if not names.functions:
        return _known_tools(turn.known_tools) if turn.facts.needs_known_tools else {}
    offered = names.functions
    wire_choice: JSON = choice
    if isinstance(choice, dict):
        if choice["type"] == "allowed_tools":
            if turn.facts.knows_allowed_tools:
                wire_choice = _allowed_tools(names, choice["mode"])
            else:
                offered = [tool for tool in offered if names.allows(tool["name"])]
                wire_choice = choice["mode"]
        else:
            wire_choice = {"type": "function", "function": {"name": names.flat(choice["name"])}}
    tools: dict[str, JSON] = {"tools": [_tool(tool) for tool in offered]}
    if choice != "auto":
        tools["tool_choice"] = wire_choice
    if "parallel_tool_calls" not in turn.facts.drops and not turn.request.parallel_tool_calls:
        tools["parallel_tool_calls"] = False
    return tools


def _known_tools(known: ToolNames) -> dict[str, JSON]:
    """Definitions for old calls in the history; none may be called now."""
    tools = [_tool(tool) for tool in known.functions]
    return {"tools": tools, "tool_choice": "none"} if tools else {}


def _allowed_tools(names: ToolNames, mode: str) -> JSON:
    allowed = [tool["name"] for tool in names.functions if names.allows(tool["name"])]
    tools = [{"type": "function", "function": {"name": name}} for name in allowed]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def _tool(tool: FunctionTool) -> JSON:
    function: dict[str, JSON] = {
        "name": tool["name"],
        "parameters": tool["parameters"] or {"type": "object", "properties": {}},
        "strict": tool["strict"] or False,
    }
    if tool["description"]:
        function["description"] = tool["description"]
    return {"type": "function", "function": function}
