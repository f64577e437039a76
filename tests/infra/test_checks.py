"""What others think of the template: cdk-nag, CloudFormation's own rules, cfn-lint."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.nag import REASONS
from tests.infra.synthesis import Synthesis

CFN_LINT = Path(sys.executable).with_name("cfn-lint")

# W3005: a dependency that a reference implies. The CDK writes both.
IGNORED = ["W3005"]


@pytest.fixture(params=["stack", "rich"])
def any_stack(request: pytest.FixtureRequest) -> Synthesis:
    found: Synthesis = request.getfixturevalue(request.param)
    return found


def test_nothing_is_open(any_stack: Synthesis) -> None:
    assert any_stack.findings() == []


def test_every_reason_is_still_needed(stack: Synthesis, rich: Synthesis) -> None:
    reports = (stack.folder / "validation-report.json", rich.folder / "validation-report.json")
    said = "".join(report.read_text() for report in reports)

    assert [rule for _, rule, reason in REASONS if reason not in said] == []


def test_cfn_lint_has_nothing_to_say(any_stack: Synthesis) -> None:
    linted = subprocess.run(
        [str(CFN_LINT), "-t", str(any_stack.path), "-i", *IGNORED],
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.stdout == ""
    assert linted.returncode == 0
