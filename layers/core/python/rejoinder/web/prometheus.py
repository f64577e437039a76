"""Numbers in Prometheus' text form, version 0.0.4."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

type Labels = tuple[str, ...]

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


class Tally:
    """One number for each combination of labels that was seen."""

    def __init__(
        self, kind: Literal["counter", "gauge"], name: str, meaning: str, labels: Labels = ()
    ) -> None:
        self._name = name
        self._head = _head(name, meaning, kind)
        self._labels = labels
        self._values: dict[Labels, float] = {}

    def add(self, amount: float, *labels: str) -> None:
        """Count on."""
        self._values[labels] = self._values.get(labels, 0) + amount

    def lines(self) -> Iterator[str]:
        """What Prometheus reads."""
        yield from self._head
        for values, number in self._values.items():
            yield _sample(self._name, zip(self._labels, values, strict=True), number)


class Histogram:
    """How long something took, for each combination of labels that was seen."""

    def __init__(
        self, name: str, meaning: str, labels: Labels, limits_seconds: Sequence[float]
    ) -> None:
        self._name = name
        self._head = _head(name, meaning, "histogram")
        self._labels = labels
        self._limits = limits_seconds
        self._seen: dict[Labels, tuple[list[int], list[float]]] = {}  # in each bucket, and the sum

    def observe(self, seconds: float, *labels: str) -> None:
        """Count one of them."""
        buckets, total = self._seen.setdefault(labels, ([0] * (len(self._limits) + 1), [0.0]))
        buckets[bisect_left(self._limits, seconds)] += 1
        total[0] += seconds

    def lines(self) -> Iterator[str]:
        """What Prometheus reads."""
        yield from self._head
        for values, (buckets, total) in self._seen.items():
            labels = [*zip(self._labels, values, strict=True)]
            number = 0
            for limit, count in zip([*self._limits, "+Inf"], buckets, strict=True):
                number += count
                yield _sample(f"{self._name}_bucket", [*labels, ("le", str(limit))], number)
            yield _sample(f"{self._name}_sum", labels, total[0])
            yield _sample(f"{self._name}_count", labels, number)


type Instrument = Tally | Histogram


def gauge(name: str, meaning: str, value: float) -> Tally:
    """A number as it is now."""
    made = Tally("gauge", name, meaning)
    made.add(value)
    return made


def text_of(instruments: Iterable[Instrument]) -> str:
    """All of them, as one page."""
    return "".join(f"{line}\n" for each in instruments for line in each.lines())


def _head(name: str, meaning: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"


def _sample(name: str, labels: Iterable[tuple[str, str]], number: float) -> str:
    told = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in labels)
    return f"{name}{{{told}}} {number}" if told else f"{name} {number}"
