"""What make hands on to the commands."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.synthesis import ROOT

# In the place of Python and of the CDK: print what they are given.
PY = """PY=sh -c 'printf "%s\\n" "$$STACK" "$$@"' --"""
CDK = """CDK=sh -c 'printf "%s\\n" cdk "$$STACK" "$$@"' --"""


def make(*given: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("make") or "make", "--no-print-directory", "--old-file=.venv/.infra"]
    return subprocess.run(
        [*command, PY, CDK, *given],
        cwd=ROOT,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def handed(*given: str) -> list[str]:
    """The name of the stack, and the arguments of the command that make runs."""
    done = make(*given)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ["me", "it's me", 'the "other" one', "a; b", ""])
def test_a_name_is_handed_on_as_it_was_typed(name: str) -> None:
    arguments = handed("key", f"NAME={name}")

    assert arguments == ["Rejoinder", "-m", "infra.keys", "new", name]


def test_a_tenant_is_handed_on_if_there_is_one() -> None:
    assert handed("key", "NAME=me", "TENANT=us")[-2:] == ["--tenant", "us"]


def test_ids_and_variables_are_handed_on() -> None:
    assert handed("revoke", "ID=0a1b")[-2:] == ["revoke", "0a1b"]
    assert handed("provider-key", "NAME=OPENAI_API_KEY")[-2:] == ["provider", "OPENAI_API_KEY"]


@pytest.mark.parametrize("name", ["Prod", "it's"])
def test_all_commands_mean_the_same_stack(name: str) -> None:
    for verb in ("keys", "synth", "diff"):
        told = handed(verb, f"STACK={name}", "OPTIONS=-c waf=true")

        assert name in told[:2]
        assert not [each for each in told if "stackName" in each]


def test_nothing_is_removed_before_the_options_were_read() -> None:
    told = handed("destroy", "STACK=Prod", "OPTIONS=-c waf=true")

    assert told == [
        *("cdk", "Prod", "synth", "--quiet", "-c", "waf=true"),
        *("Prod", "-m", "infra.teardown"),
        *("cdk", "Prod", "destroy", "--force", "--app", "cdk.out"),
    ]


def test_it_is_looked_whether_a_deployment_can_begin() -> None:
    told = handed("deploy", "STACK=Prod", "OPTIONS=-c waf=true", "CDK=echo cdk")

    assert told == [
        *("Prod", "-m", "infra.ready", "--cdk", "echo cdk", "-c", "waf=true"),
        "By hand:",
        "    STACK=Prod echo cdk deploy -c waf=true",
        "cdk deploy -c waf=true",
    ]


@pytest.mark.parametrize("verb", ["deploy", "destroy", "diff", "synth"])
def test_who_has_no_node_is_told_what_to_install(tmp_path: Path, verb: str) -> None:
    for name in ("sh", "getconf", "node"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)

    done = make(verb, path=str(tmp_path))

    assert done.returncode == 2
    assert done.stderr.startswith("npx not found: install Node 22 or newer")
    assert done.stdout == ""
