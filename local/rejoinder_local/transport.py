"""The HTTP transport of the local server: aiohttp under httpx's interface.

It costs a third of httpx's own per streamed token and a fifth per request, for 90 ms of import
that only a long-lived process wants to pay: docs/decisions/0003-upstream-transport.md.
"""

import ssl
from urllib.request import getproxies_environment

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

KEEPALIVE_SECONDS = 4.0  # less than uvicorn's 5, so that we rarely write to a closing connection


class LocalTransport(AiohttpTransport):
    """One pool for all upstreams, without a limit, without cookies."""

    def __init__(self) -> None:
        tls = httpx.create_ssl_context()
        super().__init__(verify=tls, client=lambda: _session(tls))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As the base does, with every failure an httpx one."""
        try:
            return await super().handle_async_request(request)
        except aiohttp.ClientError as error:
            raise httpx.RemoteProtocolError(str(error)) from error


def _session(tls: ssl.SSLContext) -> aiohttp.ClientSession:
    """`trust_env` reads .netrc in a thread for every request: only for who has a proxy."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS, ssl=tls)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=bool(getproxies_environment()),
    )
