"""`python -m rejoinder_local serve`: PORT, DATA, CONFIG and DEV_KEY come from the environment."""

import sys

from rejoinder.settings import SettingsError
from rejoinder_local.config import Config
from rejoinder_local.server import serve
from rejoinder_local.terminal import log_to_terminal, painted, say

USAGE = "Usage: python -m rejoinder_local serve   (PORT, DATA, CONFIG, DEV_KEY: environment)"


def main(arguments: list[str]) -> int:
    """Do what the command line says; gives the exit status."""
    if arguments != ["serve"]:
        say(USAGE, to_stderr=True)
        return 2
    log_to_terminal()
    try:
        serve(Config.from_env())
    except SettingsError as error:
        say(f"{painted('Rejoinder cannot start:', 'red')} {error.message}", to_stderr=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
