"""The figures as tables: for a terminal, or in Markdown for the documentation."""

import os
import platform
import time
from collections.abc import Callable, Sequence

from tests.benchmarks.measure import Figure, Measured, Plan
from tests.benchmarks.peers import LITELLM
from tests.benchmarks.subjects import BASELINE, DIRECT, OURS, PEER

type Cells = Callable[[Measured, Figure], str]
type Table = tuple[str, Sequence[Figure], Sequence[Sequence[str]]]
"""A title, the figures of its columns, and rows that begin with a subject's name."""

_NONE = "-"
_BOLD, _DIM, _OURS, _PLAIN = "\033[1m", "\033[2m", "\033[36m", "\033[0m"
# No ratio of delays: each has the machine's own in it, which is as large.
_RATIOS = tuple(figure for figure in Figure if figure is not Figure.DELAY)


def as_text(found: Sequence[Measured], plan: Plan, *, coloured: bool) -> str:
    """The table of figures, the ratios, and what went wrong, aligned."""
    parts = [_conditions(found, plan)]
    for title, figures, rows in _tables(found):
        parts.append(_aligned(title, figures, rows, coloured=coloured))
    problems = [f"{measured.name}: {measured.problem}" for measured in found if measured.problem]
    return "\n\n".join(parts + problems)


def as_markdown(found: Sequence[Measured], plan: Plan) -> str:
    """The same in Markdown, with the day and the machine."""
    parts = [f"{time.strftime('%Y-%m-%d')}, {_machine()}. {_conditions(found, plan)}"]
    for title, figures, rows in _tables(found):
        heading = [title, *(" ".join(figure.value) for figure in figures)]
        lines = [heading, ["---", *("--:" for _ in figures)], *rows]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    problems = [f"{measured.name}: {measured.problem}" for measured in found if measured.problem]
    return "\n\n".join(parts + problems)


def _tables(found: Sequence[Measured]) -> list[Table]:
    """The figures of all, then the ratios of those measured to each reference that was."""
    direct = next((measured for measured in found if measured.name == DIRECT), None)
    sound = [measured for measured in found if not measured.problem]
    tables = [_table("measured", found, list(Figure), _plain(direct))]
    for reference in sound:
        if reference.name in (BASELINE, OURS, PEER):
            ratios = _ratio_to(reference, direct)
            tables.append(_table(f"times {reference.name}", sound, _RATIOS, ratios))
    return tables


def _table(title: str, shown: Sequence[Measured], figures: Sequence[Figure], cells: Cells) -> Table:
    rows = [[it.name, *(cells(it, figure) for figure in figures)] for it in shown]
    return title, figures, rows


def _plain(direct: Measured | None) -> Cells:
    return lambda measured, figure: _short(_value(measured, figure, direct))


def _ratio_to(reference: Measured, direct: Measured | None) -> Cells:
    def ratio(measured: Measured, figure: Figure) -> str:
        value, unit = (_value(it, figure, direct) for it in (measured, reference))
        if value is None or not unit or unit < 0:
            return _NONE
        return _short(value / unit)

    return ratio


def _value(measured: Measured, figure: Figure, direct: Measured | None) -> float | None:
    value = measured.figure(figure)
    if figure is not Figure.FIRST or value is None:
        return value
    least = direct.figure(figure) if direct and direct is not measured else None
    return None if least is None else value - least


def _short(value: float | None) -> str:
    """Three digits or so, never an exponent."""
    if value is None:
        return _NONE
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3
    return f"{value:.{digits}f}"


def _aligned(
    title: str, figures: Sequence[Figure], rows: Sequence[Sequence[str]], *, coloured: bool
) -> str:
    headings = [[title, *(figure.value[line] for figure in figures)] for line in (0, 1)]
    headings[1][0] = ""
    columns = list(zip(*headings, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for cells in [*headings, *rows]:
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        lines.append((cells[0], "  ".join(padded).rstrip()))
    styles = [_BOLD, _BOLD, *(_style(name) for name, _ in lines[2:])]
    if not coloured:
        return "\n".join(line for _, line in lines)
    return "\n".join(f"{s}{line}{_PLAIN}" for s, (_, line) in zip(styles, lines, strict=True))


def _style(name: str) -> str:
    if name.startswith(OURS):
        return _OURS
    return _DIM if name == DIRECT else ""


def _conditions(found: Sequence[Measured], plan: Plan) -> str:
    peer = any(measured.name == PEER for measured in found)
    short, long = (load.script.split("-") for load in plan.paced)
    streams = plan.paced[1].at_a_time
    return (
        f"Medians of {plan.rounds} round{'s' if plan.rounds > 1 else ''} in turns. JSON: "
        f"{plan.json.at_a_time} at a time. Paced: {streams} streams of {short[1]} and "
        f"{long[1]} tokens, one each {long[2]} ms ({streams * 1000 // int(long[2])} a second)."
        + (f" LiteLLM is {LITELLM}." if peer else "")
    )


def _machine() -> str:
    cores = os.process_cpu_count()
    return f"{cores} cores, {platform.machine()}, Python {platform.python_version()}"
