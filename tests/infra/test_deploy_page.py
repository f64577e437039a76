"""docs/deploy.md says what the code does: its tables are held against it."""

import re
from collections.abc import Iterator
from pathlib import Path

from infra import costs
from infra.costs import Idle
from infra.options import Options
from infra.smoke.catalogue import CHECKS
from rejoinder.observe import SHOWN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
ALARM_METRICS = 15


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str, columns: int) -> Iterator[list[str]]:
    """The cells of all tables of so many columns."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == columns:
            yield cells


def test_the_costs_are_those_of_the_formula() -> None:
    head, _, *told = rows(section("What it costs"), 4)

    memories = [int(cell.removesuffix(" MB")) for cell in head[1:]]
    thousand = {memory: costs.per_thousand(memory) for memory in memories}
    expected = {
        name: [f"{thousand[memory][name]:.3f}" for memory in memories] for name in costs.TYPICAL
    }

    assert {name: figures for name, *figures in told} == expected


def test_idle_costs_are_those_of_the_formula() -> None:
    _, _, *told = rows(section("What it costs"), 2)

    idle = Idle(ALARM_METRICS)
    more = [
        Idle(ALARM_METRICS, has_firewall=True),
        Idle(ALARM_METRICS, has_own_key=True),
        Idle(ALARM_METRICS, snapshots_gb=2 * 512 / 1024),
    ]
    assert [figure for _, figure in told] == [
        f"{dollars:.2f}"
        for dollars in (
            idle.monthly_free_tier,
            idle.monthly,
            *(each.monthly - idle.monthly for each in more),
        )
    ]


def test_every_alarm_is_described() -> None:
    _, _, *told = rows(section("Watching it"), 3)
    source = (ROOT / "infra" / "observability.py").read_text(encoding="utf-8")

    named = re.findall(r'self\._alarm\("(\w+)"', source)
    assert named
    assert [name.strip("`") for name, *_ in told] == named


def test_every_option_is_described_with_its_default() -> None:
    _, _, *told = rows(section("Options"), 3)

    defaults = {
        field.alias: "" if field.default in (None, "", ()) else str(field.default)
        for field in Options.model_fields.values()
    }
    assert {option.strip("`"): default.strip("`") for option, default, _ in told} == {
        name: {"True": "true", "False": "false"}.get(default, default)
        for name, default in defaults.items()
    }


def test_every_field_of_the_log_is_named() -> None:
    named = set(re.findall(r"`(\w+)`", section("Watching it")))

    assert named >= SHOWN


def test_every_check_of_the_smoke_test_verifies_something() -> None:
    _, _, *told = rows(section("Not verified on AWS"), 4)

    cited = {name for row in told for name in re.findall(r"`([a-z0-9-]+)`", row[2])}
    functions = {"api", "stream"}
    assert cited - functions == CHECKS.keys()
    assert [number for number, *_ in told] == [str(number + 1) for number in range(len(told))]


def test_every_command_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    verbs = set(re.findall(r"^ *(?:\| )?`?make ([a-z-]+)", PAGE, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert verbs >= {"deploy", "key", "smoke", "destroy"}
    assert verbs <= targets


def test_the_cdk_has_the_version_that_make_uses() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    versions = set(re.findall(r"aws-cdk@([\d.]+\d)", makefile + PAGE))
    assert len(versions) == 1


def test_links_within_the_page_lead_somewhere() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)

    anchors = {heading.lower().replace(",", "").replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\(#([a-z-]+)\)", PAGE)) <= anchors
