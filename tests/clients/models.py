"""Models that say what a test tells them, each under a name that no other test uses."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from tests.dialects.chat import CHAT
from tests.dialects.dialect import Dialect, Heard
from tests.upstreams.chat_replies import Scripted

type JSON = Any

NUMBERS = count()  # one for all, for several may speak of the same upstream


class Models:
    """The models of one provider of the server, and what reached them."""

    def __init__(
        self, provider: str, upstream: JSON, dialect: Dialect = CHAT, name: str = ""
    ) -> None:
        self.upstream = upstream  # the fake, of whichever dialect
        self.name = name or provider  # by which tables of differences know it
        self._provider = provider
        self._dialect = dialect

    def saying(self, *stories: Scripted, family: str = "model") -> str:
        """A new model, by the name that a client says; it echoes if it gets no stories."""
        return self.named(self._dialect.name(family, next(NUMBERS)), *stories)

    def named(self, name: str, *stories: Scripted) -> str:
        """The same for a name that the settings know."""
        self.upstream.on(name, *map(self._dialect.reply, stories))
        return f"{self._provider}/{name}"

    def heard(self, model: str) -> Sequence[JSON]:
        """The bodies of the requests that this model got."""
        name = model.removeprefix(f"{self._provider}/")
        return [request.body for request in self.upstream.requests_for(name)]

    def history(self, model: str, request: int = -1) -> list[Heard]:
        """The conversation in one of these requests, whatever the dialect; without thinking."""
        told = self._dialect.heard(self.heard(model)[request])
        return [(who, said) for who, said in told if who != "thinking"]

    def thoughts(self, model: str) -> list[str]:
        """The thinking that went back in the last request."""
        told = self._dialect.heard(self.heard(model)[-1])
        return [said for who, said in told if who == "thinking"]

    def tools(self, model: str) -> Mapping[str, JSON]:
        """The schemas of the tools that were declared last, by name."""
        return self._dialect.tools(self.heard(model)[-1])

    def form(self, model: str, request: int = -1) -> JSON:
        """The schema that an answer was to have."""
        return self._dialect.form(self.heard(model)[request])
