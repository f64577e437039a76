"""`python -m infra.smoke [CHECK …]`: ask, print, and sum up.

URL and KEY come from the environment, or else from OPENAI_BASE_URL and OPENAI_API_KEY; MODEL names
a model to ask besides the demo. The exit status is 0 if nothing is broken, 1 if something is, 2 if
the endpoint cannot be reached or the command is wrong.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic

import httpx

from infra.smoke.catalogue import CHECKS
from infra.smoke.endpoint import QUICK, Endpoint, Extent
from infra.smoke.outcome import Broken, Mark, Outcome
from infra.smoke.report import Report
from infra.terminal import complain

BOUND_SECONDS = 300.0
MISUSED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask an endpoint what could not be known without one."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if unknown := set(given.checks) - CHECKS.keys():
        parser.error(f"there is no check {', '.join(sorted(unknown))}")
    url, key = _named("URL", "OPENAI_BASE_URL"), _named("KEY", "OPENAI_API_KEY")
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", url) or not key:
        complain("Say where, and with which key: make smoke URL=https://…/v1 KEY=sk-rj-…")
        return MISUSED
    base_url = url.rstrip("/")
    base_url = base_url if base_url.endswith("/v1") else f"{base_url}/v1"
    extent = replace(QUICK if given.quick else Extent(), idle_seconds=60 * given.idle)
    chosen = {"reach", *given.checks} if given.checks else set(CHECKS)
    with Endpoint(base_url, key, os.environ.get("MODEL") or "demo", extent) as endpoint:
        return _run(endpoint, {name: CHECKS[name] for name in CHECKS if name in chosen})


def _run(endpoint: Endpoint, checks: Mapping[str, Callable[[Endpoint], Outcome]]) -> int:
    report = Report(endpoint)
    until = monotonic() + BOUND_SECONDS
    for name, check in checks.items():
        if monotonic() > until:
            report.note(name, Outcome(Mark.ABSENT, "not asked: five minutes are over"))
            continue
        report.announce(name)
        report.note(name, _found(check, endpoint))
        if name == "reach" and report.is_broken:
            complain("It does not answer as Rejoinder does. Is the URL right, and the key?")
            return MISUSED
    report.sum_up()
    return 1 if report.is_broken else 0


def _found(check: Callable[[Endpoint], Outcome], endpoint: Endpoint) -> Outcome:
    try:
        return check(endpoint)
    except Broken as broken:
        return Outcome(Mark.BROKEN, str(broken))
    except httpx.HTTPError as error:  # whose words may name the address
        return Outcome(Mark.BROKEN, f"no answer: {type(error).__name__}")


def _named(*variables: str) -> str:
    return next((found for name in variables if (found := os.environ.get(name))), "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.smoke",
        description=main.__doc__,
        epilog=f"Checks: {', '.join(CHECKS)}.",
    )
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="only these; else all")
    parser.add_argument("--quick", action="store_true", help="short waits and small bodies")
    parser.add_argument(
        "--idle", type=float, default=0, metavar="MINUTES", help="be silent, and then ask again"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
