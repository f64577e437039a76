"""Asking nobody: the provider for this dialect."""

import asyncio
from collections.abc import Iterator

from msgspec.json import encode

from rejoinder.engine.deltas import (
    BlockEnded,
    Delta,
    Finished,
    Reason,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.engine.pipeline import Deltas
from rejoinder.providers.base import Turn
from rejoinder.providers.demo.example import example_of
from rejoinder.providers.demo.script import (
    called_tool,
    pieces_of,
    silence_seconds,
    spoken_text,
    thought,
)
from rejoinder.schema.ids import new_id
from rejoinder.schema.response import OutputTokensDetails, Usage


class Demo:
    """The provider; `pace_seconds` passes between two words of a stream."""

    def __init__(self, pace_seconds: float = 0.03) -> None:
        self._pace_seconds = pace_seconds

    async def stream(self, turn: Turn) -> Deltas:
        """Follow the script.

        Raises:
            InvalidRequest: if it has no answer of the form that is asked for.
        """
        script = [*_script(turn)]
        yield [Started()]
        if seconds := silence_seconds(turn):
            await asyncio.sleep(seconds)
        limit = turn.request.max_output_tokens or 1_000_000
        reason: Reason = "stop"
        said = thought_tokens = 0
        for delta in script:
            if said == limit:
                reason = "max_output_tokens"
                break
            said += 1
            thought_tokens += isinstance(delta, ReasoningDelta)
            if turn.is_streamed:
                await asyncio.sleep(self._pace_seconds)
            yield [delta]
        heard = await self.count(turn)
        yield [
            Finished(
                reason,
                Usage(
                    input_tokens=heard,
                    output_tokens=said,
                    output_tokens_details=OutputTokensDetails(thought_tokens),
                    total_tokens=heard + said,
                ),
            )
        ]

    async def count(self, turn: Turn) -> int:
        """The words of the conversation: what the demo reports as its usage, too."""
        return sum(len(pieces_of(str(item))) for item in turn.items)


def _script(turn: Turn) -> Iterator[Delta]:
    if turn.request.reasoning.effort not in (None, "none"):
        yield from (ReasoningDelta("thought", piece) for piece in pieces_of(thought(turn)))
        yield BlockEnded("thought")
    if (tool := called_tool(turn)) is not None:
        arguments = encode(example_of(tool["parameters"] or {"type": "object"})).decode()
        yield ToolCallDelta("call", "", new_id("call"), tool["name"])
        yield from (ToolCallDelta("call", piece) for piece in pieces_of(arguments))
        return
    yield from (TextDelta("text", piece) for piece in pieces_of(spoken_text(turn)))
