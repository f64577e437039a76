"""How what a run tells reaches its store and its readers: docs/decisions/0008.

Where a write costs next to nothing, every event is recorded before it is shown. Where writes
cost money and milliseconds, they go in batches, and only what a client may act upon is recorded
first: the beginning and the end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Protocol

from rejoinder.engine.recording import Recording
from rejoinder.schema.response import Response
from rejoinder.storage.base import ResponseStore, StoredResponse

type Leave = Callable[[StoredResponse], Awaitable[None]]

UNFOLLOWED_FACTOR = 4  # nobody else reads along: batches may be so much rarer
BATCH_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes a response: its writer, and how long it may be silent before it counts as dead."""

    writer: str = ""
    hold_seconds: float = inf  # of one with a job there is no end: the job is heard of instead


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


class _Writer:
    """Writes a run's batches: the first one begins the response, after the last one it leaves."""

    def __init__(
        self, store: ResponseStore, stored: StoredResponse, maker: Maker, leave: Leave
    ) -> None:
        self.store = store
        self.stored = stored
        self.maker = maker
        self._leave = leave

    async def write(self, frames: list[bytes], *, first_number: int, response: Response) -> bool:
        is_followed = await self._write(frames, first_number, response)
        if not response.is_live:
            await self._leave(replace(self.stored, response=response))
        return is_followed

    async def _write(self, frames: list[bytes], first_number: int, response: Response) -> bool:
        if first_number == 0:
            await self.store.begin(replace(self.stored, response=response), frames)
            return False
        return await self.store.record(
            self.stored.tenant,
            response,
            frames,
            first_number=first_number,
            writer=self.maker.writer,
        )


class DirectRecorder:
    """Records each batch before it is shown."""

    def __init__(self, writer: _Writer, recording: Recording) -> None:
        self._writer = writer
        self._recording = recording

    async def tell(self, frames: list[bytes], *, first_number: int, response: Response) -> None:
        await self._writer.write(frames, first_number=first_number, response=response)
        self._recording.append(frames)

    async def beat(self) -> None:
        return

    async def close(self) -> None:
        return


class BatchRecorder:
    """Shows at once what may be lost in a crash; records it soon, in one write with its neighbours.

    A write is never cut off: whether it took place would not be known.
    """

    def __init__(self, writer: _Writer, recording: Recording, response: Response) -> None:
        self._writer = writer
        self._recording = recording
        self._response = response  # as the events that wait leave it
        self._waiting: list[bytes] = []
        self._first_number = 0  # of those that wait
        request = writer.stored.request
        self._is_followed = response.background and request is not None and request.stream
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
        seconds = self._writer.store.batch_seconds * (1 if self._is_followed else UNFOLLOWED_FACTOR)
        try:
            async with asyncio.timeout(min(seconds, self._writer.maker.hold_seconds / 3)):
                await self._must_hurry.wait()
        except TimeoutError:
            pass
        self._must_hurry.clear()

    async def _write(self, shown_after: Sequence[bytes] = ()) -> None:
        async with self._is_writing:
            batch, self._waiting, first_number = self._waiting, [], self._first_number
            if batch:  # else another write took them along
                try:
                    self._is_followed |= await self._writer.write(
                        batch, first_number=first_number, response=self._response
                    )
                except BaseException:
                    self._waiting = [*batch, *self._waiting]
                    self._first_number = first_number
                    raise
                self._heard_at = asyncio.get_running_loop().time()
            if shown_after:
                self._recording.append(shown_after)

    async def _hold(self) -> None:
        """Be heard of, though the upstream says nothing."""
        now, maker = asyncio.get_running_loop().time(), self._writer.maker
        if now - self._heard_at < maker.hold_seconds / 3:
            return
        self._heard_at = now
        stored = self._writer.stored
        await self._writer.store.hold(
            stored.tenant, stored.response.id, maker.writer, seconds=maker.hold_seconds
        )


def recorder_for(
    store: ResponseStore, stored: StoredResponse, recording: Recording, maker: Maker, leave: Leave
) -> Recorder:
    """The recorder that suits the store. `leave` is told of the end before its readers are."""
    written = _Writer(store, stored, maker, leave)
    if store.batch_seconds > 0:
        return BatchRecorder(written, recording, stored.response)
    return DirectRecorder(written, recording)


def _retrieve(writing: asyncio.Future[None]) -> None:
    """Its failure is known to who still waits for it; if nobody does, to the next write."""
    if not writing.cancelled():
        writing.exception()
