"""What a person at a terminal reads, and what may be pasted into an issue."""

import platform
import sys
from datetime import UTC, datetime
from time import monotonic

import httpx

from infra.smoke.endpoint import Endpoint
from infra.smoke.outcome import Mark, Outcome
from infra.terminal import painted, say

COLOURS = {
    Mark.EXPECTED: "green",
    Mark.DIFFERS: "yellow",
    Mark.BROKEN: "red",
    Mark.ABSENT: "dim",
}
SUMMARY = {
    Mark.EXPECTED: "as expected",
    Mark.DIFFERS: "different",
    Mark.BROKEN: "broken",
    Mark.ABSENT: "not here",
}
NAME_WIDTH = 18


class Report:
    """The outcomes, printed as they come."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._began = monotonic()
        self._found: dict[str, Outcome] = {}
        say(f"\n  {painted(endpoint.base_url, 'bold')}\n")

    @property
    def is_broken(self) -> bool:
        """Whether something is."""
        return any(outcome.mark is Mark.BROKEN for outcome in self._found.values())

    def announce(self, name: str) -> None:
        """What is being asked, where the line can be written over."""
        if sys.stdout.isatty():
            sys.stdout.write(f"  … {name}\r")
            sys.stdout.flush()

    def note(self, name: str, outcome: Outcome) -> None:
        """Print what was found."""
        self._found[name] = outcome
        say(f"  {painted(outcome.mark, COLOURS[outcome.mark])} {_line(name, outcome)}")

    def sum_up(self) -> None:
        """Print how many of each, and the facts for an issue."""
        marks = [outcome.mark for outcome in self._found.values()]
        told = ", ".join(
            painted(f"{marks.count(mark)} {SUMMARY[mark]}", COLOURS[mark])
            for mark in Mark
            if mark in marks
        )
        say(f"\n  {told}; {monotonic() - self._began:.0f} s")
        if Mark.DIFFERS in marks:
            say("  What a difference means: docs/deploy.md, “Not verified on AWS”.")
        say(f"\n  {painted('For an issue; it holds no key and no address:', 'bold')}\n")
        say("```")
        say(f"Rejoinder's smoke test, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
        extent = "" if self._endpoint.extent.is_whole else ", quick"
        say(f"Python {platform.python_version()}, httpx {httpx.__version__}{extent}")
        for name, outcome in self._found.items():
            say(f"{outcome.mark} {_line(name, outcome)}")
        say("```\n")


def _line(name: str, outcome: Outcome) -> str:
    return f"{name:{NAME_WIDTH}}{outcome.fact}"
