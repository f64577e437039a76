import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.load import Api, Load, Target, apply
from tests.benchmarks.measure import Figure, Measured, Plan, measure
from tests.benchmarks.peers import Unavailable
from tests.benchmarks.report import as_markdown, as_text
from tests.benchmarks.subjects import BASELINE, DIRECT, SUBJECTS, Running, Subject

RELAYS = [DIRECT, BASELINE, "pass-through (aiohttp)"]
TINY = Plan(
    rounds=1,
    starts=1,
    json=Load("json", at_a_time=2, requests=4),
    first=Load("paced-2-1", at_a_time=1, requests=2),
    paced=(Load("paced-2-1", 2, 2), Load("paced-10-1", 2, 2)),
    burst=(Load("burst-10", 2, 2), Load("burst-200", 2, 2)),
)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running.start(SUBJECTS[0], "", tmp_path_factory.mktemp("upstream"))
    yield running
    running.process.end()


@pytest.fixture(scope="module", params=RELAYS)
def target(
    request: pytest.FixtureRequest, upstream: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    subject = next(subject for subject in SUBJECTS if subject.name == request.param)
    address = f"http://127.0.0.1:{upstream.target.port}"
    running = Running.start(subject, address, tmp_path_factory.mktemp("relay"))
    yield running.target
    running.process.end()


@pytest.mark.parametrize(("script", "tokens"), [("paced-30-1", 30), ("burst-500", 500)])
async def test_every_token_of_every_stream_is_counted(
    target: Target, script: str, tokens: int
) -> None:
    outcome = await apply(Load(script, at_a_time=2, requests=4), target)

    assert outcome.faults == []
    assert outcome.requests == len(outcome.first_ms) == 4
    assert outcome.tokens == len(outcome.delays_ms) == 4 * tokens
    assert min(outcome.delays_ms) > 0


async def test_a_json_answer_is_checked_against_the_script(target: Target) -> None:
    outcome = await apply(Load("json", at_a_time=2, requests=4), target)

    assert outcome.faults == []
    assert outcome.requests == 4


async def test_a_stream_in_which_tokens_are_missing_is_a_fault(upstream: Running) -> None:
    outcome = await apply(Load("lossy-5", at_a_time=1, requests=1), upstream.target)

    assert outcome.requests == 0
    assert outcome.faults == ["4 tokens of 5, in order: True"]


async def test_a_server_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    running = Running.start(SUBJECTS[0], "", tmp_path)
    running.process.end()

    outcome = await apply(Load("json", at_a_time=1, requests=1), running.target)

    assert outcome.requests == 0
    assert len(outcome.faults) == 1


def test_a_subject_that_cannot_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such package')"]
    subject = Subject("broken", Api.CHAT, lambda _place: (command, {}))

    with pytest.raises(Unavailable, match="no such package"):
        Running.start(subject, "", tmp_path)


def test_figures_and_ratios_are_shown_of_what_could_be_measured() -> None:
    found = measure(TINY, [BASELINE])
    found.append(Measured("rejoinder", problem="skipped, not here"))

    text = as_text(found, TINY, coloured=False)
    markdown = as_markdown(found, TINY)

    assert [measured.name for measured in found] == [DIRECT, BASELINE, "rejoinder"]
    assert all(found[1].figure(figure) is not None for figure in Figure)
    assert "times pass-through" in text
    assert "rejoinder: skipped, not here" in text
    row = r"\| pass-through \|(?: (?:1\.00|-) \|)+ 1\.00 \| 1\.00 \|"  # a tiny run may lack a slope
    assert re.search(row, markdown)
    assert "\033" in as_text(found, TINY, coloured=True)
