"""Stacks written by hand: functions of a few lines, one route for each."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import psutil

from tests.rig.fleet import Fleet
from tests.rig.rig import Rig
from tests.rig.stack import WRAPPER, Function, Queue, Route, Stack

type JSON = Any

RUNTIME = Path(__file__).parents[2] / "layers" / "runtime"
RAW = Path(__file__).with_name("raw.py")
RAW_WRAPPER = '#!/bin/sh\nexec "$1" "${0%/*}/raw.py"\n'
WAITS_SECONDS = 30.0


class Lines:
    """What the rig says."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def say(self, who: str, line: str) -> None:
        self.said.append((who, line))

    def of(self, who: str) -> list[str]:
        """The lines of one function, queue or gateway."""
        return [line for name, line in self.said if name == who]


class Small:
    """A rig, and the functions that a test gives it."""

    def __init__(self, folder: Path, rig: Rig, lines: Lines) -> None:
        self.folder = folder
        self.rig = rig
        self.lines = lines
        self._functions: dict[str, Function] = {}
        self._routes: list[Route] = []
        self._pids: set[int] = set()

    def buffered(self, name: str, code: str, **options: JSON) -> None:
        """A function with a `handle(event, context)`, at any method of /NAME."""
        self._add(name, code, "handler.handle", self.folder / "no-layer", **options)
        self._routes.append(Route("ANY", f"/{name}", name))

    def asgi(self, name: str, code: str, **options: JSON) -> None:
        """A streamed function with an ASGI `app`, under our own runtime layer."""
        env = {WRAPPER: "/opt/rejoinder/bootstrap"}
        self._add(name, code, "handler.app", RUNTIME, env=env, **options)
        self._routes.append(Route("ANY", f"/{name}", name, is_streamed=True))

    def raw(self, name: str, code: str, **options: JSON) -> None:
        """A streamed function whose `main(api)` is the runtime."""
        opt = self.folder / "raw-layer"
        if not opt.exists():
            opt.mkdir()
            shutil.copyfile(RAW, opt / "raw.py")
            (opt / "bootstrap").write_text(RAW_WRAPPER)
            (opt / "bootstrap").chmod(0o755)
        self._add(name, code, "handler.main", opt, env={WRAPPER: "/opt/bootstrap"}, **options)
        self._routes.append(Route("ANY", f"/{name}", name, is_streamed=True))

    def _add(self, name: str, code: str, handler: str, opt: Path, **options: JSON) -> None:
        task = self.folder / name
        task.mkdir()
        (task / "handler.py").write_text(dedent(code))
        options.setdefault("timeout_seconds", 20.0)
        self._functions[name] = Function(name, handler, task, opt, **options)

    async def start(self, *routes: Route, **more: JSON) -> None:
        """Open the gateway; `more` are members of Stack."""
        env = {"FOLDER": str(self.folder)}
        functions = {
            name: replace(function, env={**function.env, **env})
            for name, function in self._functions.items()
        }
        stack = Stack(functions, (*self._routes, *routes), **more)
        await self.rig.start(lambda _: stack)

    def url(self, name: str) -> str:
        """Where a function answers."""
        return f"{self.rig.url}/{name}"

    def fleet(self, name: str) -> Fleet:
        """The processes of a function."""
        self._pids |= {process.pid for process in self.rig.fleets[name].processes}
        return self.rig.fleets[name]

    def touch(self, name: str) -> None:
        """Make a file for which a function waits."""
        (self.folder / name).touch()

    def read(self, name: str) -> str:
        """What a function has written."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    async def is_idle(self, name: str) -> None:
        """Wait until no invocation of a function runs, and its processes are frozen."""
        await until(lambda: self.fleet(name).is_idle)
        await until(lambda: all(map(_is_stopped, self.fleet(name).processes)))

    def is_alive(self) -> bool:
        """Whether a process that we have seen is still there."""
        return any(psutil.pid_exists(pid) for pid in self._pids)


async def until(is_true: Callable[[], bool]) -> None:
    """Wait, but not for ever."""
    deadline = time.monotonic() + WAITS_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "it did not become true"
        await asyncio.sleep(0.01)


def queue_pair(function: str, dead: str = "", **options: JSON) -> tuple[Queue, Queue]:
    """A queue and its dead letters, of names that no other test uses."""
    name = f"jobs-{os.urandom(4).hex()}"
    letters = f"{name}-dead"
    return (
        Queue(name, function, dead_letters_to=letters, **options),
        Queue(letters, dead, visibility_seconds=30),
    )


def _is_stopped(process: JSON) -> bool:
    return process.is_frozen and psutil.Process(process.pid).status() == psutil.STATUS_STOPPED
