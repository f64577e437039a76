"""HTTP to everything: one pool, one set of certificates."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from ssl import SSLContext
from time import monotonic, time

import httpx

# Servers close what is idle, and Lambda freezes us meanwhile: a connection is not kept for long.
KEEPALIVE_SECONDS = 4.0


class Pool(httpx.AsyncHTTPTransport):
    """Connections that are used again, but not after we were frozen with them.

    They expire by the steady clock, which may stand still meanwhile; the wall's then runs ahead of
    it. A function's concurrency is the limit of their number.
    """

    def __init__(self, wall: Callable[[], float] = time) -> None:
        limits = httpx.Limits(
            max_connections=None,
            max_keepalive_connections=None,
            keepalive_expiry=KEEPALIVE_SECONDS,
        )
        super().__init__(verify=_certificates(), limits=limits)
        self._wall = wall
        self._ahead_seconds = wall() - monotonic()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        ahead_seconds = self._wall() - monotonic()
        if ahead_seconds - self._ahead_seconds > KEEPALIVE_SECONDS:
            self._ahead_seconds = ahead_seconds
            for connection in self._pool.connections:
                if connection.is_idle():
                    await connection.aclose()
        return await super().handle_async_request(request)


@cache
def _certificates() -> SSLContext:
    """Certifi's take 20 ms to read; those of a system are more, and take longer."""
    return httpx.create_ssl_context()


class Watched(httpx.AsyncBaseTransport):
    """A transport that tells when somebody does not know a key of ours."""

    def __init__(self, transport: httpx.AsyncBaseTransport, on_refusal: Callable[[], None]) -> None:
        self._transport = transport
        self._on_refusal = on_refusal

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._on_refusal()
        return response
