"""A runtime that can do anything wrong: for handlers that speak the Runtime API themselves.

It lies in the layer of such a function, and is standard library only. A handler's `main(api)` runs
in the place of a runtime.
"""

import importlib
import json
import os
import socket
import sys
from dataclasses import dataclass
from typing import Any

type JSON = Any

VERSION = "/2018-06-01/runtime"
PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"
PRELUDE = b'{"statusCode": 200, "headers": {"content-type": "text/plain"}}' + b"\0" * 8


@dataclass
class Reply:
    """What the Runtime API said."""

    status: int
    headers: dict[str, str]
    body: bytes


class Api:
    """The Runtime API, a connection per request; what goes over it is the handler's choice."""

    def __init__(self) -> None:
        host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
        self._address = (host, int(port))

    def next(self) -> tuple[str, JSON]:
        """The id and the event of the next invocation."""
        reply = self.ask("GET", "/invocation/next")
        return reply.headers["lambda-runtime-aws-request-id"], json.loads(reply.body)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """One request; `_` in the names of headers stands for `-`."""
        with socket.create_connection(self._address) as wire:
            wire.sendall(_head(method, path, {"Content-Length": str(len(body)), **headers}) + body)
            return _reply(wire)

    def stream(self, request_id: str, **headers: str) -> "Stream":
        """Begin a streamed answer."""
        usual = {
            "Content_Type": PRELUDE_TYPE,
            "Lambda_Runtime_Function_Response_Mode": "streaming",
            "Transfer_Encoding": "chunked",
        }
        wire = socket.create_connection(self._address)
        path = f"/invocation/{request_id}/response"
        wire.sendall(_head("POST", path, usual | headers))
        return Stream(wire)


class Stream:
    """A streamed answer."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire

    def send(self, piece: bytes) -> None:
        """A chunk."""
        self.wire.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))

    def end(self, **trailers: str) -> Reply:
        """The last chunk, and trailers; what the Runtime API says."""
        self.wire.sendall(b"0\r\n" + _lines(trailers) + b"\r\n")
        return _reply(self.wire)


def _lines(headers: dict[str, str]) -> bytes:
    lines = (f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return "".join(lines).encode()


def _head(method: str, path: str, headers: dict[str, str]) -> bytes:
    return f"{method} {VERSION}{path} HTTP/1.1\r\n".encode() + _lines(headers) + b"\r\n"


def _reply(wire: socket.socket) -> Reply:
    with wire.makefile("rb") as file:
        status = int(file.readline().split()[1])
        headers = {}
        while line := file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Reply(status, headers, file.read(int(headers["content-length"])))


if __name__ == "__main__":
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    importlib.import_module("handler").main(Api())
