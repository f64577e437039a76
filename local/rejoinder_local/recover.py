"""After a crash: every response that was being made gets its one terminal state."""

from rejoinder.engine.encoding import frames_of
from rejoinder.engine.recovery import resumed
from rejoinder.errors import Unavailable
from rejoinder.runs import Runs
from rejoinder_local.store import SQLiteStore

CUT_OFF = "The server stopped while this response was made; ask again."


async def recover(store: SQLiteStore, runs: Runs | None = None) -> int:
    """End as failed what is live though nobody makes it; gives the number of responses."""
    unfinished = [
        (tenant, response_id)
        for tenant, response_id in store.unfinished()
        if runs is None or runs.get(tenant, response_id) is None
    ]
    for tenant, response_id in unfinished:
        recorded = await store.frames(tenant, response_id, after=-1)
        assembler = resumed(await store.get(tenant, response_id), recorded)
        told = assembler.fail(Unavailable(CUT_OFF, code="server_error"))
        await store.record(tenant, assembler.response, frames_of(told), first_number=len(recorded))
    return len(unfinished)
