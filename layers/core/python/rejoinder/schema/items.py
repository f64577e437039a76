"""Items and content parts: the JSON of the API, and the one conversation format inside.

What a client sends is brought into these shapes by `schema.input`; what a model says is
built in them by the engine; they are stored as they are. Contract §2.1, §2.2 and §3.2.
"""

from typing import Any, Literal, NotRequired, TypedDict

from rejoinder.schema.ids import new_id

INCLUDE_SEALED = "reasoning.encrypted_content"  # the word of `include` that shows it
COMPACTION_ID = "cmp_"  # what the ids of compaction items begin with, and of their summaries

type JSON = Any
type ItemStatus = Literal["in_progress", "completed", "incomplete"]
type Role = Literal["user", "assistant", "system", "developer"]
type Phase = Literal["commentary", "final_answer"]


class InputText(TypedDict):
    """Text from a client."""

    type: Literal["input_text"]
    text: str


class InputImage(TypedDict):
    """An image: an https URL or a data URL."""

    type: Literal["input_image"]
    image_url: str
    detail: Literal["low", "high", "auto", "original"]


class InputFile(TypedDict):
    """A file: a data URL (or bare base64) with a name, or a URL."""

    type: Literal["input_file"]
    filename: NotRequired[str]
    file_data: NotRequired[str]
    file_url: NotRequired[str]


class OutputText(TypedDict):
    """Text from a model."""

    type: Literal["output_text"]
    annotations: list[JSON]
    logprobs: list[JSON]
    text: str


class Refusal(TypedDict):
    """A model's words for not answering."""

    type: Literal["refusal"]
    refusal: str


class SummaryText(TypedDict):
    """A part of a reasoning summary."""

    type: Literal["summary_text"]
    text: str


class ReasoningText(TypedDict):
    """A part of a raw chain of thought."""

    type: Literal["reasoning_text"]
    text: str


type InputPart = InputText | InputImage | InputFile
type Part = InputPart | OutputText | Refusal


class Message(TypedDict):
    """Something said: by a client in any role, by a model as assistant."""

    id: str
    type: Literal["message"]
    status: ItemStatus
    role: Role
    content: list[Part]
    phase: NotRequired[Phase]


class FunctionCall(TypedDict):
    """A model's wish to call a function. `arguments` is JSON, as text."""

    id: str
    type: Literal["function_call"]
    status: ItemStatus
    arguments: str
    call_id: str
    name: str
    namespace: NotRequired[str]


class FunctionCallOutput(TypedDict):
    """What the client's function gave back."""

    id: str
    type: Literal["function_call_output"]
    status: ItemStatus
    call_id: str
    output: str | list[InputPart]


class CustomToolCall(TypedDict):
    """A model's wish to call a tool that takes free text."""

    id: str
    type: Literal["custom_tool_call"]
    status: ItemStatus
    call_id: str
    input: str
    name: str
    namespace: NotRequired[str]


class CustomToolCallOutput(TypedDict):
    """What the client's free-text tool gave back."""

    id: str
    type: Literal["custom_tool_call_output"]
    status: ItemStatus
    call_id: str
    output: str | list[InputPart]


class Reasoning(TypedDict):
    """A model's thinking. It has no `status` (contract 0.11)."""

    id: str
    type: Literal["reasoning"]
    summary: list[SummaryText]
    content: NotRequired[list[ReasoningText]]
    encrypted_content: NotRequired[str]


class Compaction(TypedDict):
    """Stands for what was said before it; only we can read what it holds."""

    id: str
    type: Literal["compaction"]
    encrypted_content: str


class ItemReference(TypedDict):
    """Stands for a stored item; resolved before anything else sees the conversation."""

    id: str
    type: Literal["item_reference"]


type OutputItem = Message | FunctionCall | CustomToolCall | Reasoning | Compaction
type Item = OutputItem | FunctionCallOutput | CustomToolCallOutput
type InputItem = Item | ItemReference


def user_message(text: str) -> Message:
    """The message that a string `input` stands for."""
    return {
        "id": new_id("msg"),
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_text", "text": text}],
    }


def without_sealed(item: OutputItem | Item) -> JSON:
    """The item as it is shown to who did not ask for its sealed thinking."""
    if item["type"] != "reasoning":
        return item
    return {key: value for key, value in item.items() if key != "encrypted_content"}


def is_rule(item: Item) -> bool:
    """Whether an item tells how to behave, whatever is said."""
    is_told = item["type"] == "message" and item["role"] in ("system", "developer")
    return is_told and not is_summary(item)


def is_summary(item: Item) -> bool:
    """Whether an item is what a compaction was expanded to."""
    return item["type"] == "message" and item["id"].startswith(COMPACTION_ID)
