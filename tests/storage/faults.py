"""What may befall a request to AWS: transports that do it, around one that works."""

from collections.abc import Awaitable, Callable

import httpx
from msgspec.json import decode, encode


class Faulty(httpx.AsyncBaseTransport):
    """A transport that passes everything on; its `requests` may be counted."""

    def __init__(self, real: httpx.AsyncBaseTransport) -> None:
        self.real = real
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return await self.real.handle_async_request(request)


class Dying(Faulty):
    """Once `lives_for` is set, so many requests are carried out and none after them.

    Unless it `is_heard`, the last one's reply is lost.
    """

    def __init__(self, real: httpx.AsyncBaseTransport, *, is_heard: bool = True) -> None:
        super().__init__(real)
        self.lives_for = 1_000_000
        self.is_heard = is_heard

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.lives_for == 0:
            raise httpx.ConnectError("dead")
        self.lives_for -= 1
        reply = await super().handle_async_request(request)
        if self.lives_for == 0 and not self.is_heard:
            await reply.aread()
            await reply.aclose()
            raise httpx.ReadError("lost")
        return reply


class Losing(Faulty):
    """Every request is carried out, but the reply to the first of its kind is lost."""

    def __init__(self, real: httpx.AsyncBaseTransport) -> None:
        super().__init__(real)
        self._lost: set[bytes] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reply = await super().handle_async_request(request)
        what = f"{request.method} {request.url} ".encode() + await request.aread()
        if what in self._lost:
            self._lost.remove(what)  # asked again, it is as new
            return reply
        self._lost.add(what)
        await reply.aread()
        await reply.aclose()
        raise httpx.ReadError("lost")


class Interrupted(Faulty):
    """Between the first request and the second, something else is done."""

    def __init__(self, real: httpx.AsyncBaseTransport, do: Callable[[], Awaitable[None]]) -> None:
        super().__init__(real)
        self._do = do

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.requests == 1:
            await self._do()
        return await super().handle_async_request(request)


class Throttled(Faulty):
    """Of every three requests two are refused, because there are too many."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.requests % 3 == 0:
            return await self.real.handle_async_request(request)
        if "x-amz-target" in request.headers:
            return httpx.Response(400, json={"__type": "x#ThrottlingException", "message": "slow"})
        return httpx.Response(503, content=b"<Error><Code>SlowDown</Code></Error>")


class Overloaded(Faulty):
    """Of several items of one request only the first is written; the others are given back."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.headers.get("x-amz-target", "").endswith("BatchWriteItem"):
            return await super().handle_async_request(request)
        [(table, asked)] = decode(await request.aread())["RequestItems"].items()
        some = encode({"RequestItems": {table: asked[:1]}})
        headers = {**request.headers, "content-length": str(len(some))}
        reply = await super().handle_async_request(
            httpx.Request("POST", request.url, headers=headers, content=some)
        )
        await reply.aread()
        undone = {table: asked[1:]} if asked[1:] else {}
        return httpx.Response(200, json={"UnprocessedItems": undone})


type Fault = Callable[[httpx.AsyncBaseTransport], Faulty]
