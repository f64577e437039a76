"""What listens on the loopback, and closes all of its connections at the end."""

import asyncio
from abc import ABC, abstractmethod

from tests.rig.wire import LONGEST_HEAD_BYTES, BadHttp, close

type PeerError = BadHttp | ConnectionError | asyncio.IncompleteReadError


class Listening(ABC):
    """Serves each connection in a task of its own."""

    def __init__(self) -> None:
        self._connections: set[asyncio.Task[None]] = set()

    async def listen(self, port: int = 0) -> int:
        """Begin; the port, which is a free one unless it is given."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", port, limit=LONGEST_HEAD_BYTES
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close all connections."""
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @abstractmethod
    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes over one connection, which is closed afterwards."""

    def _blame(self, error: PeerError) -> None:  # noqa: B027, mostly nobody needs to know
        """A peer speaks no HTTP, or has gone."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._talk(reader, writer)
        except (BadHttp, ConnectionError, asyncio.IncompleteReadError) as error:
            self._blame(error)
        except asyncio.CancelledError:
            pass  # we are stopped; asyncio's streams would log it
        finally:
            self._connections.discard(task)
            await close(writer)
