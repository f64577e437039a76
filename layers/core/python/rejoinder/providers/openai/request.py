"""A turn → the body of a Responses request (contract §9.4).

The whole conversation goes along: OpenAI stores nothing for us. Ids are left out, for they are
ours and OpenAI knows none of them; only thinking goes back under its own, for its encrypted
content is bound to it. What OpenAI made itself (receipts of hosted tools) means nothing here.
"""

from collections.abc import Mapping
from itertools import pairwise

from rejoinder.errors import InvalidRequest
from rejoinder.providers.base import Knob, Turn
from rejoinder.schema.items import INCLUDE_SEALED, JSON, Compaction, Item, Message, Part, Reasoning
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import PLAIN_TEXT
from rejoinder.schema.tools import Tool

LOGPROBS = "message.output_text.logprobs"  # of the other includes, all are for hosted tools


def responses_request(turn: Turn, origin: str) -> dict[str, JSON]:
    """The whole body, without nulls; `origin` says which thinking is this server's own."""
    request = turn.request
    body: dict[str, JSON] = {
        "model": turn.model,
        "input": _input(turn, origin),
        "store": False,
        **_tools(request),
    }
    if turn.is_streamed:
        body |= {"stream": True}
        if "stream_options" not in turn.facts.drops:  # padding is added here, once
            body["stream_options"] = {"include_obfuscation": False}
    wanted = {
        "instructions": request.instructions,
        "include": _include(turn),
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "metadata": request.metadata,
        "prompt_cache_retention": request.prompt_cache_retention,
        "truncation": None if request.truncation == "disabled" else request.truncation,
        "text": _text(turn),
        "reasoning": _reasoning(turn),
        **{knob: value for knob, value in _knobs(request).items() if knob not in turn.facts.drops},
    }
    return body | {key: value for key, value in wanted.items() if value not in (None, [], {})}


def _knobs(request: CreateResponse) -> dict[Knob | str, JSON]:
    return {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_logprobs": request.top_logprobs or None,
        "user": request.user,
        "safety_identifier": request.safety_identifier,
        "prompt_cache_key": request.prompt_cache_key,
        "service_tier": request.service_tier,
        "parallel_tool_calls": None if request.parallel_tool_calls else False,
    }


def _include(turn: Turn) -> list[str]:
    logprobs = [LOGPROBS] if LOGPROBS in turn.request.include else []
    return [INCLUDE_SEALED, *logprobs] if turn.facts.encrypts_reasoning else logprobs


def _text(turn: Turn) -> dict[str, JSON]:
    """What differs from the default: not every model takes a verbosity."""
    text, drops = turn.request.text, turn.facts.drops
    wanted: dict[str, JSON] = {}
    if text["format"] != PLAIN_TEXT["format"]:
        wanted["format"] = _without_nulls(text["format"])
    if text["verbosity"] != PLAIN_TEXT["verbosity"] and "verbosity" not in drops:
        wanted["verbosity"] = text["verbosity"]
    return wanted


def _reasoning(turn: Turn) -> dict[str, JSON]:
    reasoning = turn.request.reasoning
    effort = None if "reasoning_effort" in turn.facts.drops else reasoning.effort
    return _without_nulls({"effort": effort, "summary": reasoning.summary})


def _tools(request: CreateResponse) -> dict[str, JSON]:
    """In their own form: free text, grammars, namespaces and the list of the allowed ones."""
    if not request.tools:
        return {}
    tools: dict[str, JSON] = {"tools": [_tool(tool) for tool in request.tools]}
    return tools if request.tool_choice == "auto" else tools | {"tool_choice": request.tool_choice}


def _tool(tool: Tool) -> JSON:
    if tool["type"] == "namespace":
        return _without_nulls({**tool, "tools": [_without_nulls(each) for each in tool["tools"]]})
    return _without_nulls(tool)


def _without_nulls(thing: Mapping[str, JSON]) -> dict[str, JSON]:
    return {key: value for key, value in thing.items() if value is not None}


def _input(turn: Turn, origin: str) -> list[JSON]:
    items = [known for item in turn.items if (known := _item(item, turn.signed, origin))]
    return [item for item, after in pairwise([*items, None]) if _may_stay(item, after)]


def _may_stay(item: JSON, after: JSON) -> bool:
    """Thinking without what it led to, as when a token limit cut the rest, is refused."""
    return item["type"] != "reasoning" or (
        after is not None
        and (after["type"] in ("reasoning", "function_call", "custom_tool_call") or _is_said(after))
    )


def _is_said(item: JSON) -> bool:
    return bool(item["type"] == "message" and item["role"] == "assistant")


def _item(item: Item, signed: Mapping[str, JSON], origin: str) -> JSON:
    """The item as OpenAI takes it, or nothing."""
    match item["type"]:
        case "message":
            return _message(item) if item["content"] else None
        case "reasoning" | "compaction":
            return _secret(item, signed.get(item["id"]), origin)
        case "function_call" | "custom_tool_call":
            return {key: value for key, value in item.items() if key not in ("id", "status")}
        case "function_call_output" | "custom_tool_call_output":
            return {"type": item["type"], "call_id": item["call_id"], "output": item["output"]}
        case _:
            return None


def _secret(item: Reasoning | Compaction, secret: JSON, origin: str) -> JSON:
    """What this server made goes back to it; of others' thinking nothing, or all is lost."""
    is_own = bool(secret) and secret["origin"] == origin
    if item["type"] == "compaction":
        if not is_own:
            raise _not_its_own()
        return {"type": "compaction", "encrypted_content": secret["encrypted_content"]}
    return _thinking(item, secret) if is_own else None


def _thinking(item: Reasoning, secret: JSON) -> JSON:
    return {
        "type": "reasoning",
        "id": secret["id"],
        "summary": item["summary"],
        "encrypted_content": secret["encrypted_content"],
    }


def _not_its_own() -> InvalidRequest:
    return InvalidRequest(
        "This conversation was compacted by another server that speaks this API; go on with a "
        "model of that server.",
        code="invalid_value",
        param="input",
    )


def _message(item: Message) -> JSON:
    content = [_part(part) for part in item["content"]]
    message: dict[str, JSON] = {"type": "message", "role": item["role"], "content": content}
    return message | ({"phase": item["phase"]} if "phase" in item else {})


def _part(part: Part) -> JSON:
    if part["type"] == "output_text":
        return {"type": "output_text", "text": part["text"]}
    return part
