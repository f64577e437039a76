"""Responses as they are told: encoded events on their way to a reader."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from msgspec import structs

from rejoinder.endings import DELETED
from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.encoding import TERMINAL_HEADS, frames_of, without_padding
from rejoinder.engine.pipeline import Events
from rejoinder.engine.tool_names import ToolNames
from rejoinder.schema import items
from rejoinder.schema.response import Response

type Frames = AsyncGenerator[list[bytes]]  # encoded events; those of one batch leave together


@dataclass(frozen=True, slots=True)
class Telling:
    """A response being told. After `promise` its failures are events, never exceptions."""

    frames: Frames
    promise: Callable[[], None] = lambda: None
    route_name: Callable[[], str] = lambda: ""


async def encoded(events: Events) -> Frames:
    """Events as they are sent."""
    async with aclosing(events):
        async for told in events:
            yield frames_of(told)


async def unpadded(told: Frames) -> Frames:
    """The same events without what hides their lengths."""
    async with aclosing(told):
        async for batch in told:
            yield [without_padding(frame) for frame in batch]


def has_ended(frames: list[bytes]) -> bool:
    """Whether the last one is a terminal event."""
    return bool(frames) and frames[-1].startswith(TERMINAL_HEADS)


def last_words(response: Response, after: int) -> list[bytes]:
    """The end of a response that was deleted, or expired, while a reader waited for more."""
    assembler = ResponseAssembler(response, ToolNames([]))
    assembler.resume(next_number=after + 1, done=response.output, item=None)
    return frames_of(assembler.fail(DELETED))


def without_sealed(response: Response) -> Response:
    """The response as it is shown to who did not ask for its sealed thinking."""
    output = [items.without_sealed(item) for item in response.output]
    return structs.replace(response, output=output)
