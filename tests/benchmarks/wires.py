"""What the scripted upstream says in each dialect, its unchanging parts serialised once.

Every token is `@index:nanoseconds `: its place, and the moment it was written on the machine's
monotonic clock.
"""

import json
import struct
import time
from collections.abc import Mapping
from typing import Any
from zlib import crc32

type JSON = Any

ANSWER = " ".join(f"word{n:02}" for n in range(32))
_SSE = b"text/event-stream"
_STRING_HEADER = 7


class Wire:
    """One reply in one dialect: an opening, tokens, a closing; or all of it as JSON."""

    content_type = _SSE

    def __init__(self, request: JSON, model: str) -> None:
        self.model = model
        self.text: list[str] = []

    def word(self, index: int) -> bytes:
        """A token's text."""
        return b"@%d:%d " % (index, time.perf_counter_ns())

    def opening(self) -> bytes:
        """All before the first token."""
        raise NotImplementedError

    def token(self, index: int) -> bytes:
        """A token."""
        raise NotImplementedError

    def closing(self) -> bytes:
        """All after the last."""
        raise NotImplementedError

    def whole(self) -> JSON:
        """The reply that is no stream."""
        raise NotImplementedError


class Chat(Wire):
    """Chat Completions."""

    def __init__(self, request: JSON, model: str) -> None:
        super().__init__(request, model)
        self._with_usage = bool(request.get("stream_options"))
        self._before, self._after = self._choice({"content": "\0"}).split(rb"\u0000")

    def opening(self) -> bytes:
        return self._choice({"role": "assistant", "content": "", "refusal": None})

    def token(self, index: int) -> bytes:
        return b"%b%b%b" % (self._before, self.word(index), self._after)

    def closing(self) -> bytes:
        usage = self._chunk(choices=[], usage=self._usage()) if self._with_usage else b""
        return self._choice({}, finish_reason="stop") + usage + b"data: [DONE]\n\n"

    def whole(self) -> JSON:
        message = {"role": "assistant", "content": ANSWER, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return self._envelope("chat.completion") | {"choices": [choice], "usage": self._usage()}

    def _choice(self, delta: JSON, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._chunk(choices=[choice], usage=None)

    def _chunk(self, **fields: JSON) -> bytes:
        return b"data: %b\n\n" % _json(self._envelope("chat.completion.chunk") | fields)

    def _usage(self) -> JSON:
        return {"prompt_tokens": 16, "completion_tokens": 64, "total_tokens": 80}

    def _envelope(self, kind: str) -> JSON:
        return {
            "id": "chatcmpl-C4n1pBench0000000000000000000",
            "object": kind,
            "created": 1764000000,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": "fp_bench000000",
        }


class Messages(Wire):
    """Anthropic's Messages API."""

    def __init__(self, request: JSON, model: str) -> None:
        super().__init__(request, model)
        delta = {"type": "text_delta", "text": "\0"}
        frame = self._event("content_block_delta", index=0, delta=delta)
        self._before, self._after = frame.split(rb"\u0000")

    def opening(self) -> bytes:
        message = self._message([], None)
        block = {"type": "text", "text": ""}
        return b"".join(
            (
                self._event("message_start", message=message),
                self._event("content_block_start", index=0, content_block=block),
                self._event("ping"),
            )
        )

    def token(self, index: int) -> bytes:
        return b"%b%b%b" % (self._before, self.word(index), self._after)

    def closing(self) -> bytes:
        delta = {"stop_reason": "end_turn", "stop_sequence": None}
        return b"".join(
            (
                self._event("content_block_stop", index=0),
                self._event("message_delta", delta=delta, usage={"output_tokens": 64}),
                self._event("message_stop"),
            )
        )

    def whole(self) -> JSON:
        return self._message([{"type": "text", "text": ANSWER}], "end_turn")

    def _message(self, content: JSON, stop_reason: str | None) -> JSON:
        usage = {"input_tokens": 16, "cache_creation_input_tokens": 0, "output_tokens": 64}
        return {
            "id": "msg_01Bench00000000000000000",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": usage | {"cache_read_input_tokens": 0, "service_tier": "standard"},
        }

    def _event(self, kind: str, **fields: JSON) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), _json({"type": kind} | fields))


class Responses(Wire):
    """OpenAI's Responses API; what it has said it says again, four times, at the end."""

    def __init__(self, request: JSON, model: str) -> None:
        super().__init__(request, model)
        self._number = 0
        self._place = {"item_id": "msg_bench", "output_index": 0, "content_index": 0}
        delta = self._place | {"delta": "\0", "logprobs": [], "sequence_number": "\1"}
        frame = self._framed("response.output_text.delta", delta)
        self._before, self._middle, self._after = frame.replace(rb'"\u0001"', rb"\u0000").split(
            rb"\u0000"
        )

    def opening(self) -> bytes:
        begun = {"response": self._response("in_progress", [])}
        item = self._item("in_progress", [])
        return b"".join(
            (
                self._event("response.created", begun),
                self._event("response.in_progress", begun),
                self._event("response.output_item.added", {"output_index": 0, "item": item}),
                self._event("response.content_part.added", self._place | {"part": self._part("")}),
            )
        )

    def token(self, index: int) -> bytes:
        word = self.word(index)
        self.text.append(word.decode())
        self._number += 1
        return b"%b%b%b%d%b" % (
            self._before,
            word,
            self._middle,
            self._number - 1,
            self._after,
        )

    def closing(self) -> bytes:
        text = "".join(self.text)
        part = self._part(text)
        item = self._item("completed", [part])
        done = {"text": text, "logprobs": []}
        return b"".join(
            (
                self._event("response.output_text.done", self._place | done),
                self._event("response.content_part.done", self._place | {"part": part}),
                self._event("response.output_item.done", {"output_index": 0, "item": item}),
                self._event(
                    "response.completed", {"response": self._response("completed", [item])}
                ),
            )
        )

    def whole(self) -> JSON:
        return self._response("completed", [self._item("completed", [self._part(ANSWER)])])

    def _event(self, kind: str, fields: JSON) -> bytes:
        self._number += 1
        return self._framed(kind, fields | {"sequence_number": self._number - 1})

    def _framed(self, kind: str, fields: JSON) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), _json({"type": kind} | fields))

    def _part(self, text: str) -> JSON:
        return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}

    def _item(self, status: str, content: JSON) -> JSON:
        kind = {"id": "msg_bench", "type": "message", "role": "assistant"}
        return kind | {"status": status, "content": content}

    def _response(self, status: str, output: JSON) -> JSON:
        usage = {"input_tokens": 16, "output_tokens": 64, "total_tokens": 80}
        return {
            "id": "resp_bench",
            "object": "response",
            "created_at": 1764000000,
            "status": status,
            "model": self.model,
            "output": output,
            "service_tier": "default",
            "usage": usage if status == "completed" else None,
        }


class Converse(Wire):
    """Bedrock's Converse: binary messages with checksums."""

    content_type = b"application/vnd.amazon.eventstream"

    def opening(self) -> bytes:
        return _message("messageStart", _json({"role": "assistant", "p": "abcd"}))

    def token(self, index: int) -> bytes:
        told = b'{"contentBlockIndex":0,"delta":{"text":"%b"},"p":"abcdefgh"}'
        return _message("contentBlockDelta", told % self.word(index))

    def closing(self) -> bytes:
        usage = {"inputTokens": 16, "outputTokens": 64, "totalTokens": 80}
        metadata = {"usage": usage, "metrics": {"latencyMs": 12}, "p": "ab"}
        return b"".join(
            (
                _message("contentBlockStop", _json({"contentBlockIndex": 0, "p": "abc"})),
                _message("messageStop", _json({"stopReason": "end_turn", "p": "abcde"})),
                _message("metadata", _json(metadata)),
            )
        )

    def whole(self) -> JSON:
        message = {"role": "assistant", "content": [{"text": ANSWER}]}
        return {
            "output": {"message": message},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 16, "outputTokens": 64, "totalTokens": 80},
            "metrics": {"latencyMs": 12},
        }


WIRES: Mapping[str, type[Wire]] = {
    "/v1/chat/completions": Chat,
    "/v1/messages": Messages,
    "/v1/responses": Responses,
}


def wire_at(path: str, request: JSON) -> Wire:
    """The wire that is spoken at a path; a model of Bedrock's is named there."""
    if path.startswith("/model/"):
        return Converse(request, path.split("/")[2])
    return WIRES.get(path, Chat)(request, str(request.get("model", "json")))


def _json(told: JSON) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()


def _message(kind: str, payload: bytes) -> bytes:
    head = _HEADS.get(kind) or _HEADS.setdefault(kind, _headers(kind))
    prelude = struct.pack(">II", 12 + len(head) + len(payload) + 4, len(head))
    whole = b"%b%b%b%b" % (prelude, struct.pack(">I", crc32(prelude)), head, payload)
    return whole + struct.pack(">I", crc32(whole))


def _headers(kind: str) -> bytes:
    told = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return b"".join(
        bytes([len(name)])
        + name.encode()
        + struct.pack(">BH", _STRING_HEADER, len(value))
        + value.encode()
        for name, value in told.items()
    )


_HEADS: dict[str, bytes] = {}
