"""What a test may tell the scripted model to reply, and with which troubles on the way.

A reply is a value: built by a function (`text`, `calls`, `thinking`, `refusal`, `failure`, `raw`),
joined with `+`, refined by its methods. The same one answers with a stream or with one JSON body.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from tests.upstreams.chat_troubles import Trouble
from tests.upstreams.checks import Refusal
from tests.upstreams.framing import AS_OPENAI, Framing

type JSON = Any
type FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
type ReasoningField = Literal["reasoning_content", "reasoning"]
type RolePlace = Literal["first", "every", "missing"]
type UsagePlace = Literal["end", "finish", "every", "missing"]


@dataclass(frozen=True, slots=True)
class Text:
    """Content, in the pieces in which it streams."""

    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Thinking:
    """Reasoning text, in a field that OpenAI does not have and others do."""

    pieces: tuple[str, ...]
    field: ReasoningField = "reasoning_content"


@dataclass(frozen=True, slots=True)
class Declined:
    """A refusal by the model."""

    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call; without an id it gets a new one in each reply."""

    name: str
    fragments: tuple[str, ...]
    id: str | None = None
    kind: Literal["function", "custom"] = "function"


@dataclass(frozen=True, slots=True)
class Calls:
    """Parallel calls, and the manner in which a server streams them."""

    calls: tuple[ToolCall, ...]
    interleaved: bool = False
    whole: Literal["each", "all"] | None = None
    indexed: bool = True
    repeated: tuple[Literal["id", "name"], ...] = ()


type Said = Text | Thinking | Declined | Calls


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens that the server says it used; cached and reasoning ones are within the others."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0
    detailed: bool = True

    def json(self) -> JSON:
        """As in the API reference, "The chat completion object"."""
        usage: JSON = {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
        }
        if self.detailed:
            usage["prompt_tokens_details"] = {"cached_tokens": self.cached, "audio_tokens": 0}
            usage["completion_tokens_details"] = {
                "reasoning_tokens": self.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            }
        return usage


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of the model."""

    said: tuple[Said, ...] = ()
    finish: FinishReason | Literal["auto"] | None = "auto"
    done: bool = True
    usage: Usage | None = None
    usage_place: UsagePlace = "end"
    role: RolePlace = "first"
    pace_seconds: float = 0.0
    troubles: tuple[Trouble, ...] = ()
    framing: Framing = AS_OPENAI
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str | None = None
    streams: bool = True

    def __add__(self, other: Self) -> Self:
        """This, then what the other says; all settings are those of this one."""
        return replace(self, said=self.said + other.said)

    def ending(self, finish: FinishReason | None, *, done: bool = True) -> Self:
        """With this finish reason, or none; `done=False` leaves out `[DONE]`."""
        return replace(self, finish=finish, done=done)

    def without_done(self) -> Self:
        """Without `data: [DONE]`."""
        return replace(self, done=False)

    def costing(self, usage: Usage | None = None, *, place: UsagePlace = "end") -> Self:
        """With this usage (None: counted), told in this place or nowhere."""
        return replace(self, usage=usage, usage_place=place)

    def paced(self, seconds: float) -> Self:
        """With so much time between the pieces."""
        return replace(self, pace_seconds=seconds)

    def troubled(self, *troubles: Trouble) -> Self:
        """With these troubles as well."""
        return replace(self, troubles=self.troubles + troubles)

    def framed(self, framing: Framing) -> Self:
        """With other bytes for the same JSON."""
        return replace(self, framing=framing)

    def told_as(self, role: RolePlace) -> Self:
        """With the assistant's role in the first chunk, in every chunk or in none."""
        return replace(self, role=role)

    def served(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
        streams: bool = True,
    ) -> Self:
        """With other HTTP headers; `streams=False` answers in JSON though a stream was asked."""
        held = tuple((headers or {}).items())
        return replace(self, headers=held, content_type=content_type, streams=streams)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply that is no completion: an error, or whatever a server or a proxy may send."""

    status: int
    body: bytes
    content_type: str | None = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    troubles: tuple[Trouble, ...] = ()
    framing: Framing = AS_OPENAI

    def troubled(self, *troubles: Trouble) -> Self:
        """With these troubles as well."""
        return replace(self, troubles=self.troubles + troubles)


type Scripted = Reply | HttpReply


def text(*pieces: str) -> Reply:
    """Content, in these pieces."""
    return Reply((Text(pieces),))


def thinking(*pieces: str, field: ReasoningField = "reasoning_content") -> Reply:
    """Reasoning text, in these pieces."""
    return Reply((Thinking(pieces, field),))


def refusal(*pieces: str) -> Reply:
    """A refusal, in these pieces."""
    return Reply((Declined(pieces),))


def call(name: str, *fragments: str, id: str | None = None) -> ToolCall:
    """A call of a function; its arguments are in these fragments."""
    return ToolCall(name, fragments, id)


def custom_call(name: str, *fragments: str, id: str | None = None) -> ToolCall:
    """A call of a custom tool; its input is in these fragments."""
    return ToolCall(name, fragments, id, kind="custom")


def calls(
    *tool_calls: ToolCall,
    interleaved: bool = False,
    whole: Literal["each", "all"] | None = None,
    indexed: bool = True,
    repeated: tuple[Literal["id", "name"], ...] = (),
) -> Reply:
    """Parallel calls.

    `interleaved` sends their fragments in turns, `whole` each call in one chunk (or all calls in
    one), `indexed=False` leaves out the index, `repeated` sends the id or the name in every chunk.
    """
    return Reply((Calls(tool_calls, interleaved, whole, indexed, repeated),))


def failure(
    status: int,
    message: str = "The server said no.",
    *,
    code: str | None = None,
    kind: str = "invalid_request_error",
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpReply:
    """An HTTP error with OpenAI's body."""
    error = Refusal(message, param=param, code=code, status=status, kind=kind)
    return raw(status, error.body(), headers=headers)


def raw(
    status: int,
    body: JSON | bytes = b"",
    *,
    content_type: str | None = "application/json",
    headers: Mapping[str, str] | None = None,
) -> HttpReply:
    """Any HTTP reply; the body is bytes, or JSON of any shape."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpReply(status, data, content_type, tuple((headers or {}).items()))


def html(status: int, body: str = "<html><body>Bad gateway</body></html>") -> HttpReply:
    """What a proxy in front of the model says."""
    return raw(status, body.encode(), content_type="text/html; charset=utf-8")
