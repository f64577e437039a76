"""Asking OpenAI: the provider for this dialect."""

from contextlib import AsyncExitStack, aclosing
from dataclasses import replace

from msgspec.json import encode

from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import InvalidRequest, Unavailable
from rejoinder.providers.base import Turn
from rejoinder.providers.openai.refusals import STALE_THINKING
from rejoinder.providers.openai.request import responses_request
from rejoinder.providers.openai.stream import EventReader
from rejoinder.providers.upstream import Reply, Upstream


class OpenAIResponses:
    """The provider for this dialect."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def stream(self, turn: Turn) -> Deltas:
        """Ask the model; a whole reply is read as if its items had come one by one."""
        async with AsyncExitStack() as stack:
            reply = await self._accepted(turn, stack)
            reader = EventReader(self._upstream.base_url)
            if not reply.is_event_stream:
                yield reader.read_whole(await reply.body())
            else:
                async with aclosing(reply.payloads()) as batches:
                    async for payloads in batches:
                        if deltas := reader.read(payloads):
                            yield deltas
                        if reader.is_done:
                            break
            if reader.failure is not None:
                raise reader.failure
            if not reader.is_done:
                raise Unavailable("The model server ended its reply in the middle.")

    async def _accepted(self, turn: Turn, stack: AsyncExitStack) -> Reply:
        """The reply. If old thinking is not taken back (other account, lost key): without it."""
        try:
            return await self._post(turn, stack)
        except InvalidRequest as error:
            if error.code != STALE_THINKING or not turn.signed:
                raise
            return await self._post(replace(turn, signed={}), stack)

    async def _post(self, turn: Turn, stack: AsyncExitStack) -> Reply:
        body = encode(responses_request(turn, self._upstream.base_url))
        return await stack.enter_async_context(self._upstream.post("/responses", body))
