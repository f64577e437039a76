"""HTTP/1.1 over asyncio's streams: one request, one reply, then the connection is closed.

`http.client` cannot write trailers. asyncio itself sets TCP_NODELAY on every connection.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

BUFFER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What the Runtime API said; the names of its headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """One connection to the Runtime API."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address: str) -> Self:
        """Connect to `host:port`.

        Raises:
            OSError: if nobody listens there.
        """
        host, _, port = address.rpartition(":")
        return cls(*await asyncio.open_connection(host.strip("[]"), int(port), limit=BUFFER_BYTES))

    async def write(self, data: bytes) -> None:
        """Send these bytes in one write, and wait while the other side is slow.

        Raises:
            OSError: if the connection is lost.
        """
        self._writer.write(data)
        await self._writer.drain()

    async def read(self) -> Reply:
        """The reply, however long it takes.

        Raises:
            EOFError: if the connection is closed before its end.
            OSError: if the connection is lost.
        """
        head = await self._reader.readuntil(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").rstrip().split("\r\n")
        named = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in named}
        return Reply(int(status_line.split()[1]), headers, await self._read_body(headers))

    async def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return await self._reader.readexactly(int(headers.get("content-length", 0)))
        chunks = []
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            chunks.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        return b"".join(chunks)

    def close(self) -> None:
        """Close; what was written still arrives."""
        self._writer.close()
