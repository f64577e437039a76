"""A way to the server on which the first connections are cut in the middle."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

PIECE_BYTES = 65536
TIMEOUT_SECONDS = 30.0


class CuttingProxy:
    """Passes bytes on, both ways; the first connections it drops when `is_time` says so."""

    def __init__(self, port: int, *, cuts: int, is_time: Callable[[], bool]) -> None:
        self._to = ("127.0.0.1", port)
        self._cuts = cuts
        self._is_time = is_time
        self.connections = 0

    def __enter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self.connections += 1
                act = self._cut if self.connections <= self._cuts else self._pass
                self._threads.append(threading.Thread(target=act, args=(client,)))
                self._threads[-1].start()

    def _cut(self, client: socket.socket) -> None:
        """Deliver a request, and hang up on both sides before the answer."""
        with client, socket.create_connection(self._to) as server:
            client.settimeout(0.05)
            while not self._is_time():
                with suppress(TimeoutError):
                    server.sendall(client.recv(PIECE_BYTES))

    def _pass(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._to, TIMEOUT_SECONDS) as server:
            back = threading.Thread(target=_pour, args=(server, client))
            back.start()
            _pour(client, server)
            back.join(TIMEOUT_SECONDS)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
