"""A process of AWS's own runtime, which calls functions and knows no event loop."""

import asyncio
from collections.abc import Coroutine
from importlib import import_module
from os import environ

from rejoinder.deployment import Deployment
from rejoinder.deployment.snapshots import is_to_be_kept


class Process:
    """One event loop for the life of the process, and the deployment.

    It is opened at the start, or when the process was restored from a snapshot.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self._runner = asyncio.Runner()
        if is_to_be_kept(environ):
            hooks = import_module("snapshot_restore_py")  # the managed runtime has it
            hooks.register_after_restore(lambda: self.run(deployment.open()))
        else:
            self.run(deployment.open())

    def run[T](self, coroutine: Coroutine[object, object, T]) -> T:
        """Do something, and give what comes of it."""
        return self._runner.run(coroutine)

    def close(self) -> None:
        """Close all connections, and the loop."""
        self.run(self.deployment.close())
        self._runner.close()
