"""The order of turns, of calls and their results, and of thinking."""

from itertools import pairwise
from typing import Any

from tests.upstreams.anthropic_checks import refuse_unless
from tests.upstreams.anthropic_models import Kind
from tests.upstreams.anthropic_signing import check_signatures

type JSON = Any

THOUGHTS = ("thinking", "redacted_thinking")


def check_turns(body: JSON, kind: Kind) -> None:
    """Refuse a conversation that the vendor refuses."""
    turns = body["messages"]
    refuse_unless(turns, "messages: at least one message is required")
    say = 'messages: first message must use the "user" role'
    refuse_unless(turns[0]["role"] == "user", say)
    for index, (one, next_one) in enumerate(pairwise(turns)):
        say = 'messages: roles must alternate between "user" and "assistant", but found multiple'
        refuse_unless(one["role"] != next_one["role"], f'{say} "{one["role"]}" roles in a row')
        refuse_unless(one["content"], f"messages.{index}: all messages must have non-empty content")
    refuse_unless(turns[-1]["content"], "messages: all messages must have non-empty content")
    _check_end(turns[-1], body, kind)
    _check_calls(body)
    for turn in turns:
        say = "messages: The final block in an assistant message cannot be `thinking`."
        refuse_unless(turn["content"][-1]["type"] not in THOUGHTS, say)
    if body.get("thinking", {}).get("type") == "enabled":
        _check_thought(turns)
    check_signatures(body, bound=kind.bound)


def _check_end(last: JSON, body: JSON, kind: Kind) -> None:
    if last["role"] != "assistant":
        return
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    say = "This model does not support assistant message prefill. The conversation must end with"
    refuse_unless(kind.prefill and not thinks, f"{say} a user message.")
    text = last["content"][-1].get("text", "")
    say = "messages: final assistant content cannot end with trailing whitespace"
    refuse_unless(text == text.rstrip(), say)


def _check_calls(body: JSON) -> None:
    """Each call is answered at the beginning of the next turn, and nothing else is."""
    asked: list[str] = []
    seen: set[str] = set()
    for index, turn in enumerate(body["messages"]):
        kinds = [block["type"] for block in turn["content"]]
        results = [b["tool_use_id"] for b in turn["content"] if b["type"] == "tool_result"]
        for place, answered in enumerate(results):
            say = f"messages.{index}.content.{place}: unexpected `tool_use_id` found in"
            refuse_unless(
                answered in asked,
                f"{say} `tool_result` blocks: {answered}. Each `tool_result` block must have a "
                "corresponding `tool_use` block in the previous message.",
            )
        missing = [call_id for call_id in asked if call_id not in results]
        say = f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks"
        refuse_unless(not missing, f"{say} immediately after: {', '.join(missing)}.")
        say = f"messages.{index}: each tool_use must have a single result"
        refuse_unless(len(set(results)) == len(results), say)
        are_first = kinds[: len(results)] == ["tool_result"] * len(results)
        say = f"messages.{index}: Did not find {len(results)} `tool_result` block(s) at the"
        refuse_unless(are_first, f"{say} beginning of this message.")
        asked = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        is_new = not seen & set(asked) and len(set(asked)) == len(asked)
        refuse_unless(is_new, "messages: `tool_use` ids must be unique")
        seen |= set(asked)
        say = "Requests which include `tool_use` or `tool_result` blocks must define tools"
        refuse_unless(body.get("tools") or not (asked or results), say)
    refuse_unless(not asked, "messages: `tool_use` ids were found without `tool_result` blocks")


def _check_thought(turns: list[JSON]) -> None:
    """With a budget, the turn that waits for results begins with its thinking."""
    if len(turns) < 2 or turns[-1]["content"][0]["type"] != "tool_result":
        return
    first = turns[-2]["content"][0]["type"]
    refuse_unless(
        first in THOUGHTS,
        f"messages.{len(turns) - 2}.content.0.type: Expected `thinking` or `redacted_thinking`, "
        f"but found `{first}`. When `thinking` is enabled, a final `assistant` message must start "
        "with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` "
        "blocks).",
    )
