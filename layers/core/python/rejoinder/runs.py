"""What this process is making: the runs of stored responses, and what its readers alone carry."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress

from rejoinder.endings import failed
from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deadline import Deadline
from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import GatewayError
from rejoinder.keeping import Keeper, Leave, Maker
from rejoinder.run import Run
from rejoinder.storage.base import ResponseStore, StoredResponse

type RunKey = tuple[str, str]  # tenant, response id


class Runs:
    """The runs of this process, by tenant and response.

    `leave` is told what became of a response, for its conversation, before its readers are.
    """

    def __init__(self, leave: Leave | None = None) -> None:
        self._leave = leave
        self._runs: dict[RunKey, Run] = {}
        self._unstored: set[Deadline] = set()
        self._began = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopping: GatewayError | None = None

    def start(
        self,
        store: ResponseStore,
        stored: StoredResponse,
        assembler: ResponseAssembler,
        deltas: Deltas,
        *,
        maker: Maker,
        earlier: Sequence[bytes] = (),
    ) -> Run:
        """Begin a run, and keep it until it has ended."""
        run = Run(Keeper(store, stored, maker, self._leave), assembler, deltas, earlier)
        key = (stored.tenant, stored.response.id)
        self._runs[key] = run
        run.task.add_done_callback(lambda _: self._forget(key, run))
        self._began.set()
        self._began.clear()
        return run

    def _forget(self, key: RunKey, run: Run) -> None:
        if self._runs.get(key) is run:  # else a later one took its place
            del self._runs[key]
        self._ended.set()

    async def unstored(self, deltas: Deltas) -> Deltas:
        """The same deltas, for a response that its reader alone carries: `drain` ends it too."""
        making = Deadline()
        if self._stopping is not None:
            making.expire(self._stopping)
        self._unstored.add(making)
        try:
            async with aclosing(making.limited(deltas)) as limited:
                async for batch in limited:
                    yield batch
        finally:
            self._unstored.discard(making)
            self._ended.set()

    @property
    def number(self) -> int:
        """How many responses are being made, stored or not."""
        return len(self._runs) + len(self._unstored)

    def get(self, tenant: str, response_id: str) -> Run | None:
        """The run that makes this response here and now, if any."""
        return self._runs.get((tenant, response_id))

    async def wait_for_another(self, seconds: float) -> None:
        """Return when a run begins, or after that time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._began.wait()

    async def settled(self) -> None:
        """Return when nothing is being made."""
        while self._runs or self._unstored:
            self._ended.clear()
            await self._ended.wait()

    async def drain(self, seconds: float, error: GatewayError) -> None:
        """Let what is made come to its end for a while; then end the rest as failed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.settled()
        self._stopping = error
        for making in self._unstored:
            making.expire(error)
        late = list(self._runs.values())
        for run in late:
            run.stop(failed(error))
        if late:
            await asyncio.wait([run.task for run in late])
