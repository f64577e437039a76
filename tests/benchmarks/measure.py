"""The measurement: every subject started, then loaded in turns, round after round.

In turns, so that a noisy minute of the machine falls on all of them. Figures are medians of rounds:

* CPU is user and system time of a subject's processes; load and upstream are other processes.
* CPU per token is a slope, (CPU per long stream - CPU per short stream) / (difference in tokens),
  so that what a request costs, however short, is not counted as the cost of its tokens.
* The delay of a token is from the upstream's write to our read, on one clock.
* The time to the first token is taken one request at a time; what `direct` needs is taken off it.
* Memory is what the processes hold after all of the load; start-up runs from the spawn to the first
  good answer to a JSON request.
"""

import asyncio
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.load import Load, Outcome, apply
from tests.benchmarks.peers import Unavailable
from tests.benchmarks.subjects import DIRECT, SUBJECTS, Running, Subject

_SETTLE_SECONDS = 0.25
_STARTS_SECONDS = 12.0


class Figure(Enum):
    """What is measured: two lines of a heading."""

    JSON = ("CPU ms per", "JSON request")
    PACED = ("CPU µs per", "paced token")
    BURST = ("CPU µs per", "burst token")
    FIRST = ("ms added to", "first token")
    DELAY = ("ms delay", "per token")
    MEMORY = ("memory", "MB")
    START = ("start-up", "s")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done; of `paced` and `burst` the short streams come first."""

    rounds: int
    starts: int
    json: Load
    first: Load
    paced: tuple[Load, Load]
    burst: tuple[Load, Load]


def _plan(*, rounds: int, starts: int, tokens: int, seconds: float) -> Plan:
    return Plan(
        rounds=rounds,
        starts=starts,
        json=Load("json", at_a_time=8, requests=400, seconds=seconds),
        first=Load("paced-4-5", at_a_time=1, requests=20),
        paced=(
            Load("paced-20-20", at_a_time=10, requests=10, spread_seconds=0.02),
            Load(f"paced-{20 + tokens}-20", at_a_time=10, requests=10, spread_seconds=0.02),
        ),
        burst=(
            Load("burst-100", at_a_time=2, requests=30, seconds=seconds),
            Load("burst-2100", at_a_time=2, requests=12, seconds=seconds),
        ),
    )


FULL = _plan(rounds=3, starts=3, tokens=200, seconds=2)
QUICK = _plan(rounds=1, starts=1, tokens=100, seconds=1)


@dataclass(slots=True)
class Measured:
    """What was found of one subject; a figure without samples could not be measured."""

    name: str
    samples: dict[Figure, list[float]] = field(default_factory=lambda: {f: [] for f in Figure})
    problem: str = ""

    def figure(self, figure: Figure) -> float | None:
        """The median of a figure's samples; of the first token's, before direct's is taken off."""
        return median(self.samples[figure]) if self.samples[figure] else None


class _Faulty(Exception):
    """A subject answered otherwise than it was asked to."""


def measure(plan: Plan, names: Iterable[str]) -> list[Measured]:
    """Measures the subjects of these names, `direct` first; what cannot be measured says why.

    Raises:
        Unavailable: The upstream itself does not start.
    """
    wanted = [subject for subject in SUBJECTS if subject.name in {DIRECT, *names}]
    with _bench(plan) as bench:
        for subject in wanted:
            bench.start(subject)
        for number in range(1, plan.rounds + 1):
            bench.round(number)
        bench.weigh()
        return bench.found


@contextmanager
def _bench(plan: Plan) -> Iterator["_Bench"]:
    with TemporaryDirectory(prefix="bench-") as folder, asyncio.Runner() as runner:
        bench = _Bench(plan, Path(folder), runner)
        try:
            yield bench
        finally:
            bench.end()


class _Bench:
    """The subjects that run, and what was found of all."""

    def __init__(self, plan: Plan, folder: Path, runner: asyncio.Runner) -> None:
        self.found: list[Measured] = []
        self._running: list[tuple[Measured, Running]] = []
        self._plan, self._folder, self._runner = plan, folder, runner
        self._upstream = ""

    def start(self, subject: Subject) -> None:
        """Starts a subject, a few times over for the median, and keeps the last."""
        measured = Measured(subject.name)
        self.found.append(measured)
        try:
            subject.install()
            running = self._start(subject, measured.samples[Figure.START])
        except Unavailable as problem:
            if subject.name == DIRECT:
                raise
            measured.problem = f"skipped, {problem}"
            _say(f"{subject.name}: {measured.problem}")
            return
        self._running.append((measured, running))
        self._upstream = self._upstream or f"http://127.0.0.1:{running.target.port}"
        _say(f"{subject.name}: started in {measured.figure(Figure.START):.2f} s")

    def _start(self, subject: Subject, seconds: list[float]) -> Running:
        while True:
            folder = self._folder / f"{len(self.found)}-{len(seconds)}"
            running = Running.start(subject, self._upstream, folder)
            seconds.append(running.start_seconds)
            if len(seconds) >= self._plan.starts or sum(seconds) > _STARTS_SECONDS:
                return running
            running.process.end()

    def round(self, number: int) -> None:
        """Loads every subject once; before the first round, a little without measuring."""
        for measured, running in self._running:
            if measured.problem:
                continue
            try:
                if number == 1:
                    self._warm(running)
                self._sample(measured, running)
            except _Faulty as problem:
                measured.problem = str(problem)
                _say(f"{measured.name}: {problem}")
            else:
                _say(f"round {number} of {self._plan.rounds}, {measured.name}: {_last(measured)}")

    def _warm(self, running: Running) -> None:
        for load in (self._plan.json, self._plan.paced[0], self._plan.burst[0]):
            self._cost(running, Load(load.script, load.at_a_time, 2 * load.at_a_time))

    def _sample(self, measured: Measured, running: Running) -> None:
        samples, plan = measured.samples, self._plan
        samples[Figure.JSON].append(self._cost(running, plan.json)[0])
        samples[Figure.FIRST].append(median(self._cost(running, plan.first)[1].first_ms))
        slope, streams = self._slope(running, plan.paced)
        samples[Figure.PACED].append(slope)
        samples[Figure.DELAY].append(median(streams.delays_ms))
        samples[Figure.BURST].append(self._slope(running, plan.burst)[0])

    def _slope(self, running: Running, loads: tuple[Load, Load]) -> tuple[float, Outcome]:
        (short_ms, short), (long_ms, long) = (self._cost(running, load) for load in loads)
        tokens = long.tokens / long.requests - short.tokens / short.requests
        return (long_ms - short_ms) * 1000 / tokens, long

    def _cost(self, running: Running, load: Load) -> tuple[float, Outcome]:
        before = running.process.cpu_ms()
        outcome = self._runner.run(apply(load, running.target))
        time.sleep(_SETTLE_SECONDS)
        spent = running.process.cpu_ms() - before
        if not running.process.is_alive:
            raise _Faulty(f"ended under {load.script}: {running.process.last_words()}")
        if outcome.faults:
            count = len(outcome.faults) + outcome.requests
            raise _Faulty(f"{load.script}: {len(outcome.faults)} of {count}, {outcome.faults[0]}")
        return spent / outcome.requests, outcome

    def weigh(self) -> None:
        """Reads the memory of what still runs."""
        for measured, running in self._running:
            if running.process.is_alive:
                measured.samples[Figure.MEMORY].append(running.process.rss_mb())

    def end(self) -> None:
        """Ends what still runs, the upstream last."""
        for _, running in reversed(self._running):
            running.process.end()


def _last(measured: Measured) -> str:
    json, paced, burst = (
        measured.samples[figure][-1] for figure in (Figure.JSON, Figure.PACED, Figure.BURST)
    )
    return f"JSON {json:.2f} ms, paced {paced:.1f} µs, burst {burst:.2f} µs"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
