"""Asking Claude: the provider for this dialect."""

from collections.abc import Mapping
from contextlib import aclosing

from msgspec.json import encode

from rejoinder.engine.pipeline import Deltas
from rejoinder.providers.anthropic.request import messages_request
from rejoinder.providers.anthropic.stream import MessageReader
from rejoinder.providers.base import Turn
from rejoinder.providers.decoding import counted
from rejoinder.providers.upstream import Upstream

# The version that every model takes: that of 2026-10-21 has no temperature for anybody. The
# beta lets us say `block_binding`, see `thinking`. Source: "Versions" and "Prefix checks on
# thinking blocks" of platform.claude.com/docs.
HEADERS: Mapping[str, str] = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "thinking-binding-controls-2026-08-01",
}


# What is counted; the rest of a request says how to answer.
COUNTED = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"}
)


class Anthropic:
    """The provider for this dialect."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def stream(self, turn: Turn) -> Deltas:
        """Ask the model; a whole reply is read as if its blocks had come one by one."""
        asked = messages_request(turn)
        async with self._upstream.post("/messages", encode(asked.body)) as reply:
            reader = MessageReader(asked.reading)
            if not reply.is_event_stream:
                yield [*reader.read_whole(await reply.body()), *reader.end()]
                return
            async with aclosing(reply.payloads()) as batches:
                async for payloads in batches:
                    if deltas := reader.read(payloads):
                        yield deltas
                    if reader.is_done:
                        break
            yield reader.end()

    async def count(self, turn: Turn) -> int | None:
        """What the service counts, tools, images and documents included."""
        asked = {key: value for key, value in messages_request(turn).body.items() if key in COUNTED}
        reply = await self._upstream.ask("/messages/count_tokens", encode(asked))
        return None if reply is None else counted(reply)
