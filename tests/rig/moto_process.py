"""moto's server as a process: prints its address, ends when its standard input closes."""

import logging
import sys

from moto.server import ThreadedMotoServer

from tests.storage.atomic import make_atomic


def main() -> None:
    """Serve on a free port of the loopback."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    make_atomic()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
