"""The endpoint that functions are given for AWS: moto's server, behind a door that can jam.

It counts calls by operation, and refuses some of them as DynamoDB does when it is throttled.
"""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from typing import override
from urllib.parse import urlsplit

from tests.rig.doors import Listening
from tests.rig.wire import (
    CONTINUE,
    Body,
    Head,
    answer_bytes,
    close,
    head_bytes,
    read_head,
    read_reply_head,
)

type Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]

LARGEST_BODY_BYTES = 64 * 1024 * 1024
THROTTLED = "com.amazonaws.dynamodb.v20120810#ThrottlingException"
BODILESS = (204, 304)
HOP_BY_HOP = ("connection", "keep-alive", "expect", "transfer-encoding", "content-length")


class ServiceDoor(Listening):
    """Relays each request to the server behind it, unless it is told to refuse."""

    def __init__(self, behind: str) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self._behind = urlsplit(behind)
        self._refusals: Counter[str] = Counter()
        self._kept: list[Wire] = []

    async def start(self) -> str:
        """Begin to listen; the address."""
        return f"http://127.0.0.1:{await self.listen()}"

    @override
    async def stop(self) -> None:
        await super().stop()
        await asyncio.gather(*(close(writer) for _, writer in self._kept))

    def throttle(self, operation: str, times: int) -> None:
        """Refuse the next calls of an operation, such as PutItem."""
        self._refusals[operation] = times

    @override
    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await read_head(reader)) is not None:
            if head.awaits_leave:
                writer.write(CONTINUE)
            body = await Body(reader, head).read(at_most_bytes=LARGEST_BODY_BYTES)
            writer.write(await self._answer(head, body))
            await writer.drain()

    async def _answer(self, head: Head, body: bytes) -> bytes:
        operation = head.value("x-amz-target").rpartition(".")[2] or head.method
        self.calls[operation] += 1
        if self._refusals[operation] > 0:
            self._refusals[operation] -= 1
            told = json.dumps({"__type": THROTTLED, "message": "Rate exceeded"}).encode()
            return answer_bytes(400, [("Content-Type", "application/x-amz-json-1.0")], told)
        return await self._relayed(head, body)

    async def _relayed(self, head: Head, body: bytes) -> bytes:
        """The answer of the server, over one of the connections that are kept."""
        kept = [pair for pair in head.headers if pair[0].lower() not in HOP_BY_HOP]
        lines = [f"{head.method} {head.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in kept]
        lines += [f"Content-Length: {len(body)}", "", ""]
        request = "\r\n".join(lines).encode("latin-1") + body
        while self._kept:
            with suppress(asyncio.IncompleteReadError, ConnectionError):  # it was closed meanwhile
                return await self._exchanged(self._kept.pop(), request, head)
        wire = await asyncio.open_connection(self._behind.hostname, self._behind.port)
        return await self._exchanged(wire, request, head)

    async def _exchanged(self, wire: Wire, request: bytes, head: Head) -> bytes:
        reader, writer = wire
        try:
            writer.write(request)
            reply = await read_reply_head(reader)
            headers = [pair for pair in reply.headers if pair[0].lower() not in HOP_BY_HOP]
            if head.method == "HEAD" or reply.status in BODILESS:
                answer = head_bytes(reply.status, reply.headers)
            else:
                content = await Body(reader, reply).read(at_most_bytes=LARGEST_BODY_BYTES)
                answer = answer_bytes(reply.status, headers, content)
        except BaseException:
            writer.close()
            raise
        if reply.keeps_alive:
            self._kept.append(wire)
        else:
            writer.close()
        return answer
