"""HTTP to everything: one pool, one set of certificates."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from ssl import SSLContext

import httpx

# Servers close what is idle, and Lambda freezes us meanwhile: a connection is not kept for long.
KEEPALIVE_SECONDS = 4.0


def pool() -> httpx.AsyncHTTPTransport:
    """New connections. A function's concurrency is their limit."""
    limits = httpx.Limits(
        max_connections=None,
        max_keepalive_connections=None,
        keepalive_expiry=KEEPALIVE_SECONDS,
    )
    return httpx.AsyncHTTPTransport(verify=_certificates(), limits=limits)


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
