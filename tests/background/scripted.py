"""Models that say what a test tells them, each under a name that no other test uses."""

from itertools import count

from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import Reply

_numbers = count()  # upstreams are shared by modules


class Models:
    """The models of the provider `scripted`, and how often each was asked."""

    def __init__(self, upstream: ChatUpstream) -> None:
        self._upstream = upstream

    def saying(self, *replies: Reply) -> str:
        """A new model, by the name that a client says; the last reply repeats."""
        name = f"told-{next(_numbers)}"
        self._upstream.on(name, *replies)
        return f"scripted/{name}"

    def times_asked(self, model: str) -> int:
        """The number of requests that it got."""
        return len(self.asked_at(model))

    def asked_at(self, model: str) -> list[float]:
        """When its requests came, in monotonic seconds."""
        name = model.removeprefix("scripted/")
        return [request.at for request in self._upstream.requests_for(name)]
