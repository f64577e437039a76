"""What a service sent back, read to its end."""

from collections.abc import Mapping

import httpx
from msgspec import Struct


class Reply(Struct, frozen=True):
    """An HTTP response. Header names are matched in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def read(response: httpx.Response) -> Reply:
    """The whole of a response, whose connection is free afterwards.

    Raises:
        httpx.HTTPError: if the connection breaks.
    """
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    try:
        body = b"".join([chunk async for chunk in stream])
    finally:
        await response.aclose()
    return Reply(response.status_code, response.headers, body)
