"""The events of one response as they pass, for any number of readers of this process."""

from asyncio import Event
from collections.abc import AsyncGenerator, Sequence

from rejoinder.engine.encoding import TERMINAL_HEADS
from rejoinder.errors import Interrupted


class Recording:
    """Grows at one end while readers follow from wherever they stand.

    A frame's place in the list is its sequence number. A failure before the first frame has
    been told to nobody: it is raised in the readers instead.
    """

    def __init__(self, earlier: Sequence[bytes] = ()) -> None:
        self._frames = list(earlier)
        self._news = Event()
        self._has_ended = False
        self._failure: BaseException | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was told yet."""
        return not self._frames

    @property
    def is_whole(self) -> bool:
        """Whether its last event is a terminal one."""
        return bool(self._frames) and self._frames[-1].startswith(TERMINAL_HEADS)

    @property
    def frames(self) -> Sequence[bytes]:
        """All that was told."""
        return self._frames

    def append(self, frames: Sequence[bytes]) -> None:
        """Add encoded events and wake the readers."""
        self._frames += frames
        self._wake()

    def end(self, failure: BaseException | None = None) -> None:
        """Nothing more will come."""
        self._has_ended = True
        self._failure = failure
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news.clear()

    async def follow(self, after: int = -1) -> AsyncGenerator[list[bytes]]:
        """Frames numbered above `after`; what is there at one moment comes together.

        Raises:
            GatewayError: if the recording ended in a failure before its first frame.
            Interrupted: if it ended so.
        """
        place = after + 1
        while True:
            if place < len(self._frames):
                ready = self._frames[place:]
                place += len(ready)
                yield ready
            elif self._has_ended:
                if isinstance(self._failure, Interrupted):
                    raise Interrupted
                if self._failure is not None and not self._frames:
                    raise self._failure
                return
            else:
                await self._news.wait()
