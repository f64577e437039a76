"""A process of AWS's own runtime, which calls functions and knows no event loop."""

import asyncio
from collections.abc import Coroutine
from importlib import import_module
from os import environ

from rejoinder.deployment import Deployment

SNAP_START = "snap-start"


class Process:
    """One event loop for the life of the process, and the deployment, opened at its start."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self._runner = asyncio.Runner()
        self.run(deployment.open())
        if environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == SNAP_START:
            hooks = import_module("snapshot_restore_py")  # the managed runtime has it
            hooks.register_before_snapshot(lambda: self.run(deployment.close()))
            hooks.register_after_restore(lambda: self.run(deployment.open()))

    def run[T](self, coroutine: Coroutine[object, object, T]) -> T:
        """Do something, and give what comes of it."""
        return self._runner.run(coroutine)

    def close(self) -> None:
        """Close all connections, and the loop."""
        self.run(self.deployment.close())
        self._runner.close()
