"""What the demo says."""

import re

from msgspec.json import encode

from rejoinder.errors import InvalidRequest
from rejoinder.providers.base import Turn
from rejoinder.providers.demo.example import example_of
from rejoinder.schema.items import JSON, Item
from rejoinder.schema.tools import FunctionTool

MAX_ECHO_LENGTH = 400
MAX_SILENCE_SECONDS = 1000.0  # longer than a function lives: its deadline can be tried out, too
ADVICE = (
    "I am the demo: a script inside Rejoinder, not a model. "
    "Set OPENAI_API_KEY, start Ollama, or name a server in rejoinder.toml to talk to a real one."
)

_SILENCE = re.compile(r"\bsilent for (\d{1,6}(?:\.\d+)?) seconds?\b", re.IGNORECASE)


def pieces_of(text: str) -> list[str]:
    """Words with the space before them: what a stream is cut into."""
    return re.findall(r"\s*\S+|\s+$", text)


def thought(turn: Turn) -> str:
    """The demo's reasoning summary."""
    return f"The script has {len(turn.items)} items of conversation to answer."


def spoken_text(turn: Turn) -> str:
    """The demo's answer in words, or an instance of the JSON schema that was asked for.

    Raises:
        InvalidRequest: if there is none for that schema.
    """
    wanted = turn.request.text["format"]
    if wanted["type"] == "json_schema":
        return encode(_checked_example(wanted["schema"])).decode()
    last = turn.items[-1] if turn.items else None
    if wanted["type"] == "json_object":
        return encode({"you_said": _text_of(last)}).decode()
    if last is not None and last["type"] in ("function_call_output", "custom_tool_call_output"):
        return f"The tool said: {_text_of(last)}"
    echo = _text_of(last)[:MAX_ECHO_LENGTH]
    return f"You said: {echo}\n\n{ADVICE}" if echo else ADVICE


def _checked_example(schema: dict[str, JSON]) -> JSON:
    """An example that matches.

    Raises:
        InvalidRequest: if the script finds none.
    """
    from rejoinder.providers.json_schemas import fault_finder  # few ask the demo for it

    example = example_of(schema)
    if fault := fault_finder(schema)(example):
        raise InvalidRequest(
            "The demo is a script, which found no example for the schema of 'text.format'; "
            f"{fault}. Simplify the schema, or ask a real model.",
            code="unsupported_value",
            param="text.format.schema",
        )
    return example


def silence_seconds(turn: Turn) -> float:
    """How long to be silent first, if the words ask for it: to see how clients and servers wait."""
    asked = _SILENCE.search(_text_of(turn.items[-1] if turn.items else None))
    return min(float(asked[1]), MAX_SILENCE_SECONDS) if asked else 0.0


def called_tool(turn: Turn) -> FunctionTool | None:
    """The tool to call: the one that must be, or one whose name the user's words touch."""
    offered = [tool for tool in turn.tools.functions if turn.tools.allows(tool["name"])]
    last = turn.items[-1] if turn.items else None
    match turn.request.tool_choice:
        case {"type": "function" | "custom", "name": str(name)}:
            return next(tool for tool in offered if tool["name"] == turn.tools.flat(name))
        case "required" | {"mode": "required"}:
            return next(iter(offered), None)
    if last is None or last["type"] != "message" or last["role"] != "user":
        return None
    words = set(re.findall(r"[a-z]{3,}", _text_of(last).lower()))
    return next((tool for tool in offered if words & _words_of(tool["name"])), None)


def _words_of(name: str) -> set[str]:
    verbs = {"get", "set", "list", "the", "call", "run", "make", "create", "tool", "function"}
    return set(re.findall(r"[a-z]{3,}", name.lower())) - verbs


def _text_of(item: Item | None) -> str:
    match item:
        case {"type": "message", "content": [*parts]} | {"output": [*parts]}:
            texts: list[JSON] = parts
            return " ".join(str(part["text"]) for part in texts if "text" in part)
        case {"output": str(text)}:
            return text
        case _:
            return ""
