"""How what a run tells reaches its store and its readers: docs/decisions/0008.

Where a write costs next to nothing, every event is recorded before it is shown. Where writes
cost money and milliseconds, they go in batches, and only what a client may act upon is recorded
first: the beginning and the end.
"""

import asyncio
from collections.abc import Sequence
from math import inf
from typing import Protocol

from rejoinder.engine.recording import Recording
from rejoinder.keeping import Keeper
from rejoinder.schema.response import Response

UNFOLLOWED_FACTOR = 4  # nobody else reads along: batches may be so much rarer
BATCH_BYTES = 32 * 1024


class Recorder(Protocol):
    """Takes what a run tells, in its order."""

    async def tell(self, frames: list[bytes], *, first_number: int, response: Response) -> None:
        """Record events and show them, in the order of the store; `response` is as they leave it.

        Raises:
            Conflict: if the response is final, gone, or another's. Then they are not shown.
        """
        ...

    async def beat(self) -> None:
        """Record what waits, and be heard of, until it is closed.

        Raises:
            Conflict: as `tell`.
        """
        ...

    async def close(self) -> None:
        """Nothing more is told; return when nothing more is being written."""
        ...


class DirectRecorder:
    """Records each batch before it is shown."""

    def __init__(self, keeper: Keeper, recording: Recording) -> None:
        self._keeper = keeper
        self._recording = recording

    async def tell(self, frames: list[bytes], *, first_number: int, response: Response) -> None:
        await self._keeper.write(frames, first_number=first_number, response=response)
        self._recording.append(frames)

    async def beat(self) -> None:
        return

    async def close(self) -> None:
        return


class BatchRecorder:
    """Shows at once what may be lost in a crash; records it soon, in one write with its neighbours.

    A write is never cut off: whether it took place would not be known.
    """

    def __init__(self, keeper: Keeper, recording: Recording) -> None:
        self._keeper = keeper
        self._recording = recording
        self._response = keeper.stored.response  # as the events that wait leave it
        self._waiting: list[bytes] = []
        self._first_number = 0  # of those that wait
        request = keeper.stored.request
        self._is_followed = self._response.background and request is not None and request.stream
        self._is_writing = asyncio.Lock()
        self._must_hurry = asyncio.Event()
        self._is_closed = False
        self._heard_at = inf  # it has not begun: the store knows nothing of it

    async def tell(self, frames: list[bytes], *, first_number: int, response: Response) -> None:
        self._add(frames, first_number, response)
        if first_number > 0 and response.is_live:
            self._recording.append(frames)
            if sum(map(len, self._waiting)) >= BATCH_BYTES:
                self._must_hurry.set()
            return
        writing = asyncio.ensure_future(self._write(shown_after=frames))
        writing.add_done_callback(_retrieve)
        await asyncio.shield(writing)

    async def beat(self) -> None:
        while not self._is_closed:
            await self._pause()
            if self._waiting:
                await self._write()
            elif not self._is_closed:
                await self._hold()

    async def close(self) -> None:
        self._is_closed = True
        self._must_hurry.set()
        async with self._is_writing:
            pass

    def _add(self, frames: list[bytes], first_number: int, response: Response) -> None:
        if not self._waiting:
            self._first_number = first_number
        self._waiting += frames
        self._response = response

    async def _pause(self) -> None:
        seconds = self._keeper.store.batch_seconds * (1 if self._is_followed else UNFOLLOWED_FACTOR)
        try:
            async with asyncio.timeout(min(seconds, self._keeper.maker.hold_seconds / 3)):
                await self._must_hurry.wait()
        except TimeoutError:
            pass
        self._must_hurry.clear()

    async def _write(self, shown_after: Sequence[bytes] = ()) -> None:
        async with self._is_writing:
            batch, self._waiting, first_number = self._waiting, [], self._first_number
            if batch:  # else another write took them along
                try:
                    self._is_followed |= await self._keeper.write(
                        batch, first_number=first_number, response=self._response
                    )
                except BaseException:
                    if not shown_after or self._keeper.maker.has_job:
                        self._waiting = [*batch, *self._waiting]
                        self._first_number = first_number
                    raise  # else it is over, and its readers are told of another end than this
                self._heard_at = asyncio.get_running_loop().time()
            if shown_after:
                self._recording.append(shown_after)

    async def _hold(self) -> None:
        """Be heard of, though the upstream says nothing."""
        now = asyncio.get_running_loop().time()
        if now - self._heard_at >= self._keeper.maker.hold_seconds / 3:
            self._heard_at = now
            await self._keeper.hold()


def recorder_for(keeper: Keeper, recording: Recording) -> Recorder:
    """The recorder that suits the store."""
    if keeper.store.batch_seconds > 0:
        return BatchRecorder(keeper, recording)
    return DirectRecorder(keeper, recording)


def _retrieve(writing: asyncio.Future[None]) -> None:
    """Its failure is known to who still waits for it; if nobody does, to the next write."""
    if not writing.cancelled():
        writing.exception()
