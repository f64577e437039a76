"""What an adapter may say: a closed union of small values.

An adapter says what its upstream said, in the upstream's order, keyed by the upstream's own
`block`. It makes no item, no index and no event: that is the assembler's.
"""

from typing import Literal

from msgspec import Struct

from rejoinder.schema.items import JSON
from rejoinder.schema.response import Usage

type Block = int | str  # the upstream's own key for a piece of output: an index, an id
type Reason = Literal["stop", "max_output_tokens", "content_filter"]


class Started(Struct, frozen=True):
    """The upstream accepted the request. Always first."""


class TextDelta(Struct, frozen=True):
    """More text of a message."""

    block: Block
    text: str
    logprobs: list[JSON] | None = None


class RefusalDelta(Struct, frozen=True):
    """More of a refusal."""

    block: Block
    text: str


class ReasoningDelta(Struct, frozen=True):
    """More of the model's thinking."""

    block: Block
    text: str


class ReasoningSigned(Struct, frozen=True):
    """What the upstream will want back of its thinking, byte for byte. It is never shown."""

    block: Block
    secret: JSON


class ToolCallDelta(Struct, frozen=True):
    """More of a call's JSON arguments; the first of a block also carries id and name."""

    block: Block
    arguments: str
    call_id: str = ""
    name: str = ""


class Relayed(Struct, frozen=True):
    """An event of an item, from an upstream that speaks this API; ids and numbers are put right.

    The first of a block is its `response.output_item.added`, the last its `….done`; with both
    alone, the item is told as if it had come in pieces.
    """

    block: Block
    event: dict[str, JSON]


class BlockEnded(Struct, frozen=True):
    """The upstream closed a block. One in which nothing was said was never opened."""

    block: Block


class Finished(Struct, frozen=True):
    """The upstream has said all. Always last."""

    reason: Reason
    usage: Usage = Usage()
    service_tier: str | None = None


type BlockDelta = (
    TextDelta
    | RefusalDelta
    | ReasoningDelta
    | ReasoningSigned
    | ToolCallDelta
    | Relayed
    | BlockEnded
)
type Delta = Started | BlockDelta | Finished
