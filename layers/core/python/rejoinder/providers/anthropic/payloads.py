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


class Message(Struct):
    """A reply: at its start without content, or whole."""

    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_details: JSON = None
    usage: JSON = None
    error: JSON = None


class Event(Struct):
    """One payload of a stream."""

    type: str
    index: int = 0
    delta: Piece | None = None
    content_block: Block | None = None
    message: Message | None = None
    usage: JSON = None
    error: JSON = None


decode_event = bearing_halves(Decoder(Event).decode)
decode_message = bearing_halves(Decoder(Message).decode)
