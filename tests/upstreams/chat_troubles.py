"""What can go wrong with a reply on its way, and when."""

from dataclasses import dataclass, field
from typing import Any, Literal

from tests.upstreams.checks import Refusal

type JSON = Any
type When = int | Literal["start", "finish"]
"""Before the headers; after so many pieces (0: after the headers); after the finish reason."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Silence for a while; then the reply goes on."""

    when: When
    seconds: float


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection ends by RST."""

    when: When


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection closes in order, the HTTP body does not."""

    when: When


@dataclass(frozen=True, slots=True)
class End:
    """The HTTP body ends in order, although the model had more to say."""

    when: When


@dataclass(frozen=True, slots=True)
class Rubbish:
    """A frame that is no JSON; then the reply goes on."""

    when: When
    data: str = '{"id":"chatcmpl-1","choices":[{"ind'


@dataclass(frozen=True, slots=True)
class ErrorFrame:
    """An error object instead of a chunk, and the end of the stream."""

    when: When
    error: JSON = field(
        default_factory=lambda: Refusal(
            "The server had an error while processing your request. Sorry about that!",
            kind="server_error",
        ).body()
    )


type Trouble = Stall | Reset | Cut | End | Rubbish | ErrorFrame
