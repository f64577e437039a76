"""The baseline: the least a gateway written in Python does, relaying the bytes of one route.

Run as `python passthrough.py httpx|aiohttp PORT UPSTREAM`. It reads no JSON, checks no key and
keeps nothing. uvicorn runs with its defaults (uvloop and httptools where installed, as here), less
its access log. The clients are imported where they are used, so that each weighs only itself.
"""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

PATH = "/v1/chat/completions"
_PASSED_ON = ("authorization", "content-type")

type Endpoint = Callable[[Request], Awaitable[Response]]


def _through_httpx(upstream: str) -> Starlette:
    import httpx

    client = httpx.AsyncClient(base_url=upstream, timeout=60)

    async def relay(request: Request) -> Response:
        asked = client.build_request(
            "POST", PATH, content=await request.body(), headers=_passed_on(request)
        )
        reply = await client.send(asked, stream=True)
        return StreamingResponse(
            reply.aiter_raw(),
            reply.status_code,
            media_type=reply.headers["content-type"],
            background=BackgroundTask(reply.aclose),
        )

    return _app(relay, client.aclose)


def _through_aiohttp(upstream: str) -> Starlette:
    import aiohttp

    sessions: list[aiohttp.ClientSession] = []

    async def relay(request: Request) -> Response:
        if not sessions:
            sessions.append(aiohttp.ClientSession(upstream))
        reply = await sessions[0].post(PATH, data=await request.body(), headers=_passed_on(request))
        return StreamingResponse(
            reply.content.iter_any(), reply.status, media_type=reply.headers["content-type"]
        )

    async def close() -> None:
        for session in sessions:
            await session.close()

    return _app(relay, close)


def _passed_on(request: Request) -> dict[str, str]:
    return {name: request.headers[name] for name in _PASSED_ON if name in request.headers}


def _app(relay: Endpoint, close: Callable[[], Awaitable[None]]) -> Starlette:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await close()

    return Starlette(routes=[Route(PATH, relay, methods=["POST"])], lifespan=lifespan)


def _run(client: str, port: str, upstream: str) -> None:
    through = {"httpx": _through_httpx, "aiohttp": _through_aiohttp}[client]
    app = through(f"http://127.0.0.1:{upstream}")
    uvicorn.run(app, host="127.0.0.1", port=int(port), access_log=False)


if __name__ == "__main__":
    _run(*sys.argv[1:])
