"""A function's process: the real wrapper, started as Lambda starts it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.runtime.api import RuntimeApi
from tests.runtime.requests import JSON

ROOT = Path(__file__).parents[2]
BOOTSTRAP = ROOT / "layers" / "runtime" / "rejoinder" / "bootstrap"
APPS = Path(__file__).parent / "apps"
ENDS_WITHIN_SECONDS = 30.0
STOPS_WITHIN_SECONDS = 15.0


class Function:
    """One execution environment."""

    def __init__(
        self,
        api: RuntimeApi,
        handler: str,
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        bootstrap: Path = BOOTSTRAP,
        interpreter: str = sys.executable,
    ) -> None:
        self._log = log
        measured = {name: value for name, value in os.environ.items() if "COVERAGE" in name}
        given = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "_HANDLER": handler,
            "LAMBDA_TASK_ROOT": str(APPS),
            "AWS_LAMBDA_FUNCTION_NAME": "stream",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        }
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [bootstrap, interpreter, "/var/runtime/bootstrap.py"],
                env=measured | given | dict(env or {}),
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(STOPS_WITHIN_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text()

    @property
    def log_lines(self) -> list[JSON]:
        """The same, each line read as JSON."""
        return [json.loads(line) for line in self.log.splitlines()]

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; the exit status."""
        return self._process.wait(ENDS_WITHIN_SECONDS)
