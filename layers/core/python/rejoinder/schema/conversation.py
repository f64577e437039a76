"""The conversation object (contract §7). Its items are those of `schema.items`."""

from typing import Literal

from msgspec import Struct

from rejoinder.schema.items import InputItem


class Conversation(Struct, frozen=True, kw_only=True):
    """The API object; its items are asked for apart."""

    id: str
    object: Literal["conversation"] = "conversation"
    created_at: int
    metadata: dict[str, str] = {}


class NewConversation(Struct, frozen=True):
    """What a client wants a conversation to begin with."""

    items: list[InputItem]
    metadata: dict[str, str]
