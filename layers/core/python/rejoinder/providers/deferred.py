"""A provider whose dialect is loaded when it is first asked, or before by who expects that."""

from collections.abc import Callable
from functools import cached_property

from rejoinder.engine.pipeline import Deltas
from rejoinder.providers.base import Provider, Turn


class Deferred:
    """Stands for a provider that is made when it is wanted."""

    def __init__(self, make: Callable[[], Provider]) -> None:
        self._make = make

    @cached_property
    def loaded(self) -> Provider:
        """The provider itself."""
        return self._make()

    def stream(self, turn: Turn) -> Deltas:
        return self.loaded.stream(turn)


def loaded(provider: Provider) -> Provider:
    """The provider itself, for who asks what it can do beside streaming."""
    return provider.loaded if isinstance(provider, Deferred) else provider
