"""From an upstream's deltas to a response's events, which pass in batches as they came."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from logging import getLogger

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import Delta
from rejoinder.errors import GatewayError, TimeUp, Unavailable
from rejoinder.schema.events import StreamEvent

type Deltas = AsyncGenerator[Sequence[Delta]]  # those of one batch came together
type Events = AsyncGenerator[Sequence[StreamEvent]]  # those of one batch leave together

log = getLogger("rejoinder")


async def respond(assembler: ResponseAssembler, deltas: Deltas) -> Events:
    """What the deltas make of the response. Once something was told or promised, so are failures.

    Raises:
        GatewayError: if the upstream fails before anything was told or promised.
    """
    try:
        async with aclosing(deltas):
            async for batch in deltas:
                if told := assembler.feed(batch):
                    yield told
                if assembler.failure is not None:
                    break
        if not assembler.is_finished:
            raise Unavailable("The model server ended its reply in the middle.")
        return
    except GatewayError as error:
        if not assembler.must_tell:
            raise
        failure = error
    except Exception:  # a fault of ours, after the status line: it can only be told
        if not assembler.must_tell:
            raise
        log.exception("response_broke", extra={"response_id": assembler.response.id})
        failure = GatewayError("Something went wrong on our side.")
    if told := _end_of(assembler, failure):
        yield told


def _end_of(assembler: ResponseAssembler, failure: GatewayError) -> list[StreamEvent]:
    return assembler.cut() if isinstance(failure, TimeUp) else assembler.fail(failure)


async def exhaust(events: Events) -> None:
    """Run the events to their end: what they leave in the assembler is the response."""
    async with aclosing(events):
        async for _ in events:
            pass
