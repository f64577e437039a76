"""How a run may be made to end before its upstream is done, and what its readers are told then."""

from collections.abc import Callable, Sequence

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.errors import GatewayError
from rejoinder.schema.events import StreamEvent

type Ending = Callable[[ResponseAssembler], Sequence[StreamEvent]]

DELETED = GatewayError("The response was deleted while it was made.", code="server_error")
NOT_STORED = GatewayError("The response could not be stored.")


def failed(error: GatewayError) -> Ending:
    """The end of a response that may not go on."""
    return lambda assembler: assembler.fail(error)


def cancelled(assembler: ResponseAssembler) -> Sequence[StreamEvent]:
    """The end that a client asked for."""
    return assembler.cancel()


def cut_short(assembler: ResponseAssembler) -> Sequence[StreamEvent]:
    """The end when time is up."""
    return assembler.cut()


def silent(_assembler: ResponseAssembler) -> Sequence[StreamEvent]:
    """No end: somebody else writes, or will go on."""
    return []
