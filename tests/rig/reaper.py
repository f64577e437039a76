"""Ends the rig's processes when the rig has gone, however it went; standard library only.

Frozen processes cannot see that their parent died. This one can: it reads a pipe that closes with
the rig, and then kills every process group that it was told of. (`prctl` would do on Linux only.)
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TextIO


class Reaper:
    """The rig's end of the pipe."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is not for it
        )

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def watch(self, group: int) -> None:
        """Kill this process group, too."""
        self._tell(f"+{group}")

    def forget(self, group: int) -> None:
        """This process group has ended: its number may soon be another's."""
        self._tell(f"-{group}")

    def close(self) -> None:
        """End what is left, and itself."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()


def reap(told: TextIO) -> None:
    """Keep the list until nobody tells any more."""
    groups: set[int] = set()
    for line in told:
        (groups.add if line.startswith("+") else groups.discard)(int(line[1:]))
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    reap(sys.stdin)
