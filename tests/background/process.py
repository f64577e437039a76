"""A server that can be told where to crash, and that is started again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, override

import psutil

from tests.background.crashing import ARRIVED
from tests.server import UNMEASURED, Server

NO_LIMIT = (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY)
ROOT = Path(__file__).parents[2]
CRASHES_WITHIN_SECONDS = 20.0


class CrashingServer(Server):
    """The server under `tests.background.crashing`."""

    module = "tests.background.crashing"

    def __init__(self, data: Path, upstream_url: str, config_extra: str = "") -> None:
        env = {"PYTHONPATH": str(ROOT), **UNMEASURED}  # a kill would lose what it measures
        super().__init__(data, upstream_url, config_extra, env=env)

    def to_crash(self, point: str, arrivals: int = 1) -> Self:
        """Let each start from now on be one that ends at this point."""
        self._env["CRASH_AT"] = f"{point}/{arrivals}"
        return self

    def to_last(self) -> Self:
        """Let it run for good from the next start on."""
        self._env.pop("CRASH_AT", None)
        return self

    @property
    def arrivals(self) -> int:
        """How often its point was reached, over all its starts."""
        return self.log.count(ARRIVED)

    def wait_for_crash(self) -> None:
        """Wait until it has killed itself."""
        assert self._started.wait(CRASHES_WITHIN_SECONDS) == -9, self.log

    def start_to_crash(self) -> None:
        """Start it, though it may crash before it answers."""
        try:
            self.start()
        except RuntimeError:
            assert self._started.poll() == -9, self.log
        else:
            self.wait_for_crash()

    @override
    def __enter__(self) -> Self:
        return self  # it is started when it is known where it shall crash

    @override
    def __exit__(self, *_: object) -> None:
        if self.is_running:
            self.kill()


@contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """No file of the server's can grow: its own limit stands in for the disk."""
    used = max(path.stat().st_size for path in server.data.iterdir())
    process = psutil.Process(server.pid)
    process.rlimit(psutil.RLIMIT_FSIZE, (used, psutil.RLIM_INFINITY))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, NO_LIMIT)


def eventually(condition: Callable[[], bool], *, within_seconds: float = 30.0) -> None:
    """Wait for what must come true."""
    deadline = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
