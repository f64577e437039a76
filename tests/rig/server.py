"""The deployment on the rig as a process of its own, with the surface of `tests.server.Server`.

with LambdaServer(tmp_path, upstream.base_url) as server:
    OpenAI(base_url=server.base_url, api_key=KEY)  # models are called `scripted/NAME`
    server.kill_function("worker")  # as a crash would
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import httpx

from tests.rig.services import Moto
from tests.rig.stack import STAGE
from tests.server import UNMEASURED, Server

type JSON = Any

ROOT = Path(__file__).parents[2]
STARTS_WITHIN_SECONDS = 300.0  # packages are installed and the stack is synthesized, at first
POLL_SECONDS = 0.05


class LambdaServer(Server):
    """One deployment on the loopback. What it keeps is in moto's server, and outlives a restart."""

    module = "tests.rig"

    def __init__(
        self,
        data: Path,
        upstream_url: str | None = None,
        config_extra: str = "",
        *,
        flavour: Literal["openai", "generic"] = "openai",
        env: Mapping[str, str] | None = None,
    ) -> None:
        found = {"PYTHONPATH": str(ROOT), **UNMEASURED, **(env or {})}  # it is not the product
        super().__init__(data, upstream_url, config_extra, flavour=flavour, env=found)
        self._moto = Moto()
        self._state = data / "rig" / "rig.json"

    def __enter__(self) -> Self:
        self._moto.__enter__()
        try:
            return super().__enter__()
        except BaseException:
            self._moto.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._moto.__exit__()

    @property
    def url(self) -> str:
        """Where it answers: at its stage. Without the stage it does, too."""
        return f"http://127.0.0.1:{self.port}/{STAGE}"

    @property
    def aws_url(self) -> str:
        """Where moto's server answers."""
        return self._moto.url

    def start(self) -> Self:
        """Start the process and wait until it answers."""
        self._state.unlink(missing_ok=True)
        self._env["AWS_ENDPOINT_URL"] = self._moto.url
        return super().start()

    def state(self) -> JSON:
        """Of each function its invocations, processes and violations; calls of AWS by operation."""
        return self._asked("GET", "state")

    def kill_function(self, name: str) -> int:
        """Kill the processes of a function that have an invocation; how many."""
        killed: int = self._asked("POST", "kill", function=name)["killed"]
        return killed

    def configure(self, function: str, **changes: JSON) -> None:
        """Change members of a function, such as `timeout_seconds`, from its next invocation on."""
        self._asked("POST", "configure", function=function, **changes)

    def throttle(self, operation: str, times: int) -> None:
        """Let AWS refuse the next calls of an operation, such as PutItem."""
        self._asked("POST", "throttle", operation=operation, times=times)

    def disturb_queue(self, name: str = "QueueJobs", **mischief: JSON) -> None:
        """Let a queue deliver twice, late, or not at all: members of `queue_pump.Mischief`."""
        self._asked("POST", "queue", name=name, **mischief)

    def _asked(self, method: str, what: str, **body: JSON) -> JSON:
        reply = httpx.request(method, f"http://127.0.0.1:{self._control}/{what}", json=body)
        return reply.raise_for_status().json()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if (status := self._started.poll()) is not None:
                raise self._failure(f"the rig ended with status {status}")
            if self._state.exists() and (text := self._state.read_text()):
                told = json.loads(text)
                self.port, self._control = told["port"], told["control"]
                return
            time.sleep(POLL_SECONDS)
        raise self._failure("the rig did not answer in time")
