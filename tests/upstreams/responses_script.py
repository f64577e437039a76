"""What a test may tell the scripted Responses model to say, item by item.

upstream.on("gpt-5", thought(("Hm", "m."), ("So.",)) + said("Hel", "lo"))
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from tests.upstreams.chat_replies import Reply
from tests.upstreams.framing import AS_RESPONSES, Framing

type JSON = Any
type Phase = Literal["commentary", "final_answer"]


@dataclass(frozen=True, slots=True)
class Said:
    """A message of one part: text, perhaps with citations, or a refusal."""

    pieces: tuple[str, ...]
    phase: Phase | None = None
    annotations: tuple[JSON, ...] = ()
    declines: bool = False


@dataclass(frozen=True, slots=True)
class Thought:
    """Reasoning; each part of its summary in the pieces in which it streams."""

    parts: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Called:
    """A call of one of the client's tools."""

    name: str
    fragments: tuple[str, ...]
    call_id: str | None = None
    namespace: str | None = None
    is_custom: bool = False


@dataclass(frozen=True, slots=True)
class Searched:
    """A web search that OpenAI carried out."""

    query: str


type ScriptItem = Said | Thought | Called | Searched


@dataclass(frozen=True, slots=True)
class Answer(Reply):
    """One answer: its items, and how it ends."""

    items: tuple[ScriptItem, ...] = ()
    reason: Literal["max_output_tokens", "content_filter"] | None = None
    error: JSON = None
    """What fails after the items; told by an `error` event and a failed response."""
    tokens: JSON = None
    tier: str = "default"
    extra_events: tuple[JSON, ...] = ()
    """Told after the first piece, each once."""
    leaves_open: bool = False
    """The last item is not told to its end."""
    framing: Framing = AS_RESPONSES

    def __add__(self, other: Self) -> Self:
        return replace(self, items=self.items + other.items)

    def cut_by(self, reason: Literal["max_output_tokens", "content_filter"]) -> Self:
        """Incomplete: the last item ends in the middle."""
        return replace(self, reason=reason)

    def failing(self, error: Mapping[str, JSON], *, leaves_open: bool = True) -> Self:
        """Failed, with this `code`, `message`, `type` and `param`."""
        told = {"type": "server_error", "code": None, "message": "", "param": None} | dict(error)
        return replace(self, error=told, leaves_open=leaves_open)

    def using(self, tier: str = "default", **tokens: int) -> Self:
        """With these counts: `asked`, `said`, `cached`, `written`, `thought`."""
        return replace(self, tokens=tokens, tier=tier)

    def telling(self, *events: JSON) -> Self:
        """With these events in between, such as a `keepalive`."""
        return replace(self, extra_events=events)


def said(*pieces: str, phase: Phase | None = None, annotations: tuple[JSON, ...] = ()) -> Answer:
    """A message."""
    return Answer(items=(Said(pieces, phase, annotations),))


def declined(*pieces: str) -> Answer:
    """A refusal."""
    return Answer(items=(Said(pieces, declines=True),))


def thought(*parts: tuple[str, ...]) -> Answer:
    """Reasoning with a summary of these parts, or of none."""
    return Answer(items=(Thought(parts),))


def called(
    name: str, *fragments: str, call_id: str | None = None, namespace: str | None = None
) -> Answer:
    """A call of a function."""
    return Answer(items=(Called(name, fragments, call_id, namespace),))


def called_custom(name: str, *fragments: str, call_id: str | None = None) -> Answer:
    """A call of a tool that takes free text."""
    return Answer(items=(Called(name, fragments, call_id, is_custom=True),))


def searched(query: str) -> Answer:
    """A web search that OpenAI carried out."""
    return Answer(items=(Searched(query),))
