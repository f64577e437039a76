"""What these tests share: AWS on the loopback, and clients of a scripted service."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.storage.moto_server import aws, moto_endpoint

__all__ = ["aws", "moto_endpoint", "transport"]


@pytest.fixture
async def transport() -> AsyncIterator[httpx.AsyncHTTPTransport]:
    async with httpx.AsyncHTTPTransport() as transport:
        yield transport
