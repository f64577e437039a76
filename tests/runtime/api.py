"""A Runtime API on the loopback, as strict as AWS's: every state, header and byte is checked.

with RuntimeApi() as api, Function(api, "app.answers") as function:
    answer = api.invoke(event)
    answer.wait()

What a runtime does wrong is refused, as Lambda would, and raised when the test ends.
"""

import json
import re
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Queue
from typing import Self

from tests.runtime.requests import DELIMITER, JSON, BadRequest, Request, Wire

WITHIN_SECONDS = 30.0
DEADLINE_SECONDS = 60.0
MAX_PRELUDE_BYTES = 16 * 1024
ACCEPTED = (202, b'{"status":"OK"}\n')
ROOT = "/2018-06-01/runtime"
ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:stream"


@dataclass
class Answer:
    """An invocation, and what became of it."""

    request_id: str
    payload: bytes
    headers: dict[str, str]
    deadline_seconds: float
    cuts_after: bytes | None
    resets: bool
    request: Request = field(default_factory=Request)
    has_ended: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> Request:
        """The whole request by which it was answered."""
        assert self.has_ended.wait(WITHIN_SECONDS), "the invocation was never answered"
        return self.request

    def wait_for(self, content: bytes) -> None:
        """Wait until this has arrived, whether or not there will be more."""
        deadline = time.monotonic() + WITHIN_SECONDS
        while content not in self.request.raw:
            assert time.monotonic() < deadline, self.request.raw
            time.sleep(0.005)

    @property
    def was_error(self) -> bool:
        """Whether it was answered by an error instead of a stream."""
        return self.request.path.endswith("/error")


class RuntimeApi:
    """Serves one process with up to `concurrency` invocations at a time.

    Requests whose path ends with `refuses` get a 403.
    """

    def __init__(self, concurrency: int = 1, refuses: str = "nothing") -> None:
        self.log: list[str] = []
        self.init_error: Request | None = None
        self.restore_error: Request | None = None
        self._concurrency = concurrency
        self._refuses = refuses
        self._waiting: Queue[Answer | None] = Queue()
        self._in_flight: dict[str, Answer] = {}
        self._asked = threading.Condition()
        self._idle = 0
        self._count = 0
        self._violations: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []

    @property
    def address(self) -> str:
        """What goes into AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for _each in range(self._concurrency):
            self._waiting.put(None)
        for connection in self._connections:
            connection.close()
        if kind is None:
            assert not self._violations, self._violations

    def invoke(
        self,
        event: JSON,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        headers: Mapping[str, str] | None = None,
        cuts_after: bytes | None = None,
        resets: bool = False,
    ) -> Answer:
        """Queue an event.

        `cuts_after` has the answer refused as soon as it holds that, by a reply or by a reset.
        """
        self._count += 1
        request_id = f"8476a536-e9f4-11e8-9739-{self._count:012}"
        told = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
        }
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        told.update(headers or {})
        answer = Answer(request_id, payload, told, deadline_seconds, cuts_after, resets)
        self._waiting.put(answer)
        return answer

    def wait_until_idle(self, runtimes: int = 1) -> None:
        """Wait until that many loops ask for the next event."""
        with self._asked:
            assert self._asked.wait_for(lambda: self._idle >= runtimes, WITHIN_SECONDS)

    @property
    def is_idle(self) -> bool:
        """Whether some loop asks for the next event."""
        return self._idle > 0

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            wire = Wire(connection)
            try:
                request = wire.read_head()
                if request is not None:
                    self._check_head(request)
                    self._route(wire, request)
            except (BadRequest, AssertionError, ValueError, KeyError) as error:
                self._violations.append(repr(error))
                wire.reply(400, b"{}")

    def _check_head(self, request: Request) -> None:
        assert request.headers["host"] == self.address
        self.log.append(f"{request.method} {request.path.removeprefix(ROOT)}")
        if request.method == "GET":
            assert set(request.headers) == {"host"}

    def _route(self, wire: Wire, request: Request) -> None:
        if request.path.endswith(self._refuses):
            wire.read_body(request)
            for answer in self._in_flight.values():
                answer.has_ended.set()
            wire.reply(403, b'{"errorType":"InvalidStateTransition"}')
            return
        match [request.method, *request.path.removeprefix(ROOT).split("/")[1:]]:
            case ["GET", "invocation", "next"]:
                self._give(wire, request)
            case ["GET", "restore", "next"]:
                wire.reply(200, b"")
            case ["POST", "init", "error"]:
                assert not self._in_flight
                self.init_error = _error(wire, request)
                wire.reply(*ACCEPTED)
            case ["POST", "restore", "error"]:
                self.restore_error = _error(wire, request)
                wire.reply(*ACCEPTED)
            case ["POST", "invocation", request_id, "error"]:
                answer = self._in_flight[request_id]
                assert not answer.has_ended.is_set(), "answered twice"
                self._check_echo(answer, request)
                answer.request = _error(wire, request)
                answer.has_ended.set()
                wire.reply(*ACCEPTED)
            case ["POST", "invocation", request_id, "response"]:
                answer = self._in_flight[request_id]
                assert not answer.has_ended.is_set(), "answered twice"
                self._check_echo(answer, request)
                self._take(wire, request, answer)
            case _:
                raise BadRequest(f"{request.method} {request.path}")

    def _give(self, wire: Wire, request: Request) -> None:
        wire.read_body(request)
        done = {key for key, each in self._in_flight.items() if each.has_ended.is_set()}
        with self._asked:
            for key in done:
                del self._in_flight[key]
            assert self._idle + len(self._in_flight) < self._concurrency, "next before the end"
            self._idle += 1
            self._asked.notify_all()
        answer = self._waiting.get()
        with self._asked:
            self._idle -= 1
        if answer is None:
            return
        self._in_flight[answer.request_id] = answer
        deadline_at = time.time() + answer.deadline_seconds
        answer.headers["Lambda-Runtime-Deadline-Ms"] = str(int(deadline_at * 1000))
        wire.reply(200, *_framed(answer))

    def _take(self, wire: Wire, request: Request, answer: Answer) -> None:
        headers = dict(request.headers)
        headers.pop("lambda-runtime-invocation-id", None)
        assert headers == {
            "host": self.address,
            "content-type": "application/vnd.awslambda.http-integration-response",
            "lambda-runtime-function-response-mode": "streaming",
            "transfer-encoding": "chunked",
            "trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
        }
        answer.request = request
        if answer.cuts_after is not None:
            wire.read_until(answer.cuts_after, request)
            if answer.resets:
                wire.reset()
            else:
                wire.reply(413, b'{"errorType":"RequestEntityTooLarge"}')
            answer.has_ended.set()
            return
        try:
            wire.read_body(request)
        except BadRequest:
            answer.has_ended.set()  # the process has died; that is for the test to judge
            return
        prelude, delimiter, content = request.body.partition(DELIMITER)
        assert len(prelude + delimiter) <= MAX_PRELUDE_BYTES
        assert content, "an empty body"
        assert set(json.loads(prelude)) <= {"statusCode", "headers", "multiValueHeaders", "cookies"}
        if request.trailers:
            _check_error(request.trailers, request.failure)
        answer.has_ended.set()
        wire.reply(*ACCEPTED)
        wire.wait_for_end()

    def _check_echo(self, answer: Answer, request: Request) -> None:
        given = answer.headers.get("Lambda-Runtime-Invocation-Id")
        assert request.headers.get("lambda-runtime-invocation-id") == given


def _error(wire: Wire, request: Request) -> Request:
    wire.read_body(request)
    assert request.headers["content-type"] == "application/json"
    _check_error(request.headers, request.failure)
    return request


def _check_error(fields: Mapping[str, str], document: JSON) -> None:
    assert ERROR_TYPE.fullmatch(fields["lambda-runtime-function-error-type"])
    assert set(document) == {"errorType", "errorMessage", "stackTrace"}
    assert document["errorType"] == fields["lambda-runtime-function-error-type"]


def _framed(answer: Answer) -> tuple[bytes, dict[str, str]]:
    """Go frames a long reply in chunks, a short one by its length; so does this."""
    headers = dict(answer.headers)
    if len(answer.payload) < 2048:
        return answer.payload, headers
    half = len(answer.payload) // 2
    chunks = (answer.payload[:half], answer.payload[half:])
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return framed + b"0\r\n\r\n", headers | {"Transfer-Encoding": "chunked"}
