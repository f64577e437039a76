"""After a crash: what was made in the foreground has failed, what was queued goes on."""

import sqlite3
from logging import getLogger

from rejoinder.engine.encoding import frames_of
from rejoinder.engine.recovery import resumed
from rejoinder.errors import Unavailable
from rejoinder.runs import Runs
from rejoinder.schema.response import Response
from rejoinder.storage.jobs import NewJob
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore

log = getLogger("rejoinder")

CUT_OFF = "The server stopped while this response was made; ask again."


async def recover(store: SQLiteStore, queue: SQLiteQueue, runs: Runs | None = None) -> int:
    """End as failed what is live in the foreground though nobody makes it; gives the number.

    A background response that lost its job between two writes gets one.
    """
    failed = 0
    for tenant, response_id in store.unfinished():
        if runs is not None and runs.get(tenant, response_id) is not None:
            continue
        try:
            response = await store.get(tenant, response_id)
            if not response.background:
                await _fail(store, tenant, response)
                failed += 1
            elif not queue.has(tenant, response_id):
                await queue.send(NewJob("run", tenant, response_id))
        except sqlite3.Error:
            raise
        except Exception:  # it is damaged: the others shall be ended all the same
            log.exception("response_not_recovered", extra={"response_id": response_id})
    return failed


async def _fail(store: SQLiteStore, tenant: str, response: Response) -> None:
    recorded = await store.frames(tenant, response.id, after=-1)
    assembler = resumed(response, recorded)
    told = frames_of(assembler.fail(Unavailable(CUT_OFF, code="server_error")))
    await store.record(tenant, assembler.response, told, first_number=len(recorded))
