"""What make hands on to the commands."""

import os
import subprocess

import pytest

from tests.infra.synthesis import ROOT

ARGUMENTS = "PY=printf '%s\\n'"  # in the place of Python: prints what it is given


def handed(*given: str) -> list[str]:
    """The arguments of the command that make runs."""
    done = subprocess.run(
        ["make", "--no-print-directory", "--old-file=.venv/.infra", ARGUMENTS, *given],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ["me", "it's me", 'the "other" one', "a; b", ""])
def test_a_name_is_handed_on_as_it_was_typed(name: str) -> None:
    arguments = handed("key", f"NAME={name}")

    assert arguments == ["-m", "infra.keys", "--stack", "Rejoinder", "new", name]


def test_a_tenant_is_handed_on_if_there_is_one() -> None:
    assert handed("key", "NAME=me", "TENANT=us")[-2:] == ["--tenant", "us"]


def test_ids_and_variables_are_handed_on() -> None:
    assert handed("revoke", "ID=0a1b")[-2:] == ["revoke", "0a1b"]
    assert handed("provider-key", "NAME=OPENAI_API_KEY")[-2:] == ["provider", "OPENAI_API_KEY"]
