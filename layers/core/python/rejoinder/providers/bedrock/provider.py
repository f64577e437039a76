"""Asking Bedrock: the provider for this dialect."""

import re
from contextlib import aclosing
from typing import Protocol

from msgspec.json import encode

from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import InvalidRequest, PermissionDenied
from rejoinder.providers.base import Turn
from rejoinder.providers.bedrock.frames import FrameDecoder
from rejoinder.providers.bedrock.models import counting_path_of, path_of
from rejoinder.providers.bedrock.request import converse_request
from rejoinder.providers.bedrock.stream import ConverseReader
from rejoinder.providers.decoding import counted
from rejoinder.providers.fetching import Fetcher
from rejoinder.providers.media import Wants, inlined
from rejoinder.providers.upstream import Reply, Upstream

# What can be counted (ConverseTokensRequest); a form that is asked for is no part of it.
COUNTED = frozenset({"messages", "system", "toolConfig", "additionalModelRequestFields"})
NO_COUNT = re.compile(r"counting tokens|token counting", re.IGNORECASE)  # "does not support …"


class Access(Protocol):
    """How we show who we are."""

    async def ready(self) -> None:
        """Prepare what a request will be signed with."""


class Bedrock:
    """The provider for this dialect; `profile` is the geography that short names stand for."""

    def __init__(
        self, upstream: Upstream, access: Access, fetcher: Fetcher, *, profile: str = ""
    ) -> None:
        self._upstream = upstream
        self._access = access
        self._fetcher = fetcher
        self._profile = profile

    async def stream(self, turn: Turn) -> Deltas:
        """Ask the model; a whole reply is read as if its blocks had come one by one."""
        path = path_of(turn.model, profile=self._profile, is_streamed=turn.is_streamed)
        asked = converse_request(await inlined(turn, self._fetcher, Wants()))
        reader = ConverseReader(asked.offer)
        await self._access.ready()
        async with self._upstream.post(path, encode(asked.body)) as reply:
            if not turn.is_streamed:
                deltas = reader.read_whole(await reply.body())
                yield [*deltas, *reader.end()]
                return
            async with aclosing(_told(reply, reader)) as batches:
                async for batch in batches:
                    yield batch

    async def count(self, turn: Turn) -> int | None:
        """What Bedrock counts: it does for some models, for some accounts, in some regions."""
        path = counting_path_of(turn.facts.base_model or turn.model)
        asked = converse_request(await inlined(turn, self._fetcher, Wants())).body
        if "outputConfig" in asked:
            return None
        body = {key: value for key, value in asked.items() if key in COUNTED}
        await self._access.ready()
        try:
            reply = await self._upstream.ask(path, encode({"input": {"converse": body}}))
        except PermissionDenied:
            return None
        except InvalidRequest as error:
            if error.code != "model_not_found" and not NO_COUNT.search(error.message):
                raise
            return None
        return None if reply is None else counted(reply, "inputTokens")


async def _told(reply: Reply, reader: ConverseReader) -> Deltas:
    """What was said before a failure is told before it is raised."""
    decoder = FrameDecoder()
    async with aclosing(reply.chunks()) as chunks:
        async for chunk in chunks:
            if deltas := reader.read(decoder.feed(chunk)):
                yield deltas
            reader.failure = reader.failure or decoder.failure
            if reader.is_done or reader.failure is not None:
                break
    yield reader.end()
