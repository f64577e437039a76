"""Asking any OpenAI-compatible server: the provider for this dialect."""

from contextlib import aclosing

from msgspec.json import encode

from rejoinder.engine.deltas import Started
from rejoinder.engine.pipeline import Deltas
from rejoinder.providers.base import Turn
from rejoinder.providers.chat_completions.request import chat_request
from rejoinder.providers.chat_completions.stream import ChunkReader
from rejoinder.providers.fetching import Fetcher
from rejoinder.providers.media import PDF, Wants, inlined
from rejoinder.providers.upstream import Upstream

FILES = frozenset({PDF})  # of those that URLs lead to; the server judges those that clients send


class ChatCompletions:
    """The provider for this dialect."""

    def __init__(self, upstream: Upstream, fetcher: Fetcher) -> None:
        self._upstream = upstream
        self._fetcher = fetcher

    async def stream(self, turn: Turn) -> Deltas:
        """Ask the model; a whole reply is read as a stream of one chunk."""
        wants = Wants(images=not turn.facts.takes_image_urls, files=FILES)
        body = encode(chat_request(await inlined(turn, self._fetcher, wants)))
        async with self._upstream.post("/chat/completions", body) as reply:
            reader = ChunkReader()
            if not reply.is_event_stream:
                yield [Started(), *reader.read_whole(await reply.body()), *reader.end()]
                return
            yield [Started()]
            async with aclosing(reply.payloads()) as batches:
                async for payloads in batches:
                    if deltas := reader.read(payloads):
                        yield deltas
                    if reader.is_done:
                        break
            yield reader.end()
