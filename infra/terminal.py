"""What a person at a terminal sees of the deployment's own commands."""

import os
import sys
from typing import Final

CODES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def painted(text: str, colour: str) -> str:
    """The text in a colour, where there are colours (see no-color.org)."""
    has_colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"\x1b[{CODES[colour]}m{text}\x1b[0m" if has_colours else text


def say(text: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> int:
    """Print what is wrong; gives the exit status of a command that failed."""
    sys.stderr.write(f"\n{text}\n\n")
    return 1
