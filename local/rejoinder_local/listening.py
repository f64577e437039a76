"""The port at which the local server answers, and why it may not be had."""

import errno
import socket

from rejoinder.settings import SettingsError
from rejoinder_local.config import DEFAULT_PORT, MAX_PORT

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """A socket bound to the port; to a free one, if it is 0.

    Raises:
        SettingsError: saying why that cannot be, and what to do.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise SettingsError(why_not(port, error)) from error
    return listening


def why_not(port: int, error: OSError) -> str:
    """What stood in the way, and how to get around it."""
    match error.errno:
        case errno.EADDRINUSE:
            another = port + 1 if port < MAX_PORT else 0
            return f"Port {port} is taken. Choose another: make serve PORT={another}"
        case errno.EACCES:
            return (
                f"Port {port} may not be used by this user. Choose another: "
                f"make serve PORT={DEFAULT_PORT}"
            )
        case errno.EADDRNOTAVAIL:
            return (
                f"This machine does not have the address {HOST}. Bring its loopback interface up; "
                "on Linux: ip link set lo up"
            )
        case _:
            return f"{HOST}:{port} cannot be listened at: {error.strerror}."
