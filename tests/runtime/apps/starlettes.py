"""An application of Starlette's, to see that a framework finds what it expects."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, str]]:
    yield {"pool": "open"}


async def told(request: Request) -> Response:
    shown = {
        "id": request.path_params["id"],
        "query": request.query_params.multi_items(),
        "body": (await request.body()).decode(),
        "link": str(request.url_for("told", id="7")),
        "pool": request.state.pool,
    }
    return JSONResponse(shown)


async def streamed(_request: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        while True:
            yield "more"
            await asyncio.sleep(0.005)

    return StreamingResponse(parts(), media_type="text/event-stream")


app = Starlette(
    routes=[Route("/things/{id}", told, methods=["POST"]), Route("/streamed", streamed)],
    lifespan=lifespan,
)
