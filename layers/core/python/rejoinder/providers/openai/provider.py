"""Asking OpenAI: the provider for this dialect."""

from collections.abc import Set
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace

from msgspec.json import encode

from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import InvalidRequest, Unavailable
from rejoinder.providers.base import Compacted, Turn
from rejoinder.providers.decoding import counted
from rejoinder.providers.openai.refusals import STALE_THINKING
from rejoinder.providers.openai.request import responses_request
from rejoinder.providers.openai.stream import EventReader
from rejoinder.providers.openai.whole import compacted
from rejoinder.providers.upstream import Reply, Upstream

# What is counted; the rest of a request says how to answer.
COUNTED = frozenset(
    {
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "text",
        "reasoning",
        "truncation",
    }
)


COMPACTED = frozenset(
    {
        "model",
        "input",
        "instructions",
        "prompt_cache_key",
        "prompt_cache_retention",
        "service_tier",
    }
)


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

    async def count(self, turn: Turn) -> int | None:
        """What the service counts."""
        reply = await self._asked("/responses/input_tokens", turn, COUNTED)
        return None if reply is None else counted(reply)

    async def compact(self, turn: Turn) -> Compacted | None:
        """What the service makes of the conversation; only it can read that."""
        reply = await self._asked("/responses/compact", turn, COMPACTED)
        if reply is None:
            return None
        encrypted_content, usage = compacted(reply)
        origin = self._upstream.base_url
        return Compacted({"origin": origin, "encrypted_content": encrypted_content}, usage)

    async def _asked(self, path: str, turn: Turn, fields: Set[str]) -> bytes | None:
        """The whole reply to some fields of a request."""

        async def asked(turn: Turn) -> bytes | None:
            body = responses_request(turn, self._upstream.base_url)
            own = {key: value for key, value in body.items() if key in fields}
            return await self._upstream.ask(path, encode(own))

        try:
            return await asked(turn)
        except InvalidRequest as error:
            if error.code != STALE_THINKING or not _has_thinking(turn):
                raise
            return await asked(_without_thinking(turn))

    async def _accepted(self, turn: Turn, stack: AsyncExitStack) -> Reply:
        """The reply. If old thinking is not taken back (other account, lost key): without it."""
        try:
            return await self._post(turn, stack)
        except InvalidRequest as error:
            if error.code != STALE_THINKING or not _has_thinking(turn):
                raise
            return await self._post(_without_thinking(turn), stack)

    async def _post(self, turn: Turn, stack: AsyncExitStack) -> Reply:
        body = encode(responses_request(turn, self._upstream.base_url))
        return await stack.enter_async_context(self._upstream.post("/responses", body))


def _has_thinking(turn: Turn) -> bool:
    return any(item["type"] == "reasoning" and item["id"] in turn.signed for item in turn.items)


def _without_thinking(turn: Turn) -> Turn:
    """What was compacted stays: without it there is no conversation."""
    kept = {item["id"] for item in turn.items if item["type"] == "compaction"}
    return replace(turn, signed={key: turn.signed[key] for key in kept})
