"""The servers that are measured, and how each is started on a port of the loopback interface."""

import http.client
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from tests.benchmarks.load import KEY, Api, Target
from tests.benchmarks.peers import (
    LITELLM_ENVIRONMENT,
    Unavailable,
    install_litellm,
    install_rejoinder,
    litellm_command,
    rejoinder_python,
)
from tests.benchmarks.processes import Process, free_port

DIRECT, BASELINE, PEER = "direct", "pass-through", "litellm"
OURS = "rejoinder"
DIALECTS = ("openai", "anthropic", "bedrock")  # besides chat completions
_HERE = Path(__file__).parent
_START_SECONDS = 60.0
_REFUSING_SECONDS = 15.0
_POLL_SECONDS = 0.01
_REJOINDER_CONFIG = """\
[providers.bench]
dialect = "chat_completions"
base_url = "{upstream}/v1"

[providers.openai]
dialect = "openai"
base_url = "{upstream}/v1"
api_key = "sk-bench"

[providers.anthropic]
dialect = "anthropic"
base_url = "{upstream}/v1"
api_key = "sk-bench"

[providers.bedrock]
dialect = "bedrock"
base_url = "{upstream}"
api_key = "sk-bench"
region = "us-east-1"
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subject runs: its port, the upstream's address, and a folder of its own."""

    port: int
    upstream: str
    folder: Path


type Launch = tuple[Sequence[str], Mapping[str, str]]
"""A command and the variables of its environment."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A server to be measured: what it speaks and what starts it."""

    name: str
    api: Api
    launch: Callable[[Place], Launch]
    prefix: str = ""
    store: bool = False
    install: Callable[[], None] = lambda: None


def _direct(place: Place) -> Launch:
    command = [sys.executable, "-m", "tests.benchmarks.upstream", str(place.port)]
    return command, {"PYTHONPATH": str(_HERE.parents[1])}


def _through(client: str) -> Callable[[Place], Launch]:
    def launch(place: Place) -> Launch:
        port_of_upstream = place.upstream.rpartition(":")[2]
        arguments = [client, str(place.port), port_of_upstream]
        return [sys.executable, "-P", str(_HERE / "passthrough.py"), *arguments], {}

    return launch


def _rejoinder(place: Place) -> Launch:
    config, kept = place.folder / "rejoinder.toml", place.folder / "data"
    config.write_text(_REJOINDER_CONFIG.format(upstream=place.upstream))
    kept.mkdir(exist_ok=True)
    environment = {"PORT": str(place.port), "DATA": str(kept), "CONFIG": str(config)}
    python, paths = rejoinder_python()
    command = [python, "-m", "rejoinder_local", "serve"]
    return command, environment | paths | {"DEV_KEY": KEY}


def _litellm(place: Place) -> Launch:
    command = litellm_command(place.port, place.upstream, key=KEY, folder=place.folder)
    return command, LITELLM_ENVIRONMENT


_OURS = Subject(OURS, Api.RESPONSES, _rejoinder, prefix="bench/", install=install_rejoinder)
SUBJECTS = (
    Subject(DIRECT, Api.CHAT, _direct),
    Subject(BASELINE, Api.CHAT, _through("httpx")),
    Subject("pass-through (aiohttp)", Api.CHAT, _through("aiohttp")),
    _OURS,
    *(replace(_OURS, name=f"{OURS} ({each})", prefix=f"{each}/") for each in DIALECTS),
    replace(_OURS, name=f"{OURS}, storing", store=True),
    Subject(PEER, Api.RESPONSES, _litellm, prefix="bench/", install=install_litellm),
)


class Running:
    """A subject that answers."""

    def __init__(self, subject: Subject, process: Process, target: Target) -> None:
        self.subject, self.process, self.target = subject, process, target
        self.start_seconds = 0.0

    @classmethod
    def start(cls, subject: Subject, upstream: str, folder: Path) -> Self:
        """Starts a subject and waits for its first good answer to a JSON request.

        Raises:
            Unavailable: It ended, or gave no good answer in time.
        """
        place = Place(free_port(), upstream, folder)
        folder.mkdir(parents=True, exist_ok=True)
        command, environment = subject.launch(place)
        target = Target(place.port, subject.api, subject.prefix, store=subject.store)
        running = cls(subject, Process(command, environment, folder), target)
        try:
            running._wait()
        except BaseException:
            running.process.end()
            raise
        return running

    def _wait(self) -> None:
        deadline, said = self.process.started + _START_SECONDS, "no answer"
        while (now := time.monotonic()) < deadline:
            if not self.process.is_alive:
                raise Unavailable(f"ended at its start: {self.process.last_words()}")
            if (answer := _first_answer(self.target)) is None:
                time.sleep(_POLL_SECONDS)
                continue
            if answer[0] == http.HTTPStatus.OK:
                self.start_seconds = time.monotonic() - self.process.started
                return
            if said == "no answer":
                deadline = min(deadline, now + _REFUSING_SECONDS)
            said = f"status {answer[0]}: {answer[1][:200]}"
            time.sleep(_POLL_SECONDS)
        raise Unavailable(f"gave no good answer in time: {said}")


def _first_answer(target: Target) -> tuple[int, str] | None:
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=30)
    try:
        connection.request("POST", target.api.path, target.json_body("json"), target.headers())
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
