"""Items → system blocks and alternating turns.

The laws of this API: the user begins; each assistant's calls are answered at the very beginning
of the next user turn, all of them; an assistant's thinking stands where it stood, byte for
byte; no text is empty. A conversation's beginning is written the same each time, so that the
vendor's cache finds it again.
"""

from collections import defaultdict, deque
from collections.abc import Mapping

from msgspec import Raw
from msgspec.json import encode

from rejoinder.engine.tool_names import flat_name
from rejoinder.engine.whole_objects import is_whole_object
from rejoinder.errors import InvalidRequest
from rejoinder.providers.anthropic.names import CallIds, clean
from rejoinder.providers.anthropic.parts import blocks_of, text_blocks
from rejoinder.schema.items import (
    JSON,
    CustomToolCall,
    CustomToolCallOutput,
    FunctionCall,
    FunctionCallOutput,
    InputPart,
    Item,
    Message,
    Part,
)

type Result = FunctionCallOutput | CustomToolCallOutput

BEGIN = "(The conversation goes on.)"  # in place of a first user turn that nobody sent
GO_ON = "(Go on.)"  # the same for the last
THOUGHTS = ("thinking", "redacted_thinking")


class Dialogue:
    """A conversation as this API has it; an assistant's turn stays open until others speak."""

    def __init__(self, items: list[Item], signed: Mapping[str, JSON]) -> None:
        self.system: list[JSON] = []
        self.turns: list[JSON] = []
        self._signed = signed
        self._ids = CallIds()
        self._results: dict[str, deque[JSON]] = defaultdict(deque)
        for item in items:
            if item["type"] in ("function_call_output", "custom_tool_call_output"):
                block = self._result(item)
                self._results[block["tool_use_id"]].append(block)
        for item in items:
            self._write(item)
        self._end_assistant()

    def finish(self, *, takes_prefill: bool) -> None:
        """Let the user begin, and speak last unless the model goes on with what others began."""
        if not self.turns or self.turns[0]["role"] == "assistant":
            self.turns.insert(0, {"role": "user", "content": text_blocks(BEGIN)})
        last = self.turns[-1]
        if last["role"] == "user":
            return
        if takes_prefill and last["content"][-1]["type"] == "text":
            last["content"][-1]["text"] = last["content"][-1]["text"].rstrip()
        else:
            self._say("user", text_blocks(GO_ON))

    @property
    def has_calls(self) -> bool:
        """Whether there is a call or a result in it."""
        kinds = (block["type"] for turn in self.turns for block in turn["content"])
        return any(kind in ("tool_use", "tool_result") for kind in kinds)

    @property
    def awaits_unthought(self) -> bool:
        """Whether results were given to calls that no thinking of this vendor's precedes."""
        if len(self.turns) < 2 or self.turns[-1]["content"][0]["type"] != "tool_result":
            return False
        return self.turns[-2]["content"][0]["type"] not in THOUGHTS

    def called(self) -> list[str]:
        """The names of all tools that were called."""
        blocks = (block for turn in self.turns for block in turn["content"])
        return list(dict.fromkeys(b["name"] for b in blocks if b["type"] == "tool_use"))

    def _write(self, item: Item) -> None:
        match item["type"]:
            case "message":
                self._message(item)
            case "function_call":
                self._call(item, item["arguments"].strip() or "{}")
            case "custom_tool_call":
                self._call(item, encode({"input": item["input"]}).decode())
            case "reasoning":
                if item["id"] in self._signed:
                    self._say("assistant", [self._signed[item["id"]]])
            case _:
                self._end_assistant()

    def _message(self, item: Message) -> None:
        if item["role"] == "assistant":
            self._assistant_text(item["content"])
        elif item["role"] == "user":
            self._say("user", blocks_of(item["content"]))
        elif self.turns:
            text = "".join(part["text"] for part in item["content"] if part["type"] == "input_text")
            self._say("user", text_blocks(f"[System note] {text}"))
        else:
            self.system += blocks_of(item["content"])

    def _assistant_text(self, parts: list[Part]) -> None:
        if any(block["type"] == "tool_use" for block in self._open_blocks()):
            self._end_assistant()  # results come first, whatever the client's order
        self._say("assistant", blocks_of(parts))

    def _call(self, item: FunctionCall | CustomToolCall, arguments: str) -> None:
        if not is_whole_object(arguments):
            raise InvalidRequest(
                f"The arguments of call {item['call_id']!r} are not a JSON object; this model "
                "takes back only calls that are whole.",
                code="invalid_value",
                param="input",
            )
        block = {
            "type": "tool_use",
            "id": self._ids.of_call(item["call_id"]),
            "name": clean(flat_name(item["name"], item.get("namespace"))),
            "input": Raw(arguments.encode()),
        }
        self._say("assistant", [block])

    def _result(self, item: Result) -> JSON:
        block = {"type": "tool_result", "tool_use_id": self._ids.of_result(item["call_id"])}
        content = _output(item["output"])
        return block | {"content": content} if content else block

    def _say(self, role: str, blocks: list[JSON]) -> None:
        if not blocks:
            return
        if role == "user":
            self._end_assistant()
        if not self.turns or self.turns[-1]["role"] != role:
            self.turns.append({"role": role, "content": []})
        self.turns[-1]["content"] += blocks

    def _open_blocks(self) -> list[JSON]:
        is_open = self.turns and self.turns[-1]["role"] == "assistant"
        return list(self.turns[-1]["content"]) if is_open else []

    def _end_assistant(self) -> None:
        """Close the assistant's turn: thinking that led to nothing goes, results follow."""
        blocks = self._open_blocks()
        if not blocks:
            return
        while blocks and blocks[-1]["type"] in THOUGHTS:
            blocks.pop()
        self.turns[-1]["content"] = blocks
        if not blocks:
            self.turns.pop()
            return
        ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
        results = [self._results[call_id].popleft() for call_id in ids if self._results[call_id]]
        if results:
            self.turns.append({"role": "user", "content": results})


def _output(output: str | list[InputPart]) -> JSON:
    return output if isinstance(output, str) else blocks_of([*output])
