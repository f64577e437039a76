"""A scripted Bedrock runtime, as strict as the real one, for Converse and ConverseStream.

with BedrockUpstream() as upstream:
    upstream.on("anthropic.claude-sonnet-4-5-20250929-v1:0", text("Hel", "lo"))
    ...  # talk to upstream.base_url, signed for upstream.account
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote

from tests.upstreams.bedrock_replies import Failure, Reply, Scripted, failure, text
from tests.upstreams.bedrock_rules import Refused, check, check_countable
from tests.upstreams.bedrock_shapes import WrongShape, checked
from tests.upstreams.bedrock_signature import Account, Unsigned, check_signature
from tests.upstreams.bedrock_usage import Cache, tokens_of
from tests.upstreams.connection import BadHttp, Connection, Disconnected, HttpRequest, head
from tests.upstreams.server import Server

type JSON = Any

OPERATIONS = {
    "converse": "Converse",
    "converse-stream": "ConverseStream",
    "count-tokens": "CountTokens",
}
NO_LIMIT: JSON = {"maxTokens": 2**31}  # there is none to a count, of which budgets are a part
EVENT_STREAM = "application/vnd.amazon.eventstream"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it came, accepted or not."""

    path: str
    model: str
    operation: str
    headers: dict[str, str]
    body: JSON


@dataclass(slots=True)
class _Script:
    """Replies of one model: each request takes the next, the last one repeats."""

    replies: list[Scripted] = field(default_factory=list)
    taken: int = 0

    def take(self) -> Scripted:
        index = min(self.taken, len(self.replies) - 1)
        self.taken = index + 1
        return self.replies[index]


class BedrockUpstream:
    """The server, and the test's door to it; all of it may be used from any thread."""

    def __init__(
        self,
        account: Account | None = None,
        *,
        api_key: str | None = None,
        behind: Mapping[str, str] | None = None,  # ARN → the model that answers there
    ) -> None:
        self.account = account or Account()
        self._behind = behind or {}
        self._api_key = api_key
        self._server = Server(self._serve)
        self._lock = threading.Lock()
        self._scripts: dict[str, _Script] = {}
        self._requests: list[Recorded] = []
        self._refusals: list[str] = []
        self._cache = Cache()
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
        """What a client takes as its endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def requests_for(self, model: str) -> list[Recorded]:
        """The requests that asked for this model."""
        return [request for request in self.requests if request.model == model]

    def on(self, model: str, *replies: Scripted) -> None:
        """Queue replies for a model; without any it echoes."""
        with self._lock:
            self._scripts.setdefault(model, _Script()).replies.extend(replies)

    @property
    def requests(self) -> list[Recorded]:
        """All requests so far, also refused ones."""
        with self._lock:
            return list(self._requests)

    @property
    def last(self) -> JSON:
        """The body of the latest request."""
        return self.requests[-1].body

    @property
    def refusals(self) -> list[str]:
        """What was found wrong with requests."""
        with self._lock:
            return list(self._refusals)

    async def _serve(self, connection: Connection) -> None:
        try:
            while (request := await connection.read_request()) is not None:
                if not await self._answer(connection, request):
                    break
        except (BadHttp, Disconnected):
            pass
        except Exception as fault:  # it would be lost in this task: the test's end raises it
            self._faults.append(fault)
        connection.close()

    async def _answer(self, connection: Connection, request: HttpRequest) -> bool:
        recorded, reply = self._reply(request)
        if reply.delay_seconds:
            await connection.pause(reply.delay_seconds)
        if isinstance(reply, Failure):
            named = (
                {"x-amzn-errortype": f"{reply.kind}:http://internal/"} if reply.in_header else {}
            )
            headers = {**named, **dict(reply.headers)}
            await connection.write(_json(reply.status, reply.body(), headers))
            return request.keeps_alive
        if recorded.operation == "CountTokens":
            counted = tokens_of(recorded.body["input"]["converse"])
            await connection.write(_json(200, {"inputTokens": counted}, {}))
            return request.keeps_alive
        said = len(json.dumps(reply.body(None))) // 4
        usage = reply.usage or self._cache.usage(recorded.model, recorded.body, said)
        if recorded.operation == "Converse":
            if reply.cut_after is not None:
                return False
            await connection.write(_json(200, reply.body(usage), {}))
            return request.keeps_alive
        return await _stream(connection, reply, usage)

    def _reply(self, request: HttpRequest) -> tuple[Recorded, Scripted]:
        _, _, rest = request.path.partition("/model/")
        escaped, _, verb = rest.rpartition("/")
        model, operation = unquote(escaped), OPERATIONS.get(verb, "")
        try:
            body = request.json
        except ValueError:
            body = None
        recorded = Recorded(request.path, model, operation, dict(request.headers), body)
        with self._lock:
            self._requests.append(recorded)
        return recorded, self._refusal(request, recorded) or self._scripted(recorded)

    def _refusal(self, request: HttpRequest, recorded: Recorded) -> Failure | None:
        if request.method != "POST" or not recorded.operation or "/" in recorded.model[:4]:
            return failure(404, "UnknownOperationException", "No such operation.")
        bearer = f"Bearer {self._api_key}"
        if self._api_key is not None and request.headers.get("authorization") != bearer:
            return failure(403, "AccessDeniedException", "Authentication failed.")
        try:
            if self._api_key is None:
                check_signature(request, self.account)
            given = checked(recorded.operation, recorded.body, recorded.model)
            if recorded.operation == "CountTokens":
                check_countable(recorded.model)
                given = {"inferenceConfig": NO_LIMIT, **given["input"]["converse"]}
            check(self._behind.get(recorded.model, recorded.model), given)
        except Unsigned as unsigned:
            return failure(403, unsigned.kind, unsigned.message)
        except (WrongShape, Refused) as refused:
            with self._lock:
                self._refusals.append(str(refused))
            return failure(400, "ValidationException", str(refused))
        return None

    def _scripted(self, recorded: Recorded) -> Scripted:
        with self._lock:
            script = self._scripts.get(recorded.model)
            if script and script.replies:
                is_count = recorded.operation == "CountTokens"
                return script.replies[0] if is_count else script.take()
        if recorded.operation == "CountTokens":
            return text()
        last = recorded.body["messages"][-1]["content"]
        return text("You said: ", *(block["text"] for block in last if "text" in block))


async def _stream(connection: Connection, reply: Reply, usage: JSON) -> bool:
    await connection.write(
        head(200, {"content-type": EVENT_STREAM, "transfer-encoding": "chunked"})
    )
    for number, message in enumerate(reply.messages(usage)):
        if seconds := reply.pause_before(number):
            await connection.pause(seconds)
        size = reply.bytes_per_write or len(message)
        for start in range(0, len(message), size):
            piece = message[start : start + size]
            await connection.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    if reply.cut_after is not None:
        return False
    await connection.write(b"0\r\n\r\n")
    return True


def _json(status: int, body: JSON, headers: dict[str, str]) -> bytes:
    data = json.dumps(body).encode()
    usual = {"content-type": "application/json", "content-length": str(len(data))}
    return head(status, {**usual, "x-amzn-requestid": "req-1", **headers}) + data
