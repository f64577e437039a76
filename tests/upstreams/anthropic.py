"""A scripted Messages API server, as strict as Anthropic's.

    with AnthropicUpstream() as upstream:
        upstream.on("claude-sonnet-4-5", thinking("Hm.") + text("Hel", "lo"))
        ...  # talk to upstream.base_url
        assert upstream.requests_for("claude-sonnet-4-5")[0].body["max_tokens"] == 64000

What it may say is built as for `chat_completions`; a refusal's text is `stop_details`. It signs
thinking and looks at it when it comes back, and it has a prefix cache.
"""

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.upstreams.anthropic_cache import PrefixCache
from tests.upstreams.anthropic_checks import Refused
from tests.upstreams.anthropic_events import Asked
from tests.upstreams.anthropic_request import (
    as_blocks,
    check_count,
    check_headers,
    check_request,
    model_of,
)
from tests.upstreams.anthropic_signing import prefix_of
from tests.upstreams.anthropic_steps import Named, steps
from tests.upstreams.chat_chunks import Asked as ChatAsked
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import HttpReply, Reply, Scripted, call, calls, raw, text
from tests.upstreams.connection import Connection, HttpRequest
from tests.upstreams.framing import AS_OPENAI
from tests.upstreams.json_schemas import minimal
from tests.upstreams.stage import Stage

type JSON = Any

PAGE = 20


def failed(status: int, kind: str, message: str = "No.", **headers: str) -> HttpReply:
    """An HTTP error with this vendor's body; `retry_after="7"` is a header."""
    error = Refused(message, status=status, kind=kind)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return raw(status, error.body(), headers=named)


class AnthropicUpstream(ChatUpstream):
    """The server, and the test's door to it; all of it may be used from any thread."""

    def __init__(self, *, port: int = 0, api_key: str | None = None, counts: bool = True) -> None:
        super().__init__(port=port, api_key=api_key)
        self.counts = counts  # others that speak Messages may not
        self.cache = PrefixCache()
        self._shapes: dict[str, Asked] = {}

    def _reply(self, request: HttpRequest) -> tuple[Scripted, ChatAsked]:
        try:
            return self._answer_to(request)
        except Refused as refused:
            return raw(refused.status, refused.body()), ChatAsked("")

    def _answer_to(self, request: HttpRequest) -> tuple[Scripted, ChatAsked]:
        check_headers(request.headers, self.api_key)
        address = urlsplit(request.path)
        match request.method, unquote(address.path):
            case "POST", "/v1/messages":
                return self._create(request)
            case "POST", "/v1/messages/count_tokens" if self.counts:
                return self._count_tokens(request), ChatAsked("")
            case "GET", "/v1/models":
                return self._list(parse_qs(address.query)), ChatAsked("")
        raise Refused("Not Found", status=404, kind="not_found_error")

    def _list(self, query: dict[str, list[str]]) -> Scripted:
        limit = int(query.get("limit", [str(PAGE)])[0])
        ids = self.models
        page = [
            {
                "type": "model",
                "id": each,
                "display_name": each,
                "created_at": "2026-01-01T00:00:00Z",
            }
            for each in ids[:limit]
        ]
        ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
        return raw(200, {"data": page, "has_more": len(ids) > limit, **ends})

    def _body_of(self, request: HttpRequest) -> JSON:
        try:
            return as_blocks(request.json)
        except ValueError as error:
            raise Refused("The request body is not valid JSON") from error

    def _check_model(self, body: JSON) -> str:
        model = model_of(body)
        if self.known_models is not None and model not in self.models:
            raise Refused(f"model: {model}", status=404, kind="not_found_error")
        return model

    def _count_tokens(self, request: HttpRequest) -> Scripted:
        body = self._body_of(request)
        check_count(body, request.headers)
        model = self._check_model(body)
        with self._changed:
            script = self._scripts.get(model)
            reply = script.replies[0] if script and script.replies else None
        if isinstance(reply, HttpReply):
            return reply
        return raw(200, {"input_tokens": self.cache.tokens_of(body)})

    def _create(self, request: HttpRequest) -> tuple[Scripted, ChatAsked]:
        body = self._body_of(request)
        check_request(body, request.headers)
        model = self._check_model(body)
        with self._changed:
            script = self._scripts.get(model)
            reply = script.take() if script and script.replies else None
            tokens = self.cache.counted(body)
        chat = ChatAsked(model, stream=bool(body.get("stream")))
        shows = body.get("thinking", {}).get("display", "summarized") == "summarized"
        prefix = prefix_of(body, len(body["messages"]))
        self._shapes[chat.id] = Asked(
            model, prefix, stream=chat.stream, shows_thinking=shows, tokens=tokens
        )
        return reply or echo(body), chat

    async def _perform(
        self, connection: Connection, reply: Scripted, asked: ChatAsked, *, keeps_alive: bool
    ) -> bool:
        if isinstance(reply, HttpReply):
            return await super()._perform(connection, reply, asked, keeps_alive=keeps_alive)
        framing = reply.framing
        shown = {name: getattr(framing, name) for name in type(AS_OPENAI).__slots__}
        stage = Stage(connection, Named(**shown), keeps_alive=keeps_alive)
        return await stage.play(steps(reply, self._shapes.pop(asked.id)))


def echo(body: JSON) -> Reply:
    """An honest echo; it calls a tool that it must call, and fills in a schema."""
    choice = body.get("tool_choice", {})
    wanted = body.get("output_config", {}).get("format")
    if choice.get("type") in ("any", "tool"):
        name = choice.get("name", body["tools"][0]["name"])
        tool = next(each for each in body["tools"] if each["name"] == name)
        return calls(call(name, json.dumps(minimal(tool["input_schema"]))))
    if wanted is not None:
        said = json.dumps(minimal(wanted["schema"]))
    else:
        said = f"You said: {_heard(body['messages'][-1])}"
    words = re.findall(r"\S+\s*|\s+", said)
    reply = text(*words[: body["max_tokens"]])
    return replace(reply, finish="length") if len(words) > body["max_tokens"] else reply


def _heard(turn: JSON) -> str:
    """What the last user turn says, results of tools included."""
    told: list[str] = []
    for block in turn["content"]:
        content = block.get("content", block.get("text", ""))
        told += (
            [content] if isinstance(content, str) else [each.get("text", "") for each in content]
        )
    return " ".join(told)
