"""A scripted OpenAI-compatible model server, as strict as the real one.

    with ChatUpstream() as upstream:
        upstream.on("gpt-4.1", text("Hel", "lo"), failure(500))
        ...  # talk to upstream.base_url
        assert upstream.requests_for("gpt-4.1")[0].body["stream"] is True

Run it for yourself: `python -m tests.upstreams.chat_completions --port 11434 --flavour generic`.
"""

import argparse
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from tests.upstreams.chat_catalogue import OLLAMA, model_list, model_object, no_model
from tests.upstreams.chat_chunks import Asked, with_ids
from tests.upstreams.chat_echo import echo, prompt_tokens
from tests.upstreams.chat_replies import Reply, Scripted, raw
from tests.upstreams.chat_request import Flavour, Limits, check_request
from tests.upstreams.chat_steps import outline, steps
from tests.upstreams.checks import Refusal
from tests.upstreams.connection import BadHttp, Connection, Disconnected, HttpRequest
from tests.upstreams.gate import body_of, check_key, no_route, refused
from tests.upstreams.server import Server
from tests.upstreams.stage import Stage

type JSON = Any

LOG = logging.getLogger("tests.upstreams.chat_completions")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it came; `body` is None if it was no JSON, `at` counts monotonic seconds."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: JSON
    at: float
    raw: bytes = b""

    @property
    def model(self) -> str | None:
        """The model that it asked for."""
        return self.body.get("model") if isinstance(self.body, dict) else None


@dataclass(slots=True)
class _Script:
    """Replies of one model: each request takes the next, the last one repeats."""

    replies: list[Scripted] = field(default_factory=list)
    taken: int = 0

    def take(self) -> Scripted:
        index = min(self.taken, len(self.replies) - 1)
        self.taken = index + 1
        return self.replies[index]


class ChatUpstream:
    """The server, and the test's door to it; all of it may be used from any thread."""

    def __init__(
        self,
        *,
        port: int = 0,
        api_key: str | None = None,
        flavour: Flavour = "openai",
        known_models: Collection[str] | None = None,
        limits: Limits | None = None,
        pace_seconds: float = 0.0,
    ) -> None:
        self.api_key, self.flavour, self.pace_seconds = api_key, flavour, pace_seconds
        self.known_models = known_models
        self.limits = limits or Limits()
        self._server = Server(self._serve, port=port)
        self._changed = threading.Condition()
        self._scripts: dict[str, _Script] = {}
        self._requests: list[Recorded] = []
        self._open_streams = self._disconnects = 0
        self._faults: list[Exception] = []

    def __enter__(self) -> Self:
        self.port = self._server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._server.stop()
        if self._faults and kind is None:
            raise ExceptionGroup("the upstream itself failed", self._faults)

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def on(self, model: str, *replies: Scripted) -> None:
        """Queue replies for a model; without any it echoes."""
        with self._changed:
            self._scripts.setdefault(model, _Script()).replies.extend(replies)

    def forget(self) -> None:
        """Drop all scripts and all that was recorded."""
        with self._changed:
            self._scripts.clear()
            self._requests.clear()
            self._disconnects = 0

    @property
    def requests(self) -> list[Recorded]:
        """All requests so far, also refused ones."""
        with self._changed:
            return list(self._requests)

    def requests_for(self, model: str) -> list[Recorded]:
        """The requests that asked for this model."""
        return [request for request in self.requests if request.model == model]

    @property
    def open_streams(self) -> int:
        """How many streamed replies are under way."""
        return self._open_streams

    @property
    def disconnects(self) -> int:
        """How many replies the peer left before their last byte was sent."""
        return self._disconnects

    def wait_until(self, condition: Callable[[], bool], *, timeout_seconds: float = 20.0) -> bool:
        """Block until the condition, which may look at this server, holds; or say that it did not.

        `upstream.wait_until(lambda: upstream.disconnects == 1)`
        """
        with self._changed:
            return self._changed.wait_for(condition, timeout_seconds)

    @property
    def models(self) -> list[str]:
        """The known models and the scripted ones."""
        with self._changed:
            return list(dict.fromkeys([*(self.known_models or []), *self._scripts]))

    async def _serve(self, connection: Connection) -> None:
        try:
            while (request := await connection.read_request()) is not None:
                if not await self._answer(connection, request):
                    break
        except BadHttp as error:
            reply = refused(Refusal(str(error)), self.flavour)
            with self._counted(streams=False):
                await self._perform(connection, reply, Asked(""), keeps_alive=False)
        except Exception as fault:  # it would be lost in this task: the test's end raises it
            self._faults.append(fault)
        connection.close()

    async def _answer(self, connection: Connection, request: HttpRequest) -> bool:
        asked = Asked("")
        try:
            reply, asked = self._reply(request)
        except Refusal as refusal:
            reply = refused(refusal, self.flavour)
        self._record(request)  # from now on the test may change what is to come
        LOG.info("%s %s %s -> %s", request.method, request.path, asked.model, outline(reply))
        streams = asked.stream and isinstance(reply, Reply) and reply.streams
        with self._counted(streams=streams):
            return await self._perform(connection, reply, asked, keeps_alive=request.keeps_alive)
        return False

    async def _perform(
        self, connection: Connection, reply: Scripted, asked: Asked, *, keeps_alive: bool
    ) -> bool:
        stage = Stage(connection, reply.framing, keeps_alive=keeps_alive)
        return await stage.play(steps(reply, asked))

    @contextmanager
    def _counted(self, *, streams: bool) -> Iterator[None]:
        """Count the open stream, and the peer that leaves it."""
        self._count(streams, 0)
        left = 0
        try:
            yield
        except Disconnected:
            left = 1
        finally:
            self._count(-streams, left)

    def _count(self, streams: int, disconnects: int) -> None:
        with self._changed:
            self._open_streams += streams
            self._disconnects += disconnects
            self._changed.notify_all()

    def _record(self, request: HttpRequest) -> None:
        try:
            body = request.json
        except ValueError:
            body = None
        now = time.monotonic()
        recorded = Recorded(request.method, request.path, request.headers, body, now, request.raw)
        with self._changed:
            self._requests.append(recorded)
            self._changed.notify_all()

    def _reply(self, request: HttpRequest) -> tuple[Scripted, Asked]:
        path = unquote(urlsplit(request.path).path)
        if path in OLLAMA and request.method == "GET":
            return OLLAMA[path](self.models), Asked("")
        check_key(request.headers.get("authorization"), self.api_key)
        match request.method, path:
            case "POST", "/v1/chat/completions":
                return self._complete(request)
            case "GET", "/v1/models":
                return raw(200, model_list(self.models)), Asked("")
            case "GET", _ if path.startswith("/v1/models/"):
                return self._describe(path.removeprefix("/v1/models/")), Asked("")
            case method, _:
                raise no_route(method, path)

    def _describe(self, model: str) -> Scripted:
        if model not in self.models:
            raise no_model(model)
        return raw(200, model_object(model))

    def _complete(self, request: HttpRequest) -> tuple[Scripted, Asked]:
        body = body_of(request)
        check_request(body, flavour=self.flavour, limits=self.limits)
        model = body["model"]
        if self.known_models is not None and model not in self.models:
            raise no_model(model)
        with self._changed:
            script = self._scripts.get(model)
            reply = script.take() if script and script.replies else None
        reply = reply or echo(body).paced(self.pace_seconds)
        return (with_ids(reply) if isinstance(reply, Reply) else reply), self._asked(body)

    def _asked(self, body: JSON) -> Asked:
        options = body.get("stream_options") or {}
        return Asked(
            body["model"],
            stream=bool(body.get("stream")),
            include_usage=bool(options.get("include_usage")),
            choices=body.get("n") or 1,
            top_logprobs=(body.get("top_logprobs") or 0) if body.get("logprobs") else None,
            padded=self.flavour == "openai" and options.get("include_obfuscation") is not False,
            prompt_tokens=prompt_tokens(body),
        )


def main(arguments: list[str] | None = None) -> None:
    """Serve in the foreground, for a human, until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.upstreams.chat_completions")
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--flavour", choices=["openai", "generic"], default="openai")
    parser.add_argument("--models", help="a,b: refuse all others; without it any model echoes")
    parser.add_argument("--api-key", help="refuse requests without this key")
    parser.add_argument("--pace", type=float, default=0.05, help="seconds between words")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s")
    upstream = ChatUpstream(
        port=chosen.port,
        api_key=chosen.api_key,
        flavour=chosen.flavour,
        known_models=chosen.models.split(",") if chosen.models else None,
        pace_seconds=chosen.pace,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with upstream, suppress(KeyboardInterrupt):
        served = ", ".join(upstream.models) or "any model"
        LOG.info("%s (%s) at %s", served, upstream.flavour, upstream.base_url)
        threading.Event().wait()


if __name__ == "__main__":
    main()
