"""After a crash: every response that was being made gets its one terminal state."""

from rejoinder.engine.encoding import frames_of
from rejoinder.engine.recovery import resumed
from rejoinder.errors import Unavailable
from rejoinder_local.store import SQLiteStore

CUT_OFF = "The server stopped while this response was made; ask again."


async def recover(store: SQLiteStore) -> int:
    """End what the last process left live, as failed; gives the number of responses."""
    unfinished = store.unfinished()
    for tenant, response_id in unfinished:
        recorded = await store.frames(tenant, response_id, after=-1)
        assembler = resumed(await store.get(tenant, response_id), recorded)
        told = assembler.fail(Unavailable(CUT_OFF, code="server_error"))
        await store.record(tenant, assembler.response, frames_of(told), first_number=len(recorded))
    return len(unfinished)
