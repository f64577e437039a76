"""HTTP to an upstream: JSON out, server-sent or plain JSON back, failures in our own words.

Requests go straight to an httpx transport. The client above it (cookies, redirects, proxies,
event hooks) does nothing for us and costs more than everything else in a short request;
see docs/decisions/0003-upstream-transport.md.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import httpx

from rejoinder.errors import GatewayError, Unavailable
from rejoinder.providers.misaddressed import Misaddressed, explained, redirected
from rejoinder.providers.refusals import as_told, error_for_status, error_object
from rejoinder.providers.server_sent import EventDecoder

MAX_REPLY_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 0.25
CONNECT_SECONDS = 10.0
MAX_KNOWN_URLS = 1000
REDIRECTED, REFUSED = 300, 400  # the first status that says so
NO_SUCH_PATH = (404, 405, 501)

type ErrorFor = Callable[[int, Mapping[str, str], bytes], GatewayError]  # status, headers, body
type Sign = Callable[[httpx.Request], None]  # adds what must be computed for each request


class Reply:
    """An upstream's accepted HTTP response."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._chunks = aiter(_bytes_of(response))

    @property
    def is_event_stream(self) -> bool:
        """Whether events follow. Some servers answer a wish for a stream with plain JSON."""
        return "text/event-stream" in self._response.headers.get("content-type", "")

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The body as it comes, for framings other than server-sent events."""
        async for chunk in self._chunks:
            yield chunk

    async def payloads(self) -> AsyncGenerator[list[bytes]]:
        """The data of server-sent events; what came in one piece comes together."""
        decoder = EventDecoder()
        async for chunk in self._chunks:
            if batch := decoder.feed(chunk):
                yield batch
        if batch := decoder.flush():
            yield batch

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            Unavailable: if it is longer than `MAX_REPLY_BYTES`.
        """
        read = bytearray()
        async for chunk in self._chunks:
            read += chunk
            if len(read) > MAX_REPLY_BYTES:
                raise Unavailable("The model server sent a reply of more than 64 MB.")
        return bytes(read)

    async def drain(self) -> None:
        """Read what little is left, so that the connection can be used again."""
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(DRAIN_SECONDS):
                async for _ in self._chunks:
                    pass


class Upstream:
    """One service at the far end: where it is, how we show who we are, how long we wait."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        base_url: str,
        *,
        headers: Mapping[str, str],
        timeout_seconds: float,
        error_for: ErrorFor = error_for_status,
        sign: Sign | None = None,
    ) -> None:
        self._transport = transport
        self._error_for = error_for
        self._sign = sign
        self.base_url = base_url.rstrip("/")
        self._headers = httpx.Headers(
            {
                "host": httpx.URL(base_url).netloc.decode("ascii"),
                "accept-encoding": "identity",
                "content-type": "application/json",
                "user-agent": "rejoinder",
                **headers,
            }
        )
        self._extensions = {
            "timeout": {
                "connect": CONNECT_SECONDS,
                "read": timeout_seconds,
                "write": timeout_seconds,
                "pool": timeout_seconds,
            }
        }
        self._urls: dict[str, httpx.URL] = {}

    @asynccontextmanager
    async def post(self, path: str, body: bytes) -> AsyncIterator[Reply]:
        """Send a request and give its reply, accepted but not yet read.

        Raises:
            GatewayError: if the upstream cannot be reached or refuses (contract §6.4).
        """
        async with self._opened("POST", path, body) as response:
            reply = Reply(response)
            if response.status_code >= REDIRECTED:
                raise self._refusal(path, response, await reply.body())
            yield reply
            await reply.drain()

    async def ask(self, path: str, body: bytes) -> bytes | None:
        """The whole reply to a request; None from a service that has no such path.

        Raises:
            GatewayError: as for `post`.
        """
        async with self._opened("POST", path, body) as response:
            said = await Reply(response).body()
            # A 404 may also be about the model: then it says so.
            if response.status_code in NO_SUCH_PATH and b"model" not in said.lower():
                return None
            if response.status_code >= REDIRECTED:
                raise self._refusal(path, response, said)
            return said

    async def get(self, path: str) -> bytes:
        """The body of a GET, such as the upstream's list of models."""
        async with self._opened("GET", path, b"") as response:
            reply = Reply(response)
            body = await reply.body()
            if response.status_code >= REDIRECTED:
                raise self._refusal(path, response, body)
            return body

    def _refusal(self, path: str, response: httpx.Response, said: bytes) -> GatewayError:
        status, headers = response.status_code, response.headers
        error = self._error_for(status, headers, said) if status >= REFUSED else redirected()
        if isinstance(error, Misaddressed):
            error = explained(error, response.request, path, response)
        kind = headers.get("x-amzn-errortype", "").partition(":")[0] or None
        return as_told(error, {"type": kind} | error_object(said), status)

    @asynccontextmanager
    async def _opened(self, method: str, path: str, body: bytes) -> AsyncIterator[httpx.Response]:
        if path not in self._urls:
            if len(self._urls) >= MAX_KNOWN_URLS:  # a path may hold what a client says
                self._urls.clear()
            self._urls[path] = httpx.URL(self.base_url + path)
        request = httpx.Request(
            method,
            self._urls[path],
            headers=self._headers,
            content=body,
            extensions=self._extensions,
        )
        if self._sign is not None:
            self._sign(request)
        try:
            response = await self._transport.handle_async_request(request)
        except httpx.HTTPError as error:
            raise _unavailable(error) from error
        response.request = request
        try:
            yield response
        finally:
            await response.aclose()


async def _bytes_of(response: httpx.Response) -> AsyncGenerator[bytes]:
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    try:
        async for chunk in stream:
            yield chunk
    except httpx.HTTPError as error:
        raise _unavailable(error) from error


def _unavailable(error: httpx.HTTPError) -> Unavailable:
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError():
            return Unavailable("The model server cannot be reached. Is it running?")
        case httpx.TimeoutException():
            return Unavailable(
                "The model server said nothing for too long.", code="upstream_timeout"
            )
        case _:
            return Unavailable("The connection to the model server broke.")
