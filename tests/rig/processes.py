"""Function processes as Lambda keeps them: cold, working, frozen, killed.

A process works on one invocation. When it asks for the next and there is none, it and all its
children are stopped by SIGSTOP, and nothing in it moves until an invocation comes: a task that was
left running goes on in somebody else's request, as it does on Lambda and never under a web server.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.rig.invocations import FunctionError, Invocation
from tests.rig.reaper import Reaper
from tests.rig.runtime_api import RuntimeApi
from tests.rig.stack import REGION, Function

type Say = Callable[[str, str], None]  # who, a line

STOCK_RUNTIME = Path(__file__).with_name("stock.py")
FREEZES_AFTER_SECONDS = 0.002
DRAINS_WITHIN_SECONDS = 2.0
LONGEST_LINE_BYTES = 1024 * 1024
MEBIBYTE = 1024 * 1024


def interpreter() -> str:
    """The Python outside of any environment: the bundle has to bring all that it needs."""
    return getattr(sys, "_base_executable", None) or sys.executable


def environment(function: Function, runtime_api: str) -> dict[str, str]:
    """What Lambda sets for a function, and the function's own; nothing of ours."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(function.code),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "rig",
        "AWS_SECRET_ACCESS_KEY": "rig",
        "AWS_SESSION_TOKEN": "rig",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "rig",
        **function.env,
    }


class FunctionProcess:
    """One process, from its cold start to its end."""

    def __init__(
        self, function: Function, say: Say, reaper: Reaper, note: Callable[[str], None]
    ) -> None:
        self.has_exited = False
        self.is_frozen = False
        self.init_ms = 0.0
        self.function = function
        self._say = say
        self._reaper = reaper
        self._api = RuntimeApi(function, self._rest, note)
        self._turn = asyncio.Event()  # it rests, or it is no more
        self._freezing: asyncio.TimerHandle | None = None
        self._watching: asyncio.Task[None] | None = None
        self._peak_bytes = 0

    @property
    def pid(self) -> int:
        """Of the process, and of its group."""
        return self._process.pid

    @property
    def is_answering(self) -> bool:
        """Whether a caller has seen the beginning of an answer, and not its end."""
        current = self._api.current
        return current is not None and current.has_opened and not current.has_ended

    async def start(self, limit_seconds: float) -> None:
        """A cold start.

        Raises:
            FunctionError: if it did not get ready, or not in time.
        """
        began = time.monotonic()
        function = self.function
        env = environment(function, await self._api.start())
        command = [interpreter(), str(STOCK_RUNTIME), str(function.opt)]
        self._process = await asyncio.create_subprocess_exec(
            *([str(function.wrapper)] if function.wrapper else []),
            *command,
            cwd=function.code,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=LONGEST_LINE_BYTES,
        )
        self._reaper.watch(self.pid)
        self._listening = asyncio.create_task(self._listen())
        self._watching = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(limit_seconds):
                await self._turn.wait()
        except TimeoutError:
            self.kill(FunctionError("Sandbox.Timedout", f"not ready within {limit_seconds} s"))
            await self._watching
        self.init_ms = (time.monotonic() - began) * 1000
        if self.has_exited:
            error = self._api.init_error or self._api.exit_error
            self._say(function.name, f"INIT_REPORT Init Duration: {self.init_ms:.2f} ms {error}")
            raise error or FunctionError("Runtime.ExitError", "the process ended")

    async def run(self, invocation: Invocation, *, is_cold: bool) -> None:
        """Deliver an invocation and wait until the process asks for the next one, or ends."""
        self._say(self.function.name, f"START RequestId: {invocation.id} Version: $LATEST")
        limit = self.function.timeout_seconds
        began = time.monotonic()
        invocation.deadline_ms = int((time.time() + limit) * 1000)
        self._thaw()
        self._turn.clear()
        self._api.deliver(invocation)
        timer = asyncio.get_running_loop().call_later(limit, self._time_out, invocation)
        await self._turn.wait()
        timer.cancel()
        took_ms = (time.monotonic() - began) * 1000
        self._say(self.function.name, f"END RequestId: {invocation.id}")
        self._say(self.function.name, self._report(invocation, took_ms, is_cold=is_cold))

    def kill(self, why: FunctionError | None = None) -> None:
        """End it at once, and its children."""
        if not self.has_exited:
            self._api.exit_error = self._api.exit_error or why
            self._measure()
            self._signal(signal.SIGKILL)

    async def stop(self) -> None:
        """End it, and wait for its end."""
        if self._watching is None:  # it never began
            await self._api.stop()
            return
        self.kill()
        await self._watching

    def _rest(self) -> None:
        self._measure()
        self._turn.set()
        loop = asyncio.get_running_loop()
        self._freezing = loop.call_later(FREEZES_AFTER_SECONDS, self._freeze)

    def _freeze(self) -> None:
        self.is_frozen = True
        self._signal(signal.SIGSTOP)

    def _thaw(self) -> None:
        if self._freezing is not None:
            self._freezing.cancel()
        if self.is_frozen:
            self.is_frozen = False
            self._signal(signal.SIGCONT)

    def _time_out(self, invocation: Invocation) -> None:
        message = f"Task timed out after {self.function.timeout_seconds:.2f} seconds"
        self._say(self.function.name, f"{invocation.id} {message}")
        self.kill(FunctionError("Sandbox.Timedout", f"RequestId: {invocation.id} {message}"))

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    async def _watch(self) -> None:
        status = await self._process.wait()
        self.has_exited = True
        self._signal(signal.SIGKILL)  # its children do not outlive it
        self._reaper.forget(self.pid)
        if self._freezing is not None:
            self._freezing.cancel()
        how = f"signal: {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        error = FunctionError("Runtime.ExitError", f"Runtime exited with error: {how}")
        self._api.exit_error = self._api.exit_error or error
        await self._api.drain(DRAINS_WITHIN_SECONDS)
        if self._api.current is not None:
            self._api.current.end(self._api.exit_error)
        await asyncio.wait({self._listening}, timeout=DRAINS_WITHIN_SECONDS)
        self._listening.cancel()
        await self._api.stop()
        self._turn.set()

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError):  # a line without an end
            async for line in self._process.stdout:
                self._say(self.function.name, line.decode(errors="replace").rstrip("\n"))

    def _measure(self) -> None:
        with suppress(psutil.Error):
            self._peak_bytes = max(self._peak_bytes, psutil.Process(self.pid).memory_info().rss)

    def _report(self, invocation: Invocation, took_ms: float, *, is_cold: bool) -> str:
        parts = [
            f"REPORT RequestId: {invocation.id}",
            f"Duration: {took_ms:.2f} ms",
            f"Billed Duration: {took_ms + self.init_ms * is_cold:.0f} ms",
            f"Memory Size: {self.function.memory_mb} MB",
            f"Max Memory Used: {self._peak_bytes // MEBIBYTE} MB",
        ]
        if is_cold:
            parts.append(f"Init Duration: {self.init_ms:.2f} ms")
        if self.has_exited:
            parts.append(f"Status: {self._api.exit_error}")
        return "\t".join(parts)
