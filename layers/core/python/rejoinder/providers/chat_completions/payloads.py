"""What Chat Completions servers send, as far as we read it; the rest is not decoded.

What is no part of the answer may be anything: an odd count is no reason to lose what was said.
"""

from msgspec import Struct
from msgspec.json import Decoder

from rejoinder.providers.decoding import bearing_halves
from rejoinder.schema.items import JSON


class FunctionPiece(Struct):
    """Part of a call; some servers give the arguments as an object."""

    name: str | None = None
    arguments: str | dict[str, JSON] | None = None


class CallPiece(Struct):
    """An entry of `tool_calls`."""

    index: int | None = None
    id: str | None = None
    function: FunctionPiece | None = None


class Said(Struct):
    """A `delta` or a `message`."""

    content: str | list[JSON] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | dict[str, JSON] | None = None
    tool_calls: list[CallPiece] | None = None
    function_call: FunctionPiece | None = None  # of servers older than `tool_calls`


class Choice(Struct):
    """We ask for one choice only."""

    delta: Said | None = None
    message: Said | None = None
    logprobs: JSON = None
    finish_reason: str | None = None


class Chunk(Struct):
    """One payload of a stream, or a whole reply."""

    choices: list[Choice] | None = None
    usage: JSON = None
    service_tier: JSON = None
    error: JSON = None


decode_chunk = bearing_halves(Decoder(Chunk).decode)
