"""Which services are known to be down: they are left alone for a while, then tried by one."""

from collections.abc import Callable
from dataclasses import dataclass
from time import time

FAILURES_TO_OPEN = 5
OPEN_SECONDS = 30.0
MAX_KEPT = 1000  # a service is named by clients, who may make up models


@dataclass(slots=True)
class Circuit:
    """Of one service: how often it failed since it last answered, and until when it is left."""

    failures: int = 0
    open_until: float = 0.0


class Circuits:
    """Open while a service is known to be down; of those that answer nothing is kept."""

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        self._kept: dict[str, Circuit] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def admits(self, service: str) -> bool:
        """Whether a service may be asked. Of those that come when the time is over, one may."""
        circuit = self._kept.get(service)
        if circuit is None or circuit.failures < FAILURES_TO_OPEN:
            return True
        if self._clock() < circuit.open_until:
            return False
        circuit.open_until = self._clock() + OPEN_SECONDS
        return True

    def answered(self, service: str) -> None:
        """It is there, if only to say no."""
        self._kept.pop(service, None)

    def failed(self, service: str) -> None:
        """It could not be reached, failed, or was too slow."""
        circuit = self._kept.pop(service, None) or Circuit()
        circuit.failures += 1
        circuit.open_until = self._clock() + OPEN_SECONDS
        self._kept[service] = circuit
        if len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]  # that which failed longest ago
