"""What the Messages API sends, as far as we read it; the rest is not decoded."""

from msgspec import Raw, Struct
from msgspec.json import Decoder

from rejoinder.providers.decoding import bearing_halves
from rejoinder.schema.items import JSON


class Piece(Struct):
    """A `delta`, of a block or of the message."""

    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    stop_reason: str | None = None
    stop_details: JSON = None


class Block(Struct):
    """A `content_block`, as it begins or whole."""

    type: str
    text: str = ""
    thinking: str = ""
    signature: str = ""
    data: str = ""
    id: str = ""
    name: str = ""
    input: Raw = Raw()


class ThinkingShare(Struct):
    """Parts of `output_tokens`."""

    thinking_tokens: int | None = None


class Tokens(Struct):
    """Counts; `input_tokens` are those that no cache was asked for. All are cumulative."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: ThinkingShare | None = None
    service_tier: str | None = None


class Message(Struct):
    """A reply: at its start without content, or whole."""

    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_details: JSON = None
    usage: Tokens | None = None
    error: JSON = None


class Event(Struct):
    """One payload of a stream."""

    type: str
    index: int = 0
    delta: Piece | None = None
    content_block: Block | None = None
    message: Message | None = None
    usage: Tokens | None = None
    error: JSON = None


decode_event = bearing_halves(Decoder(Event).decode)
decode_message = bearing_halves(Decoder(Message).decode)
