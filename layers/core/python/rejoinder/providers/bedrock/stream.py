"""Converse events → deltas. A whole reply is read as the blocks that would have been told.

A block opens with its first delta, except a call's; `metadata` comes after `messageStop` and has
the usage, so the end waits for it. Source: botocore's model of bedrock-runtime.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import DecodeError, ValidationError
from msgspec.json import encode

from rejoinder.engine.deltas import (
    BlockEnded,
    Delta,
    Finished,
    Reason,
    ReasoningDelta,
    ReasoningSigned,
    Started,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.errors import GatewayError, Unavailable
from rejoinder.providers.bedrock.frames import Frame
from rejoinder.providers.bedrock.payloads import (
    Content,
    Event,
    Message,
    Reasoning,
    ReasoningText,
    ToolUse,
    decode_event,
    decode_reply,
)
from rejoinder.providers.bedrock.refusals import error_in_stream
from rejoinder.providers.bedrock.tools import Offer
from rejoinder.providers.decoding import count_in, object_in
from rejoinder.schema.items import JSON
from rejoinder.schema.response import InputTokensDetails, Usage

REASONS: dict[str, Reason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
}


@dataclass(slots=True)
class Thought:
    """Thinking as it must be sent back, being gathered."""

    text: list[str] = field(default_factory=list)
    signature: list[str] = field(default_factory=list)
    redacted: list[str] = field(default_factory=list)

    def block(self) -> JSON:
        """The content block that it was."""
        if self.redacted:
            return {"redactedContent": _joined_base64(self.redacted)}
        said: dict[str, JSON] = {"text": "".join(self.text)}
        if self.signature:
            said["signature"] = "".join(self.signature)
        return {"reasoningText": said}


class ConverseReader:
    """Reads one reply. After a batch in which something failed, `failure` says what."""

    def __init__(self, offer: Offer) -> None:
        self.failure: GatewayError | None = None
        self.is_done = False  # nothing of use can follow
        self._offer = offer
        self._thoughts: dict[int, Thought] = {}
        self._ended: list[int] = []  # blocks of which it is not yet told that they have ended
        self._answers: set[int] = set()  # blocks of the hidden tool: their input is text
        self._suppressed: set[int] = set()  # calls of tools that were not offered
        self._stop_reason: str | None = None
        self._usage: JSON = None
        self._service_tier: str | None = None

    def read(self, frames: Sequence[Frame]) -> list[Delta]:
        """What the messages say, up to the first that is an exception or unreadable."""
        deltas: list[Delta] = []
        for kind, is_exception, payload in frames:
            if is_exception:
                self.failure = error_in_stream(kind, payload)
                break
            try:
                event = decode_event(payload)
            except (DecodeError, ValidationError, UnicodeDecodeError):
                self.failure = Unavailable("The model server sent something that is no event.")
                break
            self._change(kind, event, deltas)
        return deltas

    def read_whole(self, body: bytes) -> list[Delta]:
        """What a reply says that was not streamed."""
        try:
            reply = decode_reply(body)
        except (DecodeError, ValidationError, UnicodeDecodeError):
            self.failure = Unavailable("The model server sent something that is no reply.")
            return []
        deltas: list[Delta] = [Started()]
        message = (reply.output and reply.output.message) or Message()
        for block, content in enumerate(message.content):
            self._close(deltas)
            if content.tool_use is not None:
                self._begin_call(block, content.tool_use, deltas)
            self._said(block, content, deltas)
            self._end(block, deltas)
        self._stop_reason, self._usage = reply.stop_reason, reply.usage
        self._note_tier(reply.service_tier)
        return deltas

    def end(self) -> list[Delta]:
        """The last deltas.

        Raises:
            GatewayError: if the reply stopped in the middle, or the model itself failed.
        """
        if self.failure is not None:
            raise self.failure
        if self._stop_reason is None:
            raise Unavailable("The model server ended its reply in the middle.")
        if self._stop_reason.startswith("malformed"):
            raise Unavailable("The model said something that is not well-formed; try again.")
        reason = REASONS.get(self._stop_reason, "stop")
        return [Finished(reason, _usage(self._usage), self._service_tier)]

    def _change(self, kind: str, event: Event, deltas: list[Delta]) -> None:
        block = event.content_block_index
        if kind == "contentBlockDelta":
            if event.delta is not None:
                self._close(deltas)
                self._said(block, event.delta, deltas)
        elif kind == "contentBlockStop":
            self._end(block, deltas)
        elif kind == "contentBlockStart":
            self._close(deltas)
            if event.start is not None and event.start.tool_use is not None:
                self._begin_call(block, event.start.tool_use, deltas)
        elif kind == "messageStart":
            deltas.append(Started())
        elif kind == "messageStop":
            self._stop_reason = event.stop_reason or "end_turn"
        elif kind == "metadata":
            self._usage = event.usage
            self._note_tier(event.service_tier)
            self.is_done = True

    def _said(self, block: int, said: Content, deltas: list[Delta]) -> None:
        if said.text is not None:
            deltas.append(TextDelta(block, said.text))
        elif said.tool_use is not None:
            self._called(block, said.tool_use.input, deltas)
        elif said.reasoning_content is not None:
            self._thought(block, said.reasoning_content, deltas)

    def _begin_call(self, block: int, call: ToolUse, deltas: list[Delta]) -> None:
        if self._offer.is_answer(call.name):
            self._answers.add(block)
        elif not self._offer.has(call.name):
            self._suppressed.add(block)
        else:
            deltas.append(ToolCallDelta(block, "", call.tool_use_id, call.name))

    def _called(self, block: int, given: JSON, deltas: list[Delta]) -> None:
        if given is None or given == "" or block in self._suppressed:
            return
        arguments = given if isinstance(given, str) else encode(given).decode()
        if block in self._answers:
            deltas.append(TextDelta(block, arguments))
        else:
            deltas.append(ToolCallDelta(block, arguments))

    def _thought(self, block: int, said: Reasoning, deltas: list[Delta]) -> None:
        thought = self._thoughts.setdefault(block, Thought())
        whole = said.reasoning_text or ReasoningText(said.text or "", said.signature)
        if whole.text:
            thought.text.append(whole.text)
            deltas.append(ReasoningDelta(block, whole.text))
        if whole.signature:
            thought.signature.append(whole.signature)
        if said.redacted_content:
            thought.redacted.append(said.redacted_content)

    def _end(self, block: int, deltas: list[Delta]) -> None:
        thought = self._thoughts.pop(block, None)
        if thought is not None and self._offer.wants_back(
            is_signed=bool(thought.signature or thought.redacted)
        ):
            secret = {"family": self._offer.family, "block": thought.block()}
            deltas.append(ReasoningSigned(block, secret))
        self._ended.append(block)

    def _close(self, deltas: list[Delta]) -> None:
        """Tell that a block has ended only when another begins: the last may have been cut off."""
        if self._ended:
            deltas += map(BlockEnded, self._ended)
            self._ended.clear()

    def _note_tier(self, told: JSON) -> None:
        tier = object_in(told, "type")
        self._service_tier = tier if isinstance(tier, str) else None


def _joined_base64(pieces: list[str]) -> str:
    """One piece stays as it came; several are joined as the bytes that they are."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return b64encode(b"".join(b64decode(piece) for piece in pieces)).decode()
    except (NotBase64, ValueError):
        return "".join(pieces)


def _usage(usage: JSON) -> Usage:
    """Bedrock's input tokens leave out those of the cache."""
    read = count_in(usage, "cacheReadInputTokens") or 0
    written = count_in(usage, "cacheWriteInputTokens") or 0
    given = (count_in(usage, "inputTokens") or 0) + read + written
    said = count_in(usage, "outputTokens") or 0
    return Usage(
        given,
        InputTokensDetails(cached_tokens=read, cache_write_tokens=written),
        said,
        total_tokens=given + said,
    )
