"""Items → chat messages.

A turn of the assistant is one message: its text with its calls. The results of calls follow it
at once, wherever the client put them, because servers insist (contract §9.1).
"""

from collections import defaultdict, deque
from collections.abc import Mapping
from mimetypes import guess_type

from msgspec.json import encode

from rejoinder.engine.tool_names import flat_name
from rejoinder.providers.base import ModelFacts, Turn
from rejoinder.schema.items import (
    JSON,
    CustomToolCall,
    CustomToolCallOutput,
    FunctionCall,
    FunctionCallOutput,
    InputFile,
    InputPart,
    Item,
    Message,
    Part,
    Reasoning,
)

type Result = FunctionCallOutput | CustomToolCallOutput
JSON_HINT = "Answer with a single JSON object and nothing else."


def to_messages(turn: Turn) -> list[JSON]:
    """The conversation, with the instructions in front."""
    facts = turn.facts
    writer = _Writer(facts, turn.signed)
    for item in turn.items:
        if item["type"] == "function_call_output" or item["type"] == "custom_tool_call_output":
            writer.results[item["call_id"]].append(item)
    if turn.request.instructions:
        writer.system("developer", turn.request.instructions)
    if turn.request.text["format"]["type"] == "json_object" and not facts.knows_developer_role:
        writer.system("system", JSON_HINT)
    for item in turn.items:
        writer.write(item)
    writer.end_assistant()
    return writer.messages


class _Writer:
    """Writes messages; an assistant's stays open until somebody else speaks."""

    def __init__(self, facts: ModelFacts, signed: Mapping[str, JSON]) -> None:
        self.messages: list[JSON] = []
        self._facts = facts
        self._signed = signed
        self.results: dict[str, deque[Result]] = defaultdict(deque)  # ids may come again each turn
        self._assistant: dict[str, JSON] | None = None
        self._thinking = ""

    def write(self, item: Item) -> None:
        match item["type"]:
            case "message":
                self._message(item)
            case "function_call":
                self._call(item, item["arguments"] or "{}")
            case "custom_tool_call":
                self._call(item, encode({"input": item["input"]}).decode())
            case "reasoning":
                self._reasoning(item)
            case "function_call_output" | "custom_tool_call_output":
                self.end_assistant()

    def system(self, role: str, text: str) -> None:
        """A rule. Servers that know `system` only may want it first: later ones become asides."""
        if self._facts.knows_developer_role:
            self.messages.append({"role": role, "content": text})
        elif not self.messages:
            self.messages.append({"role": "system", "content": text})
        elif len(self.messages) == 1 and self.messages[0]["role"] == "system":
            self.messages[0]["content"] += f"\n\n{text}"
        else:
            self.messages.append({"role": "user", "content": f"[System note] {text}"})

    def _message(self, item: Message) -> None:
        if item["role"] == "assistant":
            self._assistant_text(item["content"])
            return
        self.end_assistant()
        if item["role"] == "user":
            self.messages.append({"role": "user", "content": _content(item["content"])})
        else:
            self.system(item["role"], _joined(item["content"]))

    def _assistant_text(self, parts: list[Part]) -> None:
        if self._assistant is not None and "tool_calls" in self._assistant:
            self.end_assistant()
        assistant = self._open_assistant()
        assistant["content"] = (assistant["content"] or "") + _joined(parts)

    def _call(self, item: FunctionCall | CustomToolCall, arguments: str) -> None:
        name = flat_name(item["name"], item.get("namespace"))
        call = {
            "id": item["call_id"],
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        self._open_assistant().setdefault("tool_calls", []).append(call)

    def _reasoning(self, item: Reasoning) -> None:
        is_foreign = item.get("encrypted_content") and item["id"] not in self._signed
        if is_foreign or not self._facts.sends_reasoning_back:
            return  # nobody is told what another vendor thought (contract §9.5)
        self.end_assistant()
        parts = item.get("content") or item["summary"]
        shown = "\n\n".join(part["text"] for part in parts)
        self._thinking = shown or self._signed.get(item["id"], {}).get("text", "")

    def _open_assistant(self) -> dict[str, JSON]:
        if self._assistant is None:
            self._assistant = {"role": "assistant", "content": None}
            if self._thinking:
                self._assistant["reasoning_content"] = self._thinking
                self._thinking = ""
            self.messages.append(self._assistant)
        return self._assistant

    def end_assistant(self) -> None:
        """Close the assistant's message, and put the results of its calls behind it."""
        if self._assistant is None:
            return
        calls = self._assistant.get("tool_calls", [])
        self._assistant["content"] = self._assistant["content"] or (None if calls else "")
        self._assistant = None
        attached: list[JSON] = []
        for call in calls:
            if results := self.results[call["id"]]:
                text, media = _output(results.popleft()["output"])
                message = {"role": "tool", "tool_call_id": call["id"], "content": text}
                self.messages.append(message)
                attached += media
        if attached:  # a tool message holds text only; a user's may show the rest
            self.messages.append({"role": "user", "content": attached})


def _output(output: str | list[InputPart]) -> tuple[str, list[JSON]]:
    if isinstance(output, str):
        return output, []
    texts = [part["text"] for part in output if part["type"] == "input_text"]
    media = [_part(part) for part in output if part["type"] != "input_text"]
    return "\n".join(texts) or ("See the attachment." if media else ""), media


def _content(parts: list[Part]) -> JSON:
    """A single text goes as a plain string: all servers take it."""
    if len(parts) == 1 and parts[0]["type"] == "input_text":
        return parts[0]["text"]
    return [_part(part) for part in parts]


def _joined(parts: list[Part]) -> str:
    return "".join(
        part["refusal"] if part["type"] == "refusal" else part["text"]
        for part in parts
        if part["type"] in ("input_text", "output_text", "refusal")
    )


def _part(part: Part) -> JSON:
    match part["type"]:
        case "input_image":
            detail = "high" if part["detail"] == "original" else part["detail"]
            return {"type": "image_url", "image_url": {"url": part["image_url"], "detail": detail}}
        case "input_file":
            return {"type": "file", "file": _file(part)}
        case "refusal":
            return {"type": "text", "text": part["refusal"]}
        case _:
            return {"type": "text", "text": part["text"]}


def _file(part: InputFile) -> JSON:
    name, data = part.get("filename", "file"), part.get("file_data", "")
    if not data.startswith("data:"):
        data = f"data:{guess_type(name)[0] or 'application/octet-stream'};base64,{data}"
    return {"filename": name, "file_data": data}
