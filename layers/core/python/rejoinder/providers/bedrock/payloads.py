"""What Converse sends, as far as we read it; the rest is not decoded.

Source: botocore's model of bedrock-runtime.
"""

from msgspec import Struct
from msgspec.json import Decoder

from rejoinder.providers.decoding import bearing_halves
from rejoinder.schema.items import JSON


class ReasoningText(Struct):
    """Thinking in a whole reply."""

    text: str = ""
    signature: str | None = None


class Reasoning(Struct, rename="camel"):
    """Thinking: pieces of it or, in a whole reply, all."""

    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None  # base64
    reasoning_text: ReasoningText | None = None


class ToolUse(Struct, rename="camel"):
    """A call: its start, a piece of its input or, with an object as `input`, all."""

    tool_use_id: str = ""
    name: str = ""
    input: JSON = None


class Content(Struct, rename="camel"):
    """The start of a block, a delta of it, or all of it."""

    text: str | None = None
    reasoning_content: Reasoning | None = None
    tool_use: ToolUse | None = None


class Event(Struct, rename="camel"):
    """Any event: which of these there are depends on its kind."""

    content_block_index: int = 0
    delta: Content | None = None
    start: Content | None = None
    stop_reason: str | None = None
    usage: JSON = None
    service_tier: JSON = None


class Message(Struct):
    """What the model said, in a whole reply."""

    content: list[Content] = []


class Output(Struct):
    """The union around the message."""

    message: Message | None = None


class Reply(Struct, rename="camel"):
    """A whole reply."""

    output: Output | None = None
    stop_reason: str | None = None
    usage: JSON = None
    service_tier: JSON = None


decode_event = bearing_halves(Decoder(Event).decode)
decode_reply = bearing_halves(Decoder(Reply).decode)
