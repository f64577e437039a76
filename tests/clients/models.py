"""Models that say what a test tells them, each under a name that no other test uses."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import Scripted

type JSON = Any


class Models:
    """The models of one provider of the server, and what reached them."""

    def __init__(self, provider: str, upstream: ChatUpstream) -> None:
        self.upstream = upstream
        self._provider = provider
        self._numbers = count()

    def saying(self, *replies: Scripted, family: str = "model") -> str:
        """A new model, by the name that a client says; it echoes if it gets no replies."""
        name = f"{family}-{next(self._numbers)}"
        self.upstream.on(name, *replies)
        return f"{self._provider}/{name}"

    def heard(self, model: str) -> Sequence[JSON]:
        """The bodies of the requests that this model got."""
        name = model.removeprefix(f"{self._provider}/")
        return [request.body for request in self.upstream.requests_for(name)]
