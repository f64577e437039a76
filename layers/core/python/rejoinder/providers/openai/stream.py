"""Responses events → deltas. A whole response is read as items that came whole.

Of the upstream's lifecycle only the end is of use; the events of items are relayed, if they are of
a type that clients know. Nothing is told before the first of them: OpenAI says that it began also
when it is about to refuse, and a refusal is better told by a status.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import DecodeError, Struct, convert  # a ValidationError is a DecodeError
from msgspec.json import Decoder

from rejoinder.engine.deltas import (
    BlockEnded,
    Delta,
    Finished,
    Reason,
    ReasoningSigned,
    Relayed,
    Started,
)
from rejoinder.engine.relay_tables import TEXTS
from rejoinder.errors import GatewayError, Unavailable
from rejoinder.providers.decoding import bearing_halves, object_in
from rejoinder.providers.openai.refusals import error_in_stream
from rejoinder.providers.openai.whole import usage_of
from rejoinder.schema.items import JSON

_decode = bearing_halves(Decoder().decode)
ADDED, DONE = "response.output_item.added", "response.output_item.done"
CALL_DONE = "response.function_call_arguments.done"
WHOLE = "whole response"  # no event of OpenAI's
_HOSTED_VERBS = "in_progress searching interpreting generating completed failed"
_VERBS: Mapping[str, str] = {
    "output_item": "added done",
    "content_part": "added done",
    "output_text": "delta done",
    "output_text.annotation": "added",
    "refusal": "delta done",
    "reasoning_text": "delta done",
    "reasoning_summary_part": "added done",
    "reasoning_summary_text": "delta done",
    "function_call_arguments": "delta done",
    "custom_tool_call_input": "delta done",
    "mcp_call_arguments": "delta done",
    "code_interpreter_call_code": "delta done",
    "web_search_call": _HOSTED_VERBS,
    "file_search_call": _HOSTED_VERBS,
    "code_interpreter_call": _HOSTED_VERBS,
    "image_generation_call": f"{_HOSTED_VERBS} partial_image",
    "mcp_call": _HOSTED_VERBS,
    "mcp_list_tools": _HOSTED_VERBS,
}
RELAYED = frozenset(
    f"response.{stem}.{verb}" for stem, verbs in _VERBS.items() for verb in verbs.split()
)
_DEFAULTS: Mapping[str, dict[str, JSON]] = {
    "message": {"content": []},
    "reasoning": {"summary": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
    "output_text": {"annotations": [], "logprobs": [], "text": ""},
    "refusal": {"refusal": ""},
    "reasoning_text": {"text": ""},
    "summary_text": {"text": ""},
}
_NEEDED: Mapping[str, str] = {f"{stem}.done": key for stem, key in TEXTS.values()} | {
    ADDED: "item",
    DONE: "item",
    "response.content_part.added": "part",
    "response.content_part.done": "part",
    "response.reasoning_summary_part.added": "part",
    "response.reasoning_summary_part.done": "part",
    "response.output_text.annotation.added": "annotation",
}
REASONS: Mapping[str, Reason] = {"content_filter": "content_filter"}  # all others are limits


class SoundPart(Struct):
    """The types that a part has where it has these keys."""

    type: str
    text: str = ""
    refusal: str = ""
    annotations: list[dict[str, JSON]] | None = None
    logprobs: list[JSON] | None = None


class SoundItem(Struct):
    """The same for an item."""

    id: str
    type: str


class SoundParts(SoundItem):
    """The same for an item that is made of parts."""

    summary: list[SoundPart] | None = None
    content: list[SoundPart] | None = None


class SoundCall(SoundItem):
    """The same for a call."""

    name: str
    call_id: str
    arguments: str = ""
    input: str = ""


class SoundEvent(Struct):
    """The same for an event."""

    output_index: int
    part: SoundPart | None = None
    annotation: dict[str, JSON] | None = None
    text: str = ""
    refusal: str = ""
    arguments: str = ""
    input: str = ""
    code: str = ""


class SoundEnd(Struct):
    """The same for a response that has ended."""

    status: str
    output: list[dict[str, JSON]] | None = None
    incomplete_details: JSON = None
    service_tier: JSON = None


_SOUND: Mapping[str, type[SoundItem]] = {  # those that we make too
    "message": SoundParts,
    "reasoning": SoundParts,
    "function_call": SoundCall,
    "custom_tool_call": SoundCall,
}


class EventReader:
    """Reads the payloads of one reply, in batches as they came, up to its end or a failure."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._has_started = False
        self.is_done = False
        self.failure: GatewayError | None = None  # to be raised when the deltas are told

    def read(self, payloads: Sequence[bytes]) -> list[Delta]:
        """What the payloads say, as far as they are sound."""
        return self._all(_decode(payload) for payload in payloads if payload.strip() != b"[DONE]")

    def read_whole(self, body: bytes) -> list[Delta]:
        """What a reply says that is no stream."""
        return self._all({"type": WHOLE, "response": _decode(whole)} for whole in (body,))

    def _all(self, events: Iterable[JSON]) -> list[Delta]:
        deltas: list[Delta] = []
        try:
            for event in events:
                deltas += self._event(event)
                if self.is_done:
                    break
        except GatewayError as error:
            self.failure = error
        except (DecodeError, UnicodeDecodeError):
            self.failure = _no_event()
        self.is_done = self.is_done or self.failure is not None
        if not deltas or self._has_started:
            return deltas
        self._has_started = True
        return [Started(), *deltas]

    def _event(self, event: JSON) -> Sequence[Delta]:
        kind = object_in(event, "type")
        if not isinstance(kind, str):
            raise _no_event_but(event)
        if kind in RELAYED:
            return self._relayed(kind, event)
        response = event.get("response")
        if kind == WHOLE:
            status = object_in(response, "status")
            if not isinstance(status, str):
                raise _no_event_but(response)
            kind = f"response.{status}"
        match kind:
            case "response.completed" | "response.incomplete":
                return self._end(response)
            case "response.failed":
                raise error_in_stream(response.get("error") if isinstance(response, dict) else None)
            case "error":
                raise error_in_stream(event.get("error") or event)
        return []

    def _relayed(self, kind: str, event: dict[str, JSON]) -> Sequence[Delta]:
        _check(kind, event)
        index: int = event["output_index"]
        if kind == CALL_DONE and not event["arguments"]:
            return []  # its item's end says it, as `{}`
        if kind == ADDED:
            return [self._added(index, event["item"])]
        if kind == DONE:
            return self._done(index, event["item"])
        if index not in self._open:
            raise Unavailable("The model server spoke of an item that it had not begun.")
        if _NEEDED.get(kind) == "part":
            event["part"] = _part(event["part"])
        if not isinstance(event.get("logprobs", []), list):
            event["logprobs"] = []  # null at some servers
        event.pop("sequence_number", None)
        event.pop("obfuscation", None)
        return [Relayed(index, event)]

    def _added(self, index: int, item: JSON) -> Relayed:
        self._open.add(index)
        self._seen.add(index)
        return Relayed(index, {"type": ADDED, "item": _item(item)})

    def _done(self, index: int, item: JSON) -> Sequence[Delta]:
        shown = _item(item)
        deltas: list[Delta] = [] if index in self._open else [self._added(index, item)]
        self._open.remove(index)
        if encrypted := item.get("encrypted_content"):
            secret = {"origin": self._origin, "id": item["id"], "encrypted_content": encrypted}
            deltas.append(ReasoningSigned(index, secret))
        done = Relayed(index, {"type": DONE, "item": _with_arguments(shown)})
        return [*deltas, done, BlockEnded(index)]

    def _end(self, response: JSON) -> Sequence[Delta]:
        """The end, after what was not told of the items."""
        end = convert(response, SoundEnd)
        deltas: list[Delta] = []
        for index, item in enumerate(end.output or ()):
            if index in self._open or index not in self._seen:
                deltas += self._done(index, item)
        reason: Reason = "stop"
        if end.status == "incomplete":
            told = object_in(end.incomplete_details, "reason")
            reason = REASONS.get(str(told), "max_output_tokens")
        self.is_done = True
        tier = end.service_tier if isinstance(end.service_tier, str) else None
        return [*deltas, Finished(reason, usage_of(response), tier)]


def _no_event() -> Unavailable:
    return Unavailable("The model server sent something that is no event.")


def _no_event_but(told: JSON) -> GatewayError:
    """Not every server tells an error by an event, or by a status."""
    error = object_in(told, "error")
    if isinstance(error, str):
        error = {"message": error}
    return error_in_stream(error) if error else _no_event()


def _check(kind: str, event: dict[str, JSON]) -> None:
    """Refuse an event if what is read of it, or relayed, is not there or of another type."""
    if kind.endswith(".delta"):
        is_sound = isinstance(event.get("delta"), str) and type(event.get("output_index")) is int
    else:
        convert(event, SoundEvent)
        needed = _NEEDED.get(kind)
        is_sound = needed is None or event.get(needed) is not None
    if not is_sound:
        raise _no_event()


def _item(item: JSON) -> JSON:
    """As it may be shown: without secrets; one of a kind that we make too, as we make it."""
    kind = convert(item, SoundItem).type
    is_ours = kind in _SOUND
    sound = convert(item, _SOUND.get(kind, SoundItem))
    hidden = ("encrypted_content", "status") if kind == "reasoning" else ("encrypted_content",)
    kept = {
        key: value
        for key, value in item.items()
        if key not in hidden and not (is_ours and value is None)
    }
    for name in {"content", "summary"} & kept.keys() if isinstance(sound, SoundParts) else ():
        kept[name] = [_part(part) for part in kept[name]]
    return _DEFAULTS.get(kind, {}) | kept


def _with_arguments(item: JSON) -> JSON:
    """A whole call has at least `{}` (contract §4.2); OpenAI says so, some servers nothing."""
    lacks = item["type"] == "function_call" and not item.get("arguments")
    return item | {"arguments": "{}"} if lacks and item.get("status") != "incomplete" else item


def _part(part: JSON) -> JSON:
    kept = {key: value for key, value in part.items() if value is not None}
    return _DEFAULTS.get(part["type"], {}) | kept
