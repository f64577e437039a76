"""Chat Completions chunks → deltas. A whole reply is one chunk that says `message`.

Read as tolerantly as servers are various: `index` may be missing or always 0, ids may repeat
in every chunk or be empty, a call may come whole, usage may come last or never.
"""

from collections.abc import Sequence

from msgspec import DecodeError, ValidationError
from msgspec.json import encode

from rejoinder.engine.deltas import (
    Delta,
    Finished,
    Reason,
    ReasoningDelta,
    ReasoningSigned,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.errors import GatewayError, Unavailable
from rejoinder.providers.chat_completions.payloads import (
    CallPiece,
    Choice,
    FunctionPiece,
    Said,
    decode_chunk,
)
from rejoinder.providers.decoding import count_in, object_in
from rejoinder.providers.refusals import error_in_stream, error_object
from rejoinder.schema.items import JSON
from rejoinder.schema.response import InputTokensDetails, OutputTokensDetails, Usage

REASONS: dict[str, Reason] = {
    "length": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "content_filter": "content_filter",
}
MESSAGE, REASONING = "message", "reasoning"
OLD_CALL = -1  # the index of the only call of a server that knows no `tool_calls`


class Call:
    """A tool call as far as it is known."""

    def __init__(self, block: str, call_id: str) -> None:
        self.block = block
        self.id = call_id
        self.name = ""
        self.held_back = ""  # arguments that came before the name


class ChunkReader:
    """Reads the payloads of one reply, in batches as they came, up to its end or a failure."""

    def __init__(self) -> None:
        self.failure: GatewayError | None = None  # raised by `end`, when all before it is told
        self._calls: list[Call] = []
        self._by_index: dict[int, Call] = {}
        self._usage: JSON = None
        self._service_tier: JSON = None
        self._finish_reason: str | None = None
        self._thinking: list[str] = []
        self._has_said = False
        self._has_done_mark = False

    @property
    def is_done(self) -> bool:
        """Whether nothing of use can follow."""
        has_all = self._finish_reason is not None and self._usage is not None
        return self._has_done_mark or has_all or self.failure is not None

    def read(self, payloads: Sequence[bytes]) -> list[Delta]:
        """What the payloads say, up to one that is an error, or not a chunk at all."""
        deltas: list[Delta] = []
        for payload in payloads:
            if payload.strip() == b"[DONE]":
                self._has_done_mark = True
                break
            try:
                deltas += self._chunk(payload)
            except GatewayError as error:
                self.failure = error
                break
        self._has_said = self._has_said or bool(deltas)
        return deltas

    def read_whole(self, body: bytes) -> list[Delta]:
        """What a reply in one piece says; it is whole even if it does not say why it ends."""
        deltas = self.read([body])
        if deltas and self._finish_reason is None:
            self._finish_reason = "stop"
        return deltas

    def end(self) -> list[Delta]:
        """The last delta.

        Raises:
            GatewayError: if the reply stopped in the middle, or was an error.
        """
        if self.failure is not None:
            raise self.failure
        if self._finish_reason is None and not (self._has_done_mark and self._has_said):
            raise Unavailable("The model server ended its reply in the middle.")
        reason = REASONS.get(self._finish_reason or "stop", "stop")
        tier = self._service_tier if isinstance(self._service_tier, str) else None
        return [*self._end_of_thinking(), Finished(reason, _usage(self._usage), tier)]

    def _chunk(self, payload: bytes) -> list[Delta]:
        try:
            chunk = decode_chunk(payload)
        except (DecodeError, ValidationError, UnicodeDecodeError) as error:
            raise Unavailable("The model server sent something that is no chunk.") from error
        if chunk.error:
            raise error_in_stream(chunk.error)
        self._usage = chunk.usage or self._usage
        self._service_tier = chunk.service_tier or self._service_tier
        if not chunk.choices:
            told = error_object(payload)
            if told.get("message"):
                raise error_in_stream(told)
            return []
        choice = chunk.choices[0]
        said = choice.delta or choice.message
        deltas = self._said(said, choice) if said else []
        if choice.finish_reason:
            if choice.finish_reason == "error":
                raise Unavailable("The model server broke off with an error.")
            self._finish_reason = choice.finish_reason
        return deltas

    def _said(self, said: Said, choice: Choice) -> list[Delta]:
        deltas: list[Delta] = []
        thinking = said.reasoning_content or said.reasoning
        if thinking and isinstance(thinking, str):
            deltas.append(ReasoningDelta(REASONING, thinking))
            self._thinking.append(thinking)
        has_calls = said.tool_calls or said.function_call
        if self._thinking and (said.content or said.refusal or has_calls):
            deltas += self._end_of_thinking()
        if said.content:
            if isinstance(said.content, str):
                deltas.append(TextDelta(MESSAGE, said.content, _logprobs(choice.logprobs)))
            else:
                deltas += _parts(said.content)
        if said.refusal:
            deltas.append(RefusalDelta(MESSAGE, said.refusal))
        if has_calls:
            deltas += self._called(said, is_whole=choice.delta is None)
        return deltas

    def _end_of_thinking(self) -> list[Delta]:
        """Nothing is signed here; the text itself is what some servers want back."""
        if not self._thinking:
            return []
        text = "".join(self._thinking)
        self._thinking = []
        return [ReasoningSigned(REASONING, {"text": text})]

    def _called(self, said: Said, *, is_whole: bool) -> list[Delta]:
        """Pieces belong together by their ids; whole calls do not, whatever their ids."""
        deltas: list[Delta] = []
        for piece in said.tool_calls or ():
            deltas += self._more(self._begun(piece) if is_whole else self._call_of(piece), piece)
        if said.function_call is not None:
            piece = CallPiece(index=OLD_CALL, function=said.function_call)
            deltas += self._more(self._call_of(piece), piece)
        return deltas

    def _more(self, call: Call, piece: CallPiece) -> list[Delta]:
        function = piece.function or FunctionPiece()
        arguments = function.arguments or ""
        if not isinstance(arguments, str):
            arguments = encode(arguments).decode()
        if call.name:
            return [ToolCallDelta(call.block, arguments)] if arguments else []
        call.held_back += arguments
        if not function.name:
            return []
        call.name = function.name
        return [ToolCallDelta(call.block, call.held_back, call.id, call.name)]

    def _call_of(self, piece: CallPiece) -> Call:
        """The call that a piece belongs to: by index, else by id, else the latest."""
        if piece.index is not None:
            known = self._by_index.get(piece.index)
        elif piece.id:
            known = next((call for call in self._calls if call.id == piece.id), None)
        else:
            known = self._calls[-1] if self._calls and not _has_name(piece) else None
        return self._begun(piece) if known is None or _begins_another(known, piece) else known

    def _begun(self, piece: CallPiece) -> Call:
        call = Call(f"call {len(self._calls)}", piece.id or "")
        self._calls.append(call)
        if piece.index is not None:
            self._by_index[piece.index] = call
        return call


def _has_name(piece: CallPiece) -> bool:
    return piece.function is not None and bool(piece.function.name)


def _begins_another(known: Call, piece: CallPiece) -> bool:
    """Servers that number every call 0 still give each its own id and name."""
    return bool(piece.id and known.id and piece.id != known.id and known.name and _has_name(piece))


def _parts(content: list[JSON]) -> list[Delta]:
    """Content as a list of parts, as Mistral's reasoning models send it."""
    deltas: list[Delta] = []
    for part in content:
        match part:
            case {"type": "text", "text": str(text)}:
                deltas.append(TextDelta(MESSAGE, text))
            case {"type": "thinking", "thinking": [*thoughts]}:
                known = (thought for thought in thoughts if isinstance(thought, dict))
                text = "".join(str(thought.get("text", "")) for thought in known)
                deltas.append(ReasoningDelta(REASONING, text))
    return deltas


def _logprobs(logprobs: JSON) -> list[JSON] | None:
    """As they came; `bytes` is a list in the API's own types, and null at some servers."""
    if logprobs is None or not isinstance(content := object_in(logprobs, "content"), list):
        return None
    tokens = (token for token in content if isinstance(token, dict))
    return [token | {"bytes": token.get("bytes") or []} for token in tokens] or None


def _usage(usage: JSON) -> Usage:
    prompt = count_in(usage, "prompt_tokens") or 0
    completion = count_in(usage, "completion_tokens") or 0
    cached = count_in(object_in(usage, "prompt_tokens_details"), "cached_tokens")
    thought = count_in(object_in(usage, "completion_tokens_details"), "reasoning_tokens")
    return Usage(
        prompt,
        InputTokensDetails(cached_tokens=cached or 0),
        completion,
        OutputTokensDetails(reasoning_tokens=thought or 0),
        prompt + completion,
    )
