"""The Runtime API: how a runtime takes events from Lambda and tells it what went wrong.

Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes". Answers
to events are streamed: see `answer`.
"""

from rejoinder_runtime.connection import Connection, Reply
from rejoinder_runtime.failures import Failure
from rejoinder_runtime.invocation import Invocation

VERSION = "/2018-06-01/runtime"
ACCEPTED = 202


class RuntimeApiError(Exception):
    """The Runtime API refused what we sent: this process cannot go on."""


class RuntimeApi:
    """The Runtime API at `host:port`, with a connection of its own for every request."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def next(self) -> Invocation:
        """Wait for the next event, however long; the environment may be frozen meanwhile.

        Raises:
            RuntimeApiError: if Lambda gives none.
        """
        return Invocation.of(await self._get("/invocation/next"))

    async def error(self, invocation: Invocation, failure: Failure) -> None:
        """End an invocation of whose answer nothing was sent."""
        await self._post(f"/invocation/{invocation.request_id}/error", failure, echo_of(invocation))

    async def init_error(self, failure: Failure) -> None:
        """Say that the function could not start."""
        await self._post("/init/error", failure)

    async def restore_next(self) -> None:
        """Let the snapshot be taken; return when the function has been restored from it.

        Raises:
            RuntimeApiError: if Lambda takes none.
        """
        await self._get("/restore/next")

    async def restore_error(self, failure: Failure) -> None:
        """Say that the restored function cannot go on."""
        await self._post("/restore/error", failure)

    async def _get(self, path: str) -> Reply:
        return await self._ask(f"GET {VERSION}{path}", "", b"", expected=200)

    async def _post(self, path: str, failure: Failure, headers: str = "") -> None:
        told = f"Lambda-Runtime-Function-Error-Type: {failure.type}\r\n{headers}"
        body = failure.body
        framed = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{told}"
        await self._ask(f"POST {VERSION}{path}", framed, body, expected=ACCEPTED)

    async def _ask(self, what: str, headers: str, body: bytes, *, expected: int) -> Reply:
        connection = await Connection.open(self.address)
        try:
            head = f"{what} HTTP/1.1\r\nHost: {self.address}\r\n{headers}\r\n"
            await connection.write(head.encode() + body)
            reply = await connection.read()
        finally:
            connection.close()
        if reply.status != expected:
            raise RuntimeApiError(f"{what} was answered with status {reply.status}")
        return reply


def echo_of(invocation: Invocation) -> str:
    """The header by which newer versions of Lambda match an answer to its invocation."""
    if invocation.echo_id is None:
        return ""
    return f"Lambda-Runtime-Invocation-Id: {invocation.echo_id}\r\n"
