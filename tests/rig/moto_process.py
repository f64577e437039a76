"""moto's server as a process: prints its address, ends when its standard input closes."""

import sys

from tests.storage.moto_wire import serving


def main() -> None:
    """Serve on a free port of the loopback."""
    with serving() as endpoint:
        sys.stdout.write(f"{endpoint}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
