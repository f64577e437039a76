"""A server in a thread of its own, so that a test may block while it serves."""

import asyncio
import sys
import threading

from tests.upstreams.connection import Connection, Serve

STARTS_WITHIN_SECONDS = 10.0
STOPS_WITHIN_SECONDS = 10.0


class Server:
    """Listens on the loopback, with a daemon thread and an event loop of its own."""

    def __init__(self, serve: Serve, *, port: int = 0) -> None:
        self._serve = serve
        self._wanted_port = port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upstream", daemon=True)
        self._failure: OSError | None = None

    def start(self) -> int:
        """Begin to listen; the port."""
        self._thread.start()
        if not self._ready.wait(STARTS_WITHIN_SECONDS):
            raise TimeoutError("the server did not start")
        if self._failure is not None:
            raise self._failure
        return self.port

    def stop(self) -> None:
        """Close every connection, whatever it is doing, and wait for the thread."""
        if self._failure is None:
            self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(STOPS_WITHIN_SECONDS)
        if self._thread.is_alive():
            raise TimeoutError("the server did not stop")

    def _run(self) -> None:
        sys.settrace(None)  # coverage is of the product, and would take half of the time here
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        try:
            listening = await self._loop.create_server(
                lambda: Connection(self._serve), "127.0.0.1", self._wanted_port
            )
        except OSError as error:
            self._failure = error
            self._ready.set()
            return
        self.port: int = listening.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        listening.close()
        listening.abort_clients()
