"""What a dialect is to a test: a story told as its replies, and its requests read as a story.

A story is what `chat_replies` builds (`thinking("Hm.") + text("Yes.")`, `failure(429)`): what a
model says does not depend on who asks. What a wire cannot carry is data, in `differences`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.upstreams.chat_replies import Scripted

type JSON = Any
type Heard = tuple[str, str]
"""Who spoke (system, user, assistant) or what it was (thinking, call, result, image, file)."""


class Unsayable(Exception):
    """A story that this dialect has no words for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One dialect; `names` are its models by family, with `{}` for what makes each its own."""

    reply: Callable[[Scripted], Any]
    heard: Callable[[JSON], Iterable[Heard]]
    tools: Callable[[JSON], Mapping[str, JSON]]
    """The schemas of the tools that a request declares."""
    form: Callable[[JSON], JSON]
    """The schema that it wants the answer to have."""
    names: Mapping[str, str]

    def name(self, family: str, number: int) -> str:
        """A model's name that no other test uses."""
        return self.names.get(family, self.names["model"]).format(f"{family}-n{number}")
