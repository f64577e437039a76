"""The load: so many requests at a time, each checked to have brought all of its tokens in order.

A token says when the upstream wrote it, so its delay is exact: both ends read one clock.
"""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from enum import Enum
from itertools import count

from tests.benchmarks.connection import Connection
from tests.benchmarks.wires import ANSWER

KEY = "sk-bench"
_PROMPT = "Reply with the words of the script, in their order."
_TOKEN = re.compile(rb"@(\d+):(\d+) ")
_NANOSECONDS_PER_MS = 1e6
_LONGEST_SECONDS = 60


class Api(Enum):
    """What is spoken to a server: its path, and how tokens and the end are known in a stream."""

    CHAT = ("/v1/chat/completions", b'"content"', b"data: [DONE]")
    RESPONSES = ("/v1/responses", b"response.output_text.delta", b'"response.completed"')

    def __init__(self, path: str, token_mark: bytes, end_mark: bytes) -> None:
        self.path, self.token_mark, self.end_mark = path, token_mark, end_mark

    def body(self, model: str, *, stream: bool, store: bool) -> dict[str, object]:
        """The request that asks a model for a few words, as this API writes it."""
        if self is Api.RESPONSES:
            return {"model": model, "input": _PROMPT, "stream": stream, "store": store}
        asked: dict[str, object] = {"stream_options": {"include_usage": True}} if stream else {}
        messages = [{"role": "user", "content": _PROMPT}]
        return {"model": model, "messages": messages, "stream": stream} | asked


@dataclass(frozen=True, slots=True)
class Target:
    """A server under load and how to ask it."""

    port: int
    api: Api
    prefix: str = ""
    store: bool = False

    def headers(self) -> dict[str, str]:
        """The headers of a request, less its length."""
        return {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}

    def json_body(self, script: str) -> str:
        """The body that asks for a script of the upstream; all but `json` are streams."""
        stream = script != "json"
        return json.dumps(self.api.body(self.prefix + script, stream=stream, store=self.store))

    def request(self, script: str) -> bytes:
        """The same as bytes on the wire."""
        body = self.json_body(script)
        sent = {"Host": f"127.0.0.1:{self.port}", "Accept": "*/*", **self.headers()}
        sent["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        return f"POST {self.api.path} HTTP/1.1\r\n{lines}\r\n{body}".encode()


@dataclass(frozen=True, slots=True)
class Load:
    """How much to ask: until so many requests are sent or so many seconds are over."""

    script: str
    at_a_time: int
    requests: int
    seconds: float = 60
    spread_seconds: float = 0
    """Over which the first requests are spread, so that paced tokens come one by one."""


@dataclass(slots=True)
class Outcome:
    """What came of a load."""

    requests: int = 0
    tokens: int = 0
    first_ms: list[float] = field(default_factory=list)
    delays_ms: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def add(self, answer: "_Answer", fault: str | None) -> None:
        """Counts one answer; one at fault is named and counts for nothing else."""
        if fault:
            self.faults.append(fault)
            return
        self.requests += 1
        self.tokens += answer.tokens
        self.delays_ms += answer.delays_ms
        self.first_ms += answer.first_ms


async def apply(load: Load, target: Target) -> Outcome:
    """Puts a load on a target; each of the requests at a time keeps its connection."""
    outcome, sent = Outcome(), count()
    deadline = time.monotonic() + load.seconds

    async def ask_in_turn(place: int) -> None:
        await asyncio.sleep(place * load.spread_seconds / load.at_a_time)
        connection = Connection()
        while next(sent) < load.requests and time.monotonic() < deadline:
            connection = await _ask(connection, target, load.script, outcome)
        connection.close()

    await asyncio.gather(*map(ask_in_turn, range(min(load.at_a_time, load.requests))))
    return outcome


async def _ask(connection: Connection, target: Target, script: str, outcome: Outcome) -> Connection:
    """Asks once, over a new connection if this one is closed, and returns the one it used."""
    answer = _Answer(target.api)
    fault: str | None
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            if not connection.is_open:
                connection = await Connection.to(target.port)
            answer.sent = time.perf_counter_ns()
            status = await connection.send(
                target.request(script), answer.keep if script == "json" else answer.read
            )
    except OSError as error:
        connection.close()
        fault = str(error) or "no answer in time"
    else:
        fault = _fault(answer, script, status)
    outcome.add(answer, fault)
    return connection


def _fault(answer: "_Answer", script: str, status: int) -> str | None:
    if status != 200:
        return f"status {status}: {answer.kept[:200].decode(errors='replace')}"
    if script == "json":
        return None if ANSWER.encode() in answer.kept else "the answer's text is not the script's"
    wanted = int(script.split("-")[1])
    if not answer.in_order or answer.tokens != wanted:
        return f"{answer.tokens} tokens of {wanted}, in order: {answer.in_order}"
    return None if answer.ended else "the stream has no end"


class _Answer:
    """What one request brought: a JSON body kept, or a stream's tokens with their delays."""

    def __init__(self, api: Api) -> None:
        self.sent = 0
        self.tokens = 0
        self.in_order = True
        self.ended = False
        self.delays_ms: list[float] = []
        self.first_ms: list[float] = []
        self.kept = b""
        self._rest = b""
        self._api = api

    def keep(self, body: bytes, _now: int) -> None:
        """Keeps a JSON body for the check after it."""
        self.kept += body

    def read(self, body: bytes, now: int) -> None:
        """Reads as many server-sent events as are whole."""
        *events, self._rest = (self._rest + body).split(b"\n\n")
        self.kept = self.kept or body
        for event in events:
            if self._api.token_mark in event:
                self._count(event, now)
            if self._api.end_mark in event:
                self.ended = True

    def _count(self, event: bytes, now: int) -> None:
        for index, written in _TOKEN.findall(event):
            if not self.tokens:
                self.first_ms.append((now - self.sent) / _NANOSECONDS_PER_MS)
            self.in_order &= int(index) == self.tokens
            self.tokens += 1
            self.delays_ms.append((now - int(written)) / _NANOSECONDS_PER_MS)
