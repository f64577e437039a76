"""A scripted OpenAI Responses server, as strict as the real one when it stores nothing.

    with ResponsesUpstream() as upstream:
        upstream.on("gpt-5", thought(("Hm.",)) + said("Hel", "lo"))
        ...  # talk to upstream.base_url

HTTP, scripts and records are those of the scripted chat server; without a script it echoes.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, override

from tests.upstreams.chat_chunks import Asked
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import HttpReply, Scripted, raw
from tests.upstreams.chat_steps import (
    EVENT_STREAM,
    Body,
    Frame,
    Head,
    Over,
    Pause,
    Step,
    troubles_at,
)
from tests.upstreams.chat_troubles import Cut, ErrorFrame, Reset, When
from tests.upstreams.connection import Connection, HttpRequest
from tests.upstreams.gate import body_of, check_key
from tests.upstreams.responses_events import Narrator, ResponseAsked
from tests.upstreams.responses_items import words_of
from tests.upstreams.responses_request import (
    check_compact_request,
    check_count_request,
    check_response_request,
)
from tests.upstreams.responses_script import Answer, said
from tests.upstreams.responses_secrets import FOLDED, Locksmith
from tests.upstreams.stage import Stage

type JSON = Any

PATH = "/v1/responses"


class ResponsesUpstream(ChatUpstream):
    """The server; `locksmith` made all encrypted thinking, and knows it again."""

    def __init__(
        self,
        *,
        api_key: str | None = None,
        pace_seconds: float = 0.0,
        counts: bool = True,
        compacts: bool = True,
    ) -> None:
        super().__init__(api_key=api_key, pace_seconds=pace_seconds)
        self.counts, self.compacts = counts, compacts  # others that speak Responses may not
        self.locksmith = Locksmith()

    @override
    def _reply(self, request: HttpRequest) -> tuple[Scripted, Asked]:
        if (request.method, request.path) == ("POST", f"{PATH}/input_tokens") and self.counts:
            return self._count_tokens(request), Asked("")
        if (request.method, request.path) == ("POST", f"{PATH}/compact") and self.compacts:
            return self._compact(request), Asked("")
        if (request.method, request.path) != ("POST", PATH):
            return super()._reply(request)
        check_key(request.headers.get("authorization"), self.api_key)
        body = body_of(request)
        items = check_response_request(body, self.locksmith)
        with self._changed:
            script = self._scripts.get(body["model"])
            reply = script.take() if script and script.replies else None
        asked = ResponseAsked(
            body["model"],
            stream=bool(body.get("stream")),
            body=body,
            locksmith=self.locksmith,
        )
        return reply or _echo(items).paced(self.pace_seconds), asked

    def _compact(self, request: HttpRequest) -> Scripted:
        check_key(request.headers.get("authorization"), self.api_key)
        body = body_of(request)
        items = check_compact_request(body, self.locksmith)
        with self._changed:
            script = self._scripts.get(body["model"])
            reply = script.replies[0] if script and script.replies else None
        if isinstance(reply, HttpReply):
            return reply
        return raw(200, compaction_of(body, items, self.locksmith))

    def _count_tokens(self, request: HttpRequest) -> Scripted:
        check_key(request.headers.get("authorization"), self.api_key)
        body = body_of(request)
        check_count_request(body, self.locksmith)
        with self._changed:
            script = self._scripts.get(body["model"])
            reply = script.replies[0] if script and script.replies else None
        if isinstance(reply, HttpReply):
            return reply
        return raw(200, {"object": "response.input_tokens", "input_tokens": tokens_of(body)})

    @override
    async def _perform(
        self, connection: Connection, reply: Scripted, asked: Asked, *, keeps_alive: bool
    ) -> bool:
        if not isinstance(reply, Answer) or not isinstance(asked, ResponseAsked):
            return await super()._perform(connection, reply, asked, keeps_alive=keeps_alive)
        stage = Stage(connection, reply.framing, keeps_alive=keeps_alive)
        return await stage.play(_steps(reply, asked))


def compaction_of(body: JSON, items: list[JSON], locksmith: Locksmith) -> JSON:
    """What users said, and the rest in a form that only this server reads."""
    said = [
        {"id": f"msg_{place}", "type": "message", "status": "completed", **item}
        for place, item in enumerate(items)
        if item.get("role") == "user"
    ]
    kept = {"id": "cmp_1", "type": "compaction", "encrypted_content": locksmith.lock(FOLDED)}
    tokens = tokens_of(body)
    return {
        "id": "resp_1",
        "object": "response.compaction",
        "created_at": 1795300000,
        "output": [*said, kept],
        "usage": {
            "input_tokens": tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 40,
            "output_tokens_details": {"reasoning_tokens": 8},
            "total_tokens": tokens + 40,
        },
    }


def tokens_of(body: JSON) -> int:
    """The tokens of all that the model would be given: words and signs, more or less."""
    given = {
        name: body[name] for name in ("instructions", "input", "tools", "text") if name in body
    }
    return len(re.findall(r"\w+|[^\w\s]", json.dumps(given)))


def _echo(items: list[JSON]) -> Answer:
    return said(*re.findall(r"\S+\s*|\s+", f"You said: {words_of(items)}"))


def _steps(answer: Answer, asked: ResponseAsked) -> Iterator[Step]:
    """All that happens on the wire, in order, up to the first end."""
    for step in _all_steps(answer, asked):
        yield step
        if isinstance(step, Reset | Cut | Over):
            return


def _all_steps(answer: Answer, asked: ResponseAsked) -> Iterator[Step]:
    narrator = Narrator(answer, asked)
    headers = {"x-request-id": asked.id.replace("resp_", "req_"), **dict(answer.headers)}
    yield from _troubles(answer, "start")
    if not (asked.stream and answer.streams):
        body = answer.framing.encoded(narrator.response()).encode()
        yield Head(200, {"content-type": "application/json"} | headers, len(body))
        yield Body(body)
        yield Over()
        return
    yield Head(200, {"content-type": EVENT_STREAM} | headers)
    yield from _troubles(answer, 0)
    told = 0
    for event in narrator.events():
        is_piece = event["type"].endswith(".delta")
        if is_piece and told and answer.pace_seconds:
            yield Pause(answer.pace_seconds)
        yield Frame(event)
        told += is_piece
        yield from _troubles(answer, told) if is_piece else ()
    yield Over()


def _troubles(answer: Answer, when: When) -> Iterator[Step]:
    named = (
        ErrorFrame(each.when, {"type": "error", **each.error})
        if isinstance(each, ErrorFrame)
        else each
        for each in answer.troubles
    )
    yield from troubles_at(named, when)
