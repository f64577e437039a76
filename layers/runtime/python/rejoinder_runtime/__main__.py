"""The process: started by the wrapper in the place of AWS's own runtime.

Settings are Lambda's environment variables. It ends with 0 when Lambda shuts it down, 1 if the
application cannot start or Lambda cannot be reached, 64 and 65 if SnapStart fails.
"""

import asyncio
import io
import os
import signal
import sys
from contextlib import suppress
from typing import Any

from rejoinder_runtime.exchange import App
from rejoinder_runtime.failures import Failure, log_failure
from rejoinder_runtime.handler import CannotLoad, load
from rejoinder_runtime.lifespan import Lifespan
from rejoinder_runtime.runtime_api import RuntimeApi
from rejoinder_runtime.serving import Server
from rejoinder_runtime.snapshot import restored

FAILED = 1


def main() -> int:
    """Run the function until its end; the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a frozen process flushes nothing
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    with asyncio.Runner() as runner:
        try:
            app = load(os.environ.get("_HANDLER", ""))
        except CannotLoad as error:
            return runner.run(_give_up(api, error.failure))
        return runner.run(_live(api, app))


async def _live(api: RuntimeApi, app: App) -> int:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_stray)
    lifespan = Lifespan(app)
    try:
        await lifespan.startup()
    except Exception as error:
        return await _give_up(api, Failure.of(error))
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        status = await restored(api, app)
        if status:
            return status
    concurrency = int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 1)
    serving = asyncio.ensure_future(Server(api, app, lifespan.state, concurrency).serve())
    loop.add_signal_handler(signal.SIGTERM, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving
    await lifespan.shutdown()
    return 0


def _log_stray(_loop: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
    """What nobody awaited: asyncio itself would write several lines, and what the error says."""
    error = told.get("exception")
    failure = Failure("Runtime.EventLoop", "", []) if error is None else Failure.of(error)
    log_failure("task_failed", failure, reason=told["message"])


async def _give_up(api: RuntimeApi, failure: Failure) -> int:
    log_failure("init_failed", failure, errorMessage=failure.message)
    await api.init_error(failure)
    return FAILED


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:
        crash = Failure.of(error)
        log_failure("runtime_crashed", crash, errorMessage=crash.message)
        sys.exit(FAILED)
