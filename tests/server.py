"""The local server as a process of its own, to be talked to, stopped, killed and started again.

with Server(tmp_path, upstream.base_url) as server:
    OpenAI(base_url=server.base_url, api_key=KEY)  # models are called `scripted/NAME`
    server.kill()
    server.start()  # the same data, the same port
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Literal, Self

import httpx
import psutil

KEY = "sk-test"
OTHER_KEY = "sk-other"

UNMEASURED = {"COVERAGE_PROCESS_CONFIG": ""}  # the environment of a process without coverage

STARTS_WITHIN_SECONDS = 30.0
STOPS_WITHIN_SECONDS = 20.0
POLL_SECONDS = 0.02
TAIL_LINES = 30

_SWITCHES = re.compile(r"\w+_API_KEY|\w+_BASE_URL|AWS_\w+|OLLAMA_HOST")  # turn providers on


class Server:
    """One Rejoinder on the loopback; all that it keeps and says is in its data folder.

    `config_extra` stands at the beginning of the settings: first single keys, then tables.
    """

    module = "rejoinder_local"

    def __init__(
        self,
        data: Path,
        upstream_url: str | None = None,
        config_extra: str = "",
        *,
        flavour: Literal["openai", "generic"] = "openai",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        self.port = 0  # chosen by the first start, kept by the later ones
        self._config = data / "rejoinder.toml"
        self._log = data / "server.log"
        self._env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None
        data.mkdir(parents=True, exist_ok=True)
        self._config.write_text(_settings(upstream_url, config_extra, flavour))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL."""
        return f"{self.url}/v1"

    @property
    def pid(self) -> int:
        """The process that serves, or served last."""
        return self._started.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """All that it has said, over all its starts."""
        return self._log.read_text(errors="replace")

    def start(self) -> Self:
        """Start the process and wait until it answers.

        Raises:
            RuntimeError: with the last lines of its log, if it ends, or does not answer.
        """
        assert not self.is_running, "the server runs already"
        inherited = {k: v for k, v in os.environ.items() if not _SWITCHES.fullmatch(k)}
        given = {"PORT": str(self.port), "DATA": str(self.data), "CONFIG": str(self._config)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module, "serve"],
                env=inherited | given | {"DEV_KEY": KEY} | self._env,
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """End it as Ctrl-C does; nothing happens if it has ended."""
        if self.is_running:
            self.interrupt()

    def interrupt(self) -> int:
        """Send SIGINT and wait for the end; the exit status."""
        return self._end(signal.SIGINT)

    def kill(self) -> None:
        """Send SIGKILL: what a crash does."""
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Stop it and start it, with the same data on the same port."""
        self.stop()
        return self.start()

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server was never started"
        return self._process

    def _end(self, how: signal.Signals) -> int:
        self._started.send_signal(how)
        try:
            return self._started.wait(STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._started.kill()
            self._started.wait()
            raise self._failure(f"the server did not stop at {how.name}") from None

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if (status := self._started.poll()) is not None:
                raise self._failure(f"the server ended with status {status}")
            self.port = self.port or _listening_port(self.pid)
            if self.port and _answers(self.url):
                return
            time.sleep(POLL_SECONDS)
        raise self._failure("the server did not answer in time")

    def _failure(self, what: str) -> RuntimeError:
        tail = "\n".join(self.log.splitlines()[-TAIL_LINES:])
        return RuntimeError(f"{what}; its log ends with:\n{tail}")


def _settings(upstream_url: str | None, extra: str, flavour: str) -> str:
    scripted = ""
    if upstream_url is not None:
        scripted = f'[providers.scripted]\nbase_url = "{upstream_url}"\nflavour = "{flavour}"\n'
    return f'{extra}\n{scripted}\n[keys]\nother = "{OTHER_KEY}"\n'


def _listening_port(pid: int) -> int:
    """The port on which a process listens; 0 if there is none yet."""
    try:
        sockets = psutil.Process(pid).net_connections("tcp4")
    except psutil.Error:
        return 0
    ports = [each.laddr.port for each in sockets if each.status == psutil.CONN_LISTEN]
    return ports[0] if ports else 0


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False
