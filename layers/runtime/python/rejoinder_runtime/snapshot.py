"""SnapStart: what happens around the snapshot that Lambda takes of a started function.

Hooks are attributes of the application, `before_snapshot` and `after_restore` (plain functions or
coroutines), and those registered with AWS's `snapshot_restore_py`, which the managed runtime has.
"""

import sys
from collections.abc import Callable, Iterable
from inspect import isawaitable
from typing import Any

from rejoinder_runtime.exchange import App
from rejoinder_runtime.failures import Failure, log_failure
from rejoinder_runtime.runtime_api import RuntimeApi

type Hook = tuple[Callable[..., Any], Iterable[Any], dict[str, Any]]

BEFORE_FAILED = 64
RESTORE_FAILED = 65


async def restored(api: RuntimeApi, app: App) -> int:
    """Have the snapshot taken, and wake up in a function restored from it; 0, or an exit code."""
    try:
        await _run([*reversed(_registered("get_before_snapshot")), *_own(app, "before_snapshot")])
        await api.restore_next()
    except Exception as error:
        failure = Failure.of(error)
        log_failure("snapshot_failed", failure, errorMessage=failure.message)
        await api.init_error(failure.named("Runtime.BeforeSnapshotError"))
        return BEFORE_FAILED
    try:
        await _run([*_own(app, "after_restore"), *_registered("get_after_restore")])
    except Exception as error:
        failure = Failure.of(error)
        log_failure("restore_failed", failure, errorMessage=failure.message)
        await api.restore_error(failure.named("Runtime.AfterRestoreError"))
        return RESTORE_FAILED
    return 0


def _own(app: App, name: str) -> list[Hook]:
    hook = getattr(app, name, None)
    return [] if hook is None else [(hook, (), {})]


def _registered(getter: str) -> list[Hook]:
    """Hooks of a library that is there only if somebody has imported it."""
    library = sys.modules.get("snapshot_restore_py")
    return [] if library is None else list(getattr(library, getter)())


async def _run(hooks: Iterable[Hook]) -> None:
    for hook, args, kwargs in hooks:
        result = hook(*args, **kwargs)
        if isawaitable(result):
            await result
