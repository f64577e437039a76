"""What Bedrock refuses beyond the shapes: turns, tools, thinking, documents, cache points.

The messages are ours, in the manner of those that the service was seen to send.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

from tests.upstreams.bedrock_replies import is_redacted, signature_of

type JSON = Any

MAX_CACHE_POINTS, MIN_BUDGET = 4, 1024
SIGNS = {"png": b"\x89PNG", "jpeg": b"\xff\xd8\xff", "gif": b"GIF8", "webp": b"RIFF"}
ADAPTIVE = ("*claude-*-4-[6-9]*", "*claude-[a-z]*[a-z]-5*", "*claude-mythos*")
ALWAYS = ("*claude-fable*", "*claude-mythos*", "*claude-*-5-5*")
BUDGETED = ("*claude-3-7-*", "*claude-*-4-[0-6]*", "*claude-sonnet-4-20*", "*claude-opus-4-20*")
UNSAMPLED = ("*claude-opus-4-[78]*", "*claude-[a-z]*[a-z]-5*", "*claude-mythos*")
FIELDS = {
    "*claude*": {"thinking", "output_config", "tool_choice", "anthropic_beta", "top_k"},
    "*gpt-oss*": {"reasoning_effort"},
    "*openai.gpt-[5-9]*": {"reasoning"},
    "*nova-2*": {"reasoningConfig"},
    "*deepseek.v3*": {"reasoning_effort"},
}
_NAME = re.compile(r"(?!.*\s\s)[A-Za-z0-9\s()\[\]-]+")


class Refused(Exception):
    """A ValidationException's text."""


def check(model: str, body: JSON) -> None:
    """Refuse what the service refuses.

    Raises:
        Refused: saying why.
    """
    messages = body.get("messages") or []
    _check_turns(messages)
    for at, block in _blocks(messages):
        _check_block(model, at, block)
    _check_calls(messages)
    _check_documents(messages)
    _check_tools(model, body)
    _check_cache_points(model, body)
    _check_fields(model, body)
    _check_sampling(model, body)


def check_countable(model: str) -> None:
    """Refuse to count for a model that is not Claude, or is named with a geography.

    Raises:
        Refused: saying so.
    """
    if not model.startswith("anthropic.claude-"):
        raise Refused("The provided model doesn't support counting tokens.")


def _is(model: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(model, pattern) for pattern in patterns)


def _check_turns(messages: JSON) -> None:
    roles = [message["role"] for message in messages]
    if not roles or roles[0] != "user":
        raise Refused("A conversation must start with a user message.")
    if roles[-1] != "user":
        raise Refused("This model does not support assistant message prefill.")
    if any(first == second for first, second in pairwise(roles)):
        raise Refused("messages: roles must alternate between user and assistant")
    for i, message in enumerate(messages):
        if not message["content"]:
            raise Refused(f"The content field in the Message object at messages.{i} is empty.")


def _blocks(messages: JSON) -> Iterator[tuple[str, JSON]]:
    for i, message in enumerate(messages):
        for j, block in enumerate(message["content"]):
            yield f"messages.{i}.content.{j}", block
            for k, inner in enumerate(block.get("toolResult", {}).get("content", ())):
                yield f"messages.{i}.content.{j}.toolResult.content.{k}", inner


def _check_block(model: str, at: str, block: JSON) -> None:
    if "text" in block and not block["text"].strip():
        raise Refused(f"The text field in the ContentBlock object at {at} is blank.")
    if "toolResult" in block and not block["toolResult"]["content"]:
        raise Refused(f"The content of the toolResult at {at} is empty.")
    if "image" in block:
        image = block["image"]
        if not image["source"]["bytes"].startswith(SIGNS[image["format"]]):
            raise Refused(f"{at}: Could not process image")
    if "toolUse" in block and not isinstance(block["toolUse"]["input"], dict):
        raise Refused(f"The format of the value at {at}.toolUse.input is invalid.")
    if "reasoningContent" in block:
        _check_thinking(model, at, block["reasoningContent"])


def _check_thinking(model: str, at: str, thinking: JSON) -> None:
    if "deepseek" in model:
        raise Refused("This model doesn't support the reasoningContent field.")
    if "redactedContent" in thinking:
        if not is_redacted(thinking["redactedContent"]):
            raise Refused(f"{at}: Invalid `data` in `redacted_thinking` block")
        return
    said = thinking["reasoningText"]
    if "claude" not in model:
        if "signature" in said:
            raise Refused("This model doesn't support the reasoningText.signature field.")
    elif "signature" not in said:
        raise Refused(f"{at}.thinking.signature: Field required")
    elif said["signature"] != signature_of(said["text"]):
        raise Refused(f"{at}: Invalid `signature` in `thinking` block")


def _check_calls(messages: JSON) -> None:
    called: list[str] = []
    for i, message in enumerate(messages):
        content = message["content"]
        results = [b["toolResult"]["toolUseId"] for b in content if "toolResult" in b]
        if message["role"] == "user":
            missing = sorted(set(called) - set(results))
            if missing:
                raise Refused(f"Expected toolResult blocks at messages.{i}.content for: {missing}")
            if set(results) - set(called) or len(results) != len(set(results)):
                raise Refused(f"The toolResult blocks at messages.{i} exceed the toolUse blocks.")
            if any("toolResult" not in block for block in content[: len(results)]):
                raise Refused(f"The toolResult blocks at messages.{i} must come first.")
        called = [b["toolUse"]["toolUseId"] for b in content if "toolUse" in b]
        if len(called) != len(set(called)):
            raise Refused(f"messages.{i} contains duplicate tool use ids.")


def _check_documents(messages: JSON) -> None:
    names: list[str] = []
    for i, message in enumerate(messages):
        documents = [block["document"] for block in message["content"] if "document" in block]
        if documents and not any("text" in block for block in message["content"]):
            raise Refused(f"messages.{i}: a text block is required beside a document.")
    for at, block in _blocks(messages):
        if "document" in block:
            name = block["document"]["name"]
            if not _NAME.fullmatch(name):
                raise Refused(f"The document file name at {at} can only contain alphanumeric …")
            names.append(name)
    if len(names) != len(set(names)):
        raise Refused("messages.0.content: duplicate document names.")


def _check_tools(model: str, body: JSON) -> None:
    config = body.get("toolConfig")
    has_calls = any("toolUse" in b or "toolResult" in b for _, b in _blocks(body["messages"]))
    if config is None:
        if has_calls:
            raise Refused(
                "The toolConfig field must be defined when using toolUse and toolResult blocks."
            )
        return
    specs = [tool["toolSpec"] for tool in config["tools"] if "toolSpec" in tool]
    names = [spec["name"] for spec in specs]
    if not specs or len(names) != len(set(names)):
        raise Refused("The toolConfig has no tools, or two of one name.")
    for spec in specs:
        if spec["inputSchema"]["json"].get("type") != "object":
            raise Refused("The value at toolSpec.inputSchema.json.type must be object.")
    choice = config.get("toolChoice", {})
    if "tool" in choice and choice["tool"]["name"] not in names:
        raise Refused("The tool of toolChoice is not in the tools.")
    if choice.keys() & {"any", "tool"} and ("meta." in model or _is(model, ALWAYS)):
        raise Refused("This model doesn't support the toolConfig.toolChoice.any field.")


def _check_cache_points(model: str, body: JSON) -> None:
    places = [body.get("system") or [], (body.get("toolConfig") or {}).get("tools") or []]
    places += [message["content"] for message in body["messages"]]
    points = [i for place in places for i, each in enumerate(place) if "cachePoint" in each]
    if points and "claude" not in model:
        raise Refused("extraneous key [cachePoint] is not permitted")
    if len(points) > MAX_CACHE_POINTS or 0 in points:
        raise Refused("At most four cache points are allowed, each behind something.")


def _check_fields(model: str, body: JSON) -> None:
    given = body.get("additionalModelRequestFields") or {}
    known = next((names for pattern, names in FIELDS.items() if fnmatchcase(model, pattern)), set())
    if extra := sorted(set(given) - known):
        raise Refused(
            f"The model returned the following errors: {extra[0]}: Extra inputs are not permitted"
        )
    if "thinking" in given:
        _check_claude(model, body, given["thinking"])
    is_high = given.get("reasoningConfig", {}).get("maxReasoningEffort") == "high"
    if is_high and body.get("inferenceConfig"):
        raise Refused("With high effort, inferenceConfig must be unset.")


def _check_claude(model: str, body: JSON, thinking: JSON) -> None:
    limits, kind = body.get("inferenceConfig", {}), thinking["type"]
    if kind == "disabled":
        if _is(model, ALWAYS):
            raise Refused("thinking.type: disabled is not supported by this model")
        return
    if kind == "adaptive" and not _is(model, ADAPTIVE):
        raise Refused("adaptive thinking is not supported on this model")
    if kind == "enabled":
        if not _is(model, BUDGETED):
            raise Refused("thinking.type.enabled is not supported for this model")
        budget = thinking.get("budget_tokens", 0)
        if not MIN_BUDGET <= budget < limits.get("maxTokens", 0):
            raise Refused("thinking.budget_tokens must be at least 1024, and below max_tokens")
        _check_thought_before_results(body["messages"])
    if limits.get("temperature", 1) != 1 or limits.get("topP", 1) < 0.95:
        raise Refused("`temperature` may only be set to 1 when thinking is enabled.")
    if body.get("toolConfig", {}).get("toolChoice", {}).keys() & {"any", "tool"}:
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")


def _check_thought_before_results(messages: JSON) -> None:
    has_results = "toolResult" in messages[-1]["content"][0]
    if has_results and "reasoningContent" not in messages[-2]["content"][0]:
        raise Refused("Expected `thinking` or `redacted_thinking`, but found `tool_use`.")


def _check_sampling(model: str, body: JSON) -> None:
    given = {"temperature", "topP"} & body.get("inferenceConfig", {}).keys()
    if given and _is(model, UNSAMPLED):
        raise Refused("`temperature` and `top_p` are not supported on this model.")
    if len(given) == 2 and fnmatchcase(model, "*claude-*-4-[1-9]-*"):
        raise Refused("`temperature` and `top_p` cannot both be specified for this model.")
