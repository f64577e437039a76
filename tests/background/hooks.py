"""Receivers of webhooks in one: what each is told, and how it answers, is told by the path."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx

type JSON = Any

POLL_SECONDS = 0.02  # how soon it sees that it shall end


@dataclass(frozen=True, slots=True)
class Told:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: str


class Hooks:
    """A server on the loopback; `/STATUS/NAME` answers with that status, and `/moved` elsewhere."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def __enter__(self) -> Self:
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                told.append(Told(self.path, headers, body))
                self.send_response(int(self.path.split("/")[1]))
                self.send_header("location", "/200/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def at(self, path: str, response_id: str) -> list[Told]:
        """What came to a path about a response."""
        return [each for each in list(self.told) if each.path == path and response_id in each.body]


class Receiver(httpx.AsyncBaseTransport):
    """A receiver without sockets, which answers by a script; the last answer repeats."""

    def __init__(self, *answers: int | Exception) -> None:
        self._answers = list(answers)
        self.told: list[Told] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.told.append(Told(request.url.path, headers, request.content.decode()))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer)
