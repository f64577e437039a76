"""`python -m tests.benchmarks`: measures, and prints figures and ratios.

Compare the ratios, not the figures of two machines.
"""

import argparse
import os
import signal
import sys

from tests.benchmarks.measure import FULL, QUICK, measure
from tests.benchmarks.report import as_markdown, as_text
from tests.benchmarks.subjects import SUBJECTS


def main() -> None:
    """Reads the command line, measures and prints."""
    options = _options()
    plan = QUICK if options.quick else FULL
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    found = measure(plan, options.only or [subject.name for subject in SUBJECTS])
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(as_markdown(found, plan) if options.markdown else as_text(found, plan, coloured=coloured))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, about a minute")
    parser.add_argument("--markdown", action="store_true", help="print tables for documentation")
    parser.add_argument(
        "--only",
        action="append",
        choices=[subject.name for subject in SUBJECTS],
        metavar="NAME",
        help="measure this subject and direct; may be repeated",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
