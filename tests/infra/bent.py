"""Something between the smoke test and a real server that answers some requests in its own way.

It keeps each answer until it is whole, as a proxy that buffers does.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

KEPT = ("content-type", "x-request-id", "allow", "retry-after", "access-control-allow-origin")
GATEWAY = {"x-amzn-RequestId": "1"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on its way."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """An answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


type Bend = Callable[[Asked], Said | None]


def refusal(status: int, code: str, *, by_gateway: bool = False, **headers: str) -> Said:
    """An error of the contract's shape; API Gateway's own is for pages of any origin."""
    error = {"message": "No.", "type": "invalid_request_error", "param": None, "code": code}
    own = {"x-amzn-ErrorType": "X", "access-control-allow-origin": "*"} if by_gateway else {}
    told = {"content-type": "application/json", "x-request-id": "1", **own, **GATEWAY}
    return Said(status, json.dumps({"error": error}).encode(), told | headers)


@contextmanager
def bent(url: str, bend: Bend, headers: Mapping[str, str] = GATEWAY) -> Iterator[str]:
    """The address of a door to a server at `url`; all that comes through has the headers."""
    with httpx.Client(timeout=30) as client:

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                given = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, given, self.rfile.read(size))
                said = bend(asked) or self.forwarded(asked)
                self.send_response(said.status)
                for name, value in {**said.headers, "content-length": str(len(said.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(said.body)

            def forwarded(self, asked: Asked) -> Said:
                passed = {
                    name: value
                    for name, value in asked.headers.items()
                    if name not in ("host", "connection", "upgrade")
                }
                reply = client.request(
                    asked.method, url + asked.path, headers=passed, content=asked.body
                )
                kept = {name: reply.headers[name] for name in KEPT if name in reply.headers}
                return Said(reply.status_code, reply.content, {**kept, **headers})

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """A test that fails prints enough."""

        class Doors(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that leaves is none."""

        with Doors(("127.0.0.1", 0), Door) as doors:
            thread = threading.Thread(target=doors.serve_forever, args=(0.02,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{doors.server_port}"
            finally:
                doors.shutdown()
                thread.join()
