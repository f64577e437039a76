"""Messages stream events → deltas. A whole reply is the same blocks, each begun full.

Text blocks that follow each other (citations split them) are one block to us. Kinds of events,
blocks and deltas that we do not know say nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import DecodeError, ValidationError

from rejoinder.engine.deltas import (
    BlockEnded,
    Delta,
    Finished,
    Reason,
    ReasoningDelta,
    ReasoningSigned,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.errors import GatewayError, Unavailable
from rejoinder.providers.anthropic.payloads import (
    Block,
    Event,
    Piece,
    decode_event,
    decode_message,
)
from rejoinder.providers.anthropic.refusals import error_in_stream
from rejoinder.providers.anthropic.tally import Tally
from rejoinder.schema.items import JSON

REASONS: dict[str, Reason] = {
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    "refusal": "content_filter",
}
NO_INPUT = (b"", b"{}", b"null")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the request decides about the reading of its reply."""

    answer_tool: str | None = None  # the tool whose input is the answer
    shows_thinking: bool = True
    bound_to: str | None = None  # the only model that can read its thinking


class MessageReader:
    """Reads the payloads of one reply, in batches as they came, up to its end or a failure."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._index = -1  # of the block that is open
        self._kind = ""  # of that block, or of the last one
        self._key = -1  # of its deltas
        self._has_stopped = False
        self._thinking: list[str] = []
        self._signature = ""
        self._tally = Tally()
        self._stop_reason: str | None = None
        self._stop_details: JSON = None
        self._has_text = False
        self.is_done = False
        self.failure: GatewayError | None = None  # raised by `end`, when all before it is told

    def read(self, payloads: Sequence[bytes]) -> list[Delta]:
        """What the payloads say, up to one that is an error, or not an event at all."""
        deltas: list[Delta] = []
        try:
            for payload in payloads:
                event = decode_event(payload)
                if event.type == "content_block_delta" and event.delta is not None:
                    self._more(event.index, event.delta, deltas)
                else:
                    self._other(event, deltas)
        except GatewayError as error:
            self.failure = error
        except (DecodeError, ValidationError, UnicodeDecodeError):
            self.failure = Unavailable("The model server sent something that is no event.")
        self.is_done = self.is_done or self.failure is not None
        return deltas

    def read_whole(self, body: bytes) -> list[Delta]:
        """What a reply in one piece says.

        Raises:
            GatewayError: if it is none, or an error.
        """
        deltas: list[Delta] = [Started()]
        try:
            message = decode_message(body)
            for index, block in enumerate(message.content or ()):
                self._begin(index, block, deltas)
                self._stop(index, deltas)
        except (DecodeError, ValidationError, UnicodeDecodeError) as error:
            raise Unavailable("The model server sent something that is no message.") from error
        if message.error is not None:
            raise error_in_stream(message.error)
        self._tally.note(message.usage)
        self._stop_reason, self._stop_details = message.stop_reason, message.stop_details
        return deltas

    def end(self) -> list[Delta]:
        """The last deltas.

        Raises:
            GatewayError: if the reply stopped in the middle, or was an error.
        """
        if self.failure is not None:
            raise self.failure
        if self._stop_reason is None:
            raise Unavailable("The model server ended its reply in the middle.")
        reason = REASONS.get(self._stop_reason, "stop")
        finished = Finished(reason, self._tally.usage, self._tally.service_tier)
        said = self._refusal() if reason == "content_filter" and not self._has_text else []
        return [*said, finished]

    def _other(self, event: Event, deltas: list[Delta]) -> None:
        match event.type:
            case "message_start":
                deltas.append(Started())
                self._tally.note(event.message.usage if event.message else None)
            case "content_block_start" if event.content_block is not None:
                self._begin(event.index, event.content_block, deltas)
            case "content_block_stop":
                self._stop(event.index, deltas)
            case "message_delta":
                self._tally.note(event.usage)
                if event.delta is not None and event.delta.stop_reason is not None:
                    self._stop_reason = event.delta.stop_reason
                    self._stop_details = event.delta.stop_details
            case "message_stop":
                self.is_done = True
            case "error":
                raise error_in_stream(event.error)

    def _begin(self, index: int, block: Block, deltas: list[Delta]) -> None:
        self._close(deltas)
        kind = block.type
        if kind == "tool_use" and block.name == self._reading.answer_tool:
            kind = "answer"
        if not (kind == self._kind == "text"):
            self._key = index
        self._index, self._kind = index, kind
        self._thinking, self._signature = [], ""
        written = bytes(block.input)
        arguments = "" if written in NO_INPUT else written.decode()
        match kind:
            case "text" | "answer":
                self._say(block.text or arguments, deltas)
            case "thinking":
                self._think(block.thinking, deltas)
                self._signature = block.signature
            case "redacted_thinking":
                self._sign({"type": kind, "data": block.data}, deltas)
            case "tool_use":
                deltas.append(ToolCallDelta(index, arguments, block.id, block.name))

    def _more(self, index: int, piece: Piece, deltas: list[Delta]) -> None:
        if index != self._index:
            return
        if piece.type == "text_delta":
            self._say(piece.text, deltas)
        elif piece.type == "thinking_delta":
            self._think(piece.thinking, deltas)
        elif piece.type == "signature_delta":
            self._signature += piece.signature
        elif piece.type == "input_json_delta" and piece.partial_json:
            if self._kind == "answer":
                self._say(piece.partial_json, deltas)
            elif self._kind == "tool_use":
                deltas.append(ToolCallDelta(index, piece.partial_json))

    def _say(self, text: str, deltas: list[Delta]) -> None:
        """Beside a tool for the answer, what else is said is no part of it."""
        if text and (self._kind == "answer" or not self._reading.answer_tool):
            self._has_text = True
            deltas.append(TextDelta(self._key, text))

    def _think(self, text: str, deltas: list[Delta]) -> None:
        if text:
            self._thinking.append(text)
            if self._reading.shows_thinking:
                deltas.append(ReasoningDelta(self._key, text))

    def _sign(self, block: dict[str, JSON], deltas: list[Delta]) -> None:
        bound_to = self._reading.bound_to
        secret = {"bound_to": bound_to, "block": block} if bound_to else block
        deltas.append(ReasoningSigned(self._key, secret))

    def _stop(self, index: int, deltas: list[Delta]) -> None:
        if index != self._index:
            return
        self._index = -1
        if self._kind == "thinking" and self._signature:
            thinking = "".join(self._thinking)
            block = {"type": "thinking", "thinking": thinking, "signature": self._signature}
            self._sign(block, deltas)
        self._has_stopped = True

    def _close(self, deltas: list[Delta]) -> None:
        """Tell that a block has ended only when another begins: the last may have been cut off."""
        if self._has_stopped and self._kind != "text":
            deltas.append(BlockEnded(self._key))
        self._has_stopped = False

    def _refusal(self) -> list[Delta]:
        """Why the model does not answer, where it says why."""
        details = self._stop_details if isinstance(self._stop_details, dict) else {}
        explanation = details.get("explanation")
        return [RefusalDelta("refusal", explanation)] if isinstance(explanation, str) else []
