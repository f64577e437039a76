"""Processes under measurement: started, timed, weighed and ended, each with its children.

On Linux, CPU is read from the kernel's clock of each process (`clock_getcpuclockid(3)`), to the
nanosecond; the counters that psutil reads there tick a hundred times a second.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

_CPU_CLOCK = 2
_PASSED_ON = ("PATH", "PYTHONPATH", "SYSTEMROOT")


def free_port() -> int:
    """A port of the loopback interface that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Process:
    """A server in a process group and a folder of its own, knowing nothing of its user's keys."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], home: Path) -> None:
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        home.mkdir(parents=True, exist_ok=True)
        self._log = home / "output.log"
        self.started = time.monotonic()
        with self._log.open("wb") as output:
            self._popen = subprocess.Popen(
                command,
                cwd=home,
                env={"HOME": str(home), "LANG": "C.UTF-8", **kept, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended by itself."""
        return self._popen.poll() is None

    def cpu_ms(self) -> float:
        """CPU time (user and system) since its beginning, of it and its living descendants."""
        return sum(map(_cpu_ms, self._tree()))

    def rss_mb(self) -> float:
        """Resident memory of it and its living descendants."""
        return sum(process.memory_info().rss for process in self._tree()) / 2**20

    def last_words(self) -> str:
        """The last line of its output that says something."""
        lines = self._log.read_text(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "no output")

    def end(self) -> None:
        """Asks it and what it started to end, and insists after five seconds."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if not self.is_alive:
                return
            os.killpg(self._popen.pid, sign)
            try:
                self._popen.wait(5)
            except subprocess.TimeoutExpired:
                continue

    def _tree(self) -> list[psutil.Process]:
        if not self.is_alive:
            return []
        root = psutil.Process(self._popen.pid)
        return [root, *root.children(recursive=True)]


def _cpu_ms(process: psutil.Process) -> float:
    if sys.platform == "linux":
        return time.clock_gettime_ns((~process.pid << 3) | _CPU_CLOCK) / 1e6
    times = process.cpu_times()
    return (times.user + times.system) * 1000
