"""Items → system blocks and messages, in turns that alternate and that the user begins.

The laws of this API: all calls of an assistant's turn are answered at the beginning of the next
one of the user; thinking stands where it stood, byte for byte; no text is blank. The beginning
of a conversation is written the same each time, so that a cache finds it again.
"""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from hashlib import sha256

from msgspec import Raw
from msgspec.json import encode

from rejoinder.engine.tool_names import flat_name
from rejoinder.engine.whole_objects import is_whole_object
from rejoinder.errors import InvalidRequest
from rejoinder.providers.bedrock.media import Media
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
ATTACHED = "(See the attached document.)"  # a document must have a text beside it
NOTHING = "(no output)"  # a result may not be blank
MAX_ID_LENGTH, SHORT_ID_LENGTH = 64, 9

_GOOD_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_SHORT_ID = re.compile(r"[a-zA-Z0-9]{9}")
_STRANGE = re.compile(r"[^a-zA-Z0-9_-]")


class Dialogue:
    """A conversation as Converse has it; an assistant's turn stays open until others speak."""

    def __init__(
        self,
        items: list[Item],
        thoughts: Mapping[str, JSON],
        media: Media,
        *,
        has_short_ids: bool = False,
    ) -> None:
        self.system: list[str] = []
        self.turns: list[JSON] = []
        self._thoughts = thoughts
        self._media = media
        self._calls, self._answers = CallIds(has_short_ids), CallIds(has_short_ids)
        self._results: dict[str, deque[JSON]] = defaultdict(deque)
        for item in items:
            if item["type"] in ("function_call_output", "custom_tool_call_output"):
                block = self._result(item)
                self._results[block["toolResult"]["toolUseId"]].append(block)
        for item in items:
            self._write(item)
        self._end_assistant()
        self._put_users_at_the_ends()

    @property
    def called(self) -> list[str]:
        """The names of all tools that were called."""
        blocks = (block for turn in self.turns for block in turn["content"])
        return list(dict.fromkeys(b["toolUse"]["name"] for b in blocks if "toolUse" in b))

    @property
    def awaits_unthought(self) -> bool:
        """Whether results were given to calls that no thinking precedes."""
        if len(self.turns) < 2 or "toolResult" not in self.turns[-1]["content"][0]:
            return False
        return "reasoningContent" not in self.turns[-2]["content"][0]

    def _write(self, item: Item) -> None:
        match item["type"]:
            case "message":
                self._message(item)
            case "function_call":
                self._call(item, item["arguments"].strip() or "{}")
            case "custom_tool_call":
                self._call(item, encode({"input": item["input"]}).decode())
            case "reasoning":
                if (block := self._thoughts.get(item["id"])) is not None:
                    self._say("assistant", [{"reasoningContent": block}])
            case _:
                self._end_assistant()

    def _message(self, item: Message) -> None:
        blocks = self._blocks(item["content"])
        if item["role"] == "assistant" or item["role"] == "user":
            self._say(item["role"], blocks)
        elif self.turns:
            noted = [{"text": f"[System note] {block['text']}"} for block in blocks]
            self._say("user", noted)
        else:
            self.system += [block["text"] for block in blocks]

    def _call(self, item: FunctionCall | CustomToolCall, arguments: str) -> None:
        if not is_whole_object(arguments):
            raise InvalidRequest(
                f"The arguments of call {item['call_id']!r} are not a JSON object; this model "
                "takes back only calls that are whole.",
                code="invalid_value",
                param="input",
            )
        call = {
            "toolUseId": self._calls.next(item["call_id"]),
            "name": tool_name(item["name"], item.get("namespace")),
            "input": Raw(arguments.encode()),
        }
        self._say("assistant", [{"toolUse": call}])

    def _result(self, item: Result) -> JSON:
        output = item["output"]
        if isinstance(output, str):
            content = [{"text": output}] if output.strip() else []
        else:
            content = self._blocks(output)
        call_id = self._answers.next(item["call_id"])
        return {"toolResult": {"toolUseId": call_id, "content": content or [{"text": NOTHING}]}}

    def _blocks(self, parts: list[Part] | list[InputPart]) -> list[JSON]:
        blocks = [self._block(part) for part in parts]
        return [block for block in blocks if block is not None]

    def _block(self, part: Part) -> JSON:
        match part["type"]:
            case "input_image":
                return self._media.image(part)
            case "input_file":
                return self._media.file(part)
            case "refusal":
                text = part["refusal"]
            case _:
                text = part["text"]
        return {"text": text} if text.strip() else None

    def _say(self, role: str, blocks: list[JSON]) -> None:
        if not blocks:
            return
        if role == "user":
            self._end_assistant()
        if not self.turns or self.turns[-1]["role"] != role:
            self.turns.append({"role": role, "content": []})
        self.turns[-1]["content"] += blocks
        if role == "user":
            _put_text_beside_documents(self.turns[-1]["content"])

    def _end_assistant(self) -> None:
        """Close the assistant's turn: thinking that led to nothing goes, results follow."""
        if not self.turns or self.turns[-1]["role"] != "assistant":
            return
        content = self.turns[-1]["content"]
        while content and "reasoningContent" in content[-1]:
            content.pop()
        if not content:
            self.turns.pop()
            return
        ids = [block["toolUse"]["toolUseId"] for block in content if "toolUse" in block]
        results = [self._results[each].popleft() for each in ids if self._results[each]]
        if results:
            self.turns.append({"role": "user", "content": results})

    def _put_users_at_the_ends(self) -> None:
        if not self.turns or self.turns[0]["role"] == "assistant":
            self.turns.insert(0, {"role": "user", "content": [{"text": BEGIN}]})
        if self.turns[-1]["role"] == "assistant":
            self.turns.append({"role": "user", "content": [{"text": GO_ON}]})


class CallIds:
    """Ids as Converse takes them. Clients may count from `call_1` in each turn."""

    def __init__(self, is_short: bool) -> None:
        self._is_short = is_short
        self._seen: Counter[str] = Counter()

    def next(self, call_id: str) -> str:
        """The id of the next call, or of the next result, that has this one."""
        self._seen[call_id] += 1
        count = self._seen[call_id]
        own = call_id if count == 1 else f"{call_id} #{count}"
        if (_SHORT_ID if self._is_short else _GOOD_ID).fullmatch(own):
            return own
        digest = sha256(own.encode()).hexdigest()
        if self._is_short:
            return digest[:SHORT_ID_LENGTH]
        return f"{_STRANGE.sub('_', own)[: MAX_ID_LENGTH - 17]}_{digest[:16]}"


def tool_name(name: str, namespace: str | None = None) -> str:
    """A tool's flat name, of letters that Converse takes, also when a client made it up."""
    flat = flat_name(name, namespace)
    if not _STRANGE.search(flat):
        return flat
    return f"{_STRANGE.sub('_', flat)[:47]}_{sha256(flat.encode()).hexdigest()[:16]}"


def _put_text_beside_documents(content: list[JSON]) -> None:
    if any("document" in block for block in content) and not any("text" in b for b in content):
        content.append({"text": ATTACHED})
