"""A scripted answer as the events of OpenAI's Responses stream, or as one response object.

Orders and fields follow streams recorded from OpenAI between spring and autumn 2026: deltas are
padded, text carries arrays of logprobs, reasoning has no status, and no `[DONE]` ends it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from tests.upstreams.chat_chunks import Asked
from tests.upstreams.responses_script import Answer, Called, Said, ScriptItem, Searched, Thought
from tests.upstreams.responses_secrets import Locksmith

type JSON = Any

PAD = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseAsked(Asked):
    """What the request wants of the answer."""

    body: JSON
    locksmith: Locksmith
    id: str = field(default_factory=lambda: f"resp_{token_hex(25)}")

    @property
    def is_padded(self) -> bool:
        """Whether deltas carry an obfuscation."""
        options = self.body.get("stream_options") or {}
        return options.get("include_obfuscation") is not False

    @property
    def gives_logprobs(self) -> bool:
        """Whether text carries the probabilities of its tokens."""
        return "message.output_text.logprobs" in (self.body.get("include") or [])

    @property
    def encrypts(self) -> bool:
        """Whether thinking is given away."""
        return "reasoning.encrypted_content" in (self.body.get("include") or [])


class Narrator:
    """Tells one answer; `output` is what it made."""

    def __init__(self, answer: Answer, asked: ResponseAsked) -> None:
        self._answer = answer
        self._asked = asked
        self._number = -1
        self.output: list[JSON] = []

    def events(self) -> Iterator[JSON]:
        """All events, numbered."""
        for event in self._events():
            self._number += 1
            yield event | {"sequence_number": self._number}

    def response(self) -> JSON:
        """The whole response, as an answer to a request that asked for no stream."""
        for _ in self._events():
            pass
        return self._response(self._status)

    @property
    def _status(self) -> str:
        if self._answer.error is not None:
            return "failed"
        return "completed" if self._answer.reason is None else "incomplete"

    def _events(self) -> Iterator[JSON]:
        self.output = []
        for name in ("created", "in_progress"):
            yield {"type": f"response.{name}", "response": self._response("in_progress")}
        last = len(self._answer.items) - 1
        extra = list(self._answer.extra_events)
        for index, item in enumerate(self._answer.items):
            for event in self._item(index, item, is_last=index == last):
                yield event
                if extra and event["type"].endswith(".delta"):
                    yield extra.pop(0)
        if self._answer.error is not None:
            yield {"type": "error", "error": self._answer.error}
        status = self._status
        yield {"type": f"response.{status}", "response": self._response(status)}

    def _item(self, index: int, item: ScriptItem, *, is_last: bool) -> Iterator[JSON]:
        is_cut = is_last and (self._answer.reason is not None or self._answer.leaves_open)
        status = "incomplete" if is_cut else "completed"
        begun, final = self._forms(item, status)
        yield {"type": "response.output_item.added", "output_index": index, "item": begun}
        place = {"item_id": begun["id"], "output_index": index}
        for event in self._inner(item, final):
            if not (is_last and self._answer.leaves_open and event["type"].endswith(".done")):
                yield {"type": event["type"], **place, **event}
        if is_last and self._answer.leaves_open:
            return
        self.output.append(final)
        yield {"type": "response.output_item.done", "output_index": index, "item": final}

    def _forms(self, item: ScriptItem, status: str) -> tuple[JSON, JSON]:
        """The item as it begins and as it ends."""
        begins = {"status": "in_progress"}
        made: JSON
        match item:
            case Said():
                phase = {} if item.phase is None else {"phase": item.phase}
                made = {"id": _id("msg"), "type": "message", "role": "assistant", **phase}
                return (
                    made | begins | {"content": []},
                    made | {"status": status, "content": [self._part(item)]},
                )
            case Thought():
                return self._thought(item)
            case Called():
                made, key = _call(item)
                text = "".join(item.fragments)
                return made | begins | {key: ""}, made | {"status": status, key: text}
            case Searched():
                action = {"type": "search", "query": item.query}
                made = {"id": _id("ws"), "type": "web_search_call", "action": action}
                return made | begins, made | {"status": "completed"}

    def _thought(self, item: Thought) -> tuple[JSON, JSON]:
        made: JSON = {"id": _id("rs"), "type": "reasoning", "summary": []}
        begun = dict(made)
        if self._asked.encrypts:
            begun["encrypted_content"] = self._asked.locksmith.lock(made["id"])[:40]
            made["encrypted_content"] = self._asked.locksmith.lock(made["id"])
        parts = ["".join(pieces) for pieces in item.parts]
        return begun, made | {"summary": [{"type": "summary_text", "text": t} for t in parts]}

    def _part(self, item: Said) -> JSON:
        text = "".join(item.pieces)
        if item.declines:
            return {"type": "refusal", "refusal": text}
        logprobs = [p for piece in item.pieces for p in self._logprobs(piece)]
        return {
            "type": "output_text",
            "annotations": list(item.annotations),
            "logprobs": logprobs,
            "text": text,
        }

    def _logprobs(self, piece: str) -> list[JSON]:
        if not self._asked.gives_logprobs:
            return []
        told = {"token": piece, "logprob": -0.25, "bytes": list(piece.encode())}
        return [told | {"top_logprobs": []}]

    def _inner(self, item: ScriptItem, final: JSON) -> Iterator[JSON]:
        match item:
            case Said():
                yield from self._message(item, final["content"][0])
            case Thought():
                for index, pieces in enumerate(item.parts):
                    for event in self._summary(pieces):
                        yield event | {"summary_index": index}
            case Called():
                _, key = _call(item)
                stem = "custom_tool_call_input" if item.is_custom else "function_call_arguments"
                for fragment in item.fragments:
                    yield self._delta(f"response.{stem}", fragment)
                yield {"type": f"response.{stem}.done", key: final[key]}
            case Searched():
                for state in ("in_progress", "searching", "completed"):
                    yield {"type": f"response.web_search_call.{state}"}

    def _message(self, item: Said, part: JSON) -> Iterator[JSON]:
        stem, key = ("refusal", "refusal") if item.declines else ("output_text", "text")
        place = {"content_index": 0}
        empty = part | {key: ""} | ({} if item.declines else {"annotations": [], "logprobs": []})
        yield {"type": "response.content_part.added", **place, "part": empty}
        for piece in item.pieces:
            logprobs = {} if item.declines else {"logprobs": self._logprobs(piece)}
            yield self._delta(f"response.{stem}", piece) | place | logprobs
        for index, annotation in enumerate(item.annotations):
            told = {"annotation_index": index, "annotation": annotation}
            yield {"type": "response.output_text.annotation.added", **place, **told}
        logprobs = {} if item.declines else {"logprobs": part["logprobs"]}
        yield {"type": f"response.{stem}.done", **place, key: part[key], **logprobs}
        yield {"type": "response.content_part.done", **place, "part": part}

    def _summary(self, pieces: tuple[str, ...]) -> Iterator[JSON]:
        stem, text = "response.reasoning_summary", "".join(pieces)
        empty, whole = ({"type": "summary_text", "text": each} for each in ("", text))
        yield {"type": f"{stem}_part.added", "part": empty}
        for piece in pieces:
            yield self._delta(f"{stem}_text", piece)
        yield {"type": f"{stem}_text.done", "text": text}
        yield {"type": f"{stem}_part.done", "part": whole}

    def _delta(self, stem: str, text: str) -> JSON:
        padding = {"obfuscation": "x" * (-len(text) % PAD)} if self._asked.is_padded else {}
        return {"type": f"{stem}.delta", "delta": text, **padding}

    def _response(self, status: str) -> JSON:
        body, answer = self._asked.body, self._answer
        is_final = status != "in_progress"
        failed = {key: answer.error[key] for key in ("code", "message")} if answer.error else None
        echoed = ("instructions", "max_output_tokens", "temperature", "top_p", "user")
        return {
            "id": self._asked.id,
            "object": "response",
            "created_at": self._asked.created,
            "status": status,
            "background": False,
            "error": failed if status == "failed" else None,
            "incomplete_details": {"reason": answer.reason} if status == "incomplete" else None,
            **{key: body.get(key) for key in echoed},
            "model": body["model"],
            "output": list(self.output) if is_final else [],
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "previous_response_id": None,
            "reasoning": {"effort": "medium", "summary": None} | (body.get("reasoning") or {}),
            "service_tier": answer.tier if is_final else body.get("service_tier", "auto"),
            "store": False,
            "text": {"format": {"type": "text"}, "verbosity": "medium"} | (body.get("text") or {}),
            "tool_choice": body.get("tool_choice", "auto"),
            "tools": body.get("tools") or [],
            "top_logprobs": body.get("top_logprobs", 0),
            "truncation": body.get("truncation", "disabled"),
            "usage": self._usage() if is_final and status != "failed" else None,
            "metadata": body.get("metadata") or {},
        }

    def _usage(self) -> JSON:
        tokens = {"asked": 10, "said": 5, "cached": 0, "written": 0, "thought": 0}
        tokens |= self._answer.tokens or {}
        return {
            "input_tokens": tokens["asked"],
            "input_tokens_details": {
                "cached_tokens": tokens["cached"],
                "cache_write_tokens": tokens["written"],
            },
            "output_tokens": tokens["said"],
            "output_tokens_details": {"reasoning_tokens": tokens["thought"]},
            "total_tokens": tokens["asked"] + tokens["said"],
        }


def _id(prefix: str) -> str:
    return f"{prefix}_{token_hex(25)}"


def _call(item: Called) -> tuple[JSON, str]:
    call_id = item.call_id or f"call_{token_hex(12)}"
    namespace = {} if item.namespace is None else {"namespace": item.namespace}
    if item.is_custom:
        made = {"id": _id("ctc"), "type": "custom_tool_call"}
    else:
        made = {"id": _id("fc"), "type": "function_call"}
    named = {"call_id": call_id, "name": item.name, **namespace}
    return made | named, "input" if item.is_custom else "arguments"
