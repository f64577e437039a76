"""AWS's Runtime Interface Emulator: the real state machine of the Runtime API, as a referee.

It comes with the wheel of `aws-sam-cli` (emulator.txt), which `make` unpacks. It hands a streamed
answer on in one piece, so it judges the protocol, not the timing.
"""

import os
import platform
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Self

import httpx
import pytest

from tests.runtime.function import APPS, BOOTSTRAP, ROOT
from tests.runtime.requests import JSON

MACHINE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
BINARY = ROOT / ".cache" / "emulator" / f"aws-lambda-rie-{MACHINE}"
TARGET = "make .cache/emulator/.installed"
INVOCATIONS = "/2015-03-31/functions/function/invocations"
STARTS_WITHIN_SECONDS = 20.0
TIMEOUT_SECONDS = 30.0
DONE = re.compile(r"INVOKE RTDONE\(status: (\w+)")


def require_emulator() -> None:
    """Skip on a machine without the emulator, but never in CI."""
    if not BINARY.exists() and sys.platform == "linux":
        message = f"AWS's emulator is not there: {TARGET}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    if sys.platform != "linux":
        pytest.skip("AWS's emulator runs on Linux only")


class Emulator:
    """The emulator with one function."""

    def __init__(self, handler: str, log: Path) -> None:
        self._log = log
        self._door = f"127.0.0.1:{_free_port()}"
        command: list[str | Path] = [
            BINARY,
            *("--runtime-interface-emulator-address", self._door),
            *("--runtime-api-address", f"127.0.0.1:{_free_port()}"),
            *(BOOTSTRAP, sys.executable, handler),
        ]
        measured = {name: value for name, value in os.environ.items() if "COVERAGE" in name}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                env=measured | {"LAMBDA_TASK_ROOT": str(APPS), "AWS_LAMBDA_FUNCTION_TIMEOUT": "60"},
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        host, port = self._door.split(":")
        while True:
            try:
                socket.create_connection((host, int(port))).close()
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, self.log
                time.sleep(0.02)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()  # it ends the function, too
        self._process.wait()

    @property
    def log(self) -> str:
        """What the emulator and the function have said."""
        return self._log.read_text()

    @property
    def verdicts(self) -> list[str]:
        """How each invocation ended, in the emulator's judgement."""
        return DONE.findall(self.log)

    def invoke(self, event: JSON) -> httpx.Response:
        """Invoke the function; the answer is its prelude, eight NULs and its body, or an error."""
        return httpx.post(f"http://{self._door}{INVOCATIONS}", json=event, timeout=TIMEOUT_SECONDS)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
