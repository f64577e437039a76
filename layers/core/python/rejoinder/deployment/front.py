"""The application as a function of API Gateway: streamed or buffered, it is the same."""

import os
from time import time

from starlette.types import ASGIApp, Receive, Scope, Send

from rejoinder.deployment import Deployment
from rejoinder.deployment.snapshots import is_to_be_kept
from rejoinder.web.app import App
from rejoinder.web.calls import DEADLINE
from rejoinder.web.pages import open_to_pages


class Front:
    """The application of a deployment, at each request with the secret as it is by then."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._app: App | None = None
        self._entry: ASGIApp | None = None
        self._at_a_time = int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or "1")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the life of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            try:
                await (await self._current())(_with_deadline(scope), receive, send)
            finally:  # what is not over when we return would be frozen until the next request
                await self._settled()

    async def after_restore(self) -> None:
        """Connect: what was a snapshot until now did not."""
        await self._deployment.open()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        if is_to_be_kept(os.environ):
            self._deployment.load()
        else:
            await self._deployment.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._deployment.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _settled(self) -> None:
        if self._app is not None and self._at_a_time == 1:
            await self._app.gateway.runs.settled()

    async def _current(self) -> ASGIApp:
        deployment, gateway = self._deployment, await self._deployment.gateway()
        if self._app is None or self._entry is None or self._app.keys is not deployment.keys:
            self._app = App(gateway, deployment.keys, deployment.settings)
            self._entry = open_to_pages(self._app, deployment.cors_origins)
        self._app.gateway = gateway
        return self._entry


def _with_deadline(scope: Scope) -> Scope:
    """What the runtime knows of the time, in the words of the application."""
    if (context := scope.get("aws.context")) is None:
        return scope
    ends_at = time() + context.get_remaining_time_in_millis() / 1000
    return {**scope, "extensions": {**scope.get("extensions", {}), DEADLINE: ends_at}}
