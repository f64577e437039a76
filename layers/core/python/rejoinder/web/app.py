"""The ASGI application: routing, keys, request ids, and every failure as an API error."""

import re
from logging import getLogger
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from rejoinder.errors import GatewayError, MethodNotAllowed, NotFound, UpgradeRefused
from rejoinder.gateway import Gateway
from rejoinder.providers.calls import REQUEST_ID
from rejoinder.schema.ids import new_id
from rejoinder.settings import Settings
from rejoinder.web.addresses import unknown_url
from rejoinder.web.auth import Keys, tenant_of
from rejoinder.web.calls import Call, Measured
from rejoinder.web.messages import Json
from rejoinder.web.presence import ClientGone
from rejoinder.web.routes import ROUTES, Row

log = getLogger("rejoinder")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class App:
    """One application, driven by uvicorn, Mangum, the streaming runtime and the tests alike."""

    def __init__(
        self, gateway: Gateway, keys: Keys, settings: Settings, measured: Measured = tuple
    ) -> None:
        self.gateway = gateway
        self.keys = keys
        self.settings = settings
        self.measured = measured
        self._router = Router(_routes(self), default=self._nowhere, redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; there is nothing to do when a process begins or ends."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        request = Request(scope, receive)
        scope["rejoinder.request_id"] = request_id = _request_id(request)
        REQUEST_ID.set(request_id)  # for what is done on behalf of it, in tasks of its own too
        scope["rejoinder.status"] = 0
        outcome = "ok"
        try:
            if _asks_upgrade(request):
                raise UpgradeRefused(
                    "WebSockets are not spoken here; use POST. In Codex's configuration: "
                    "supports_websockets = false.",
                    headers={"Upgrade": "HTTP/1.1"},
                )
            await self._router(scope, receive, send)
        except GatewayError as error:
            outcome = error.code or error.type
            await _failed(error)(scope, receive, send)
        except (ClientGone, ClientDisconnect):
            outcome = "client_gone"
            scope["rejoinder.status"] = 499
        except Exception:
            outcome = "internal_error"
            log.exception("request_broke", extra={"request_id": scope["rejoinder.request_id"]})
            if scope["rejoinder.status"]:
                raise
            ours = GatewayError("Something went wrong on our side; the request id tells where.")
            await _failed(ours)(scope, receive, send)
        finally:
            log.info(
                "request",
                extra={
                    "request_id": scope["rejoinder.request_id"],
                    "method": scope["method"],
                    "path": scope["path"],
                    "route": scope.get("rejoinder.route", ""),
                    "tenant": scope.get("rejoinder.tenant", ""),
                    "status": scope["rejoinder.status"],
                    "outcome": outcome,
                    "duration_ms": round((perf_counter() - started) * 1000, 1),
                },
            )

    def unknown_url(self, scope: Scope) -> NotFound:
        """What to say of an address that is not there."""
        return unknown_url(scope, self._router.routes)

    async def _nowhere(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        raise self.unknown_url(scope)


async def _live(receive: Receive, send: Send) -> None:
    for _ in ("startup", "shutdown"):
        message = await receive()
        await send({"type": f"{message['type']}.complete"})


class _Path:
    """All methods of one path, as an ASGI application of its own."""

    def __init__(self, app: App, rows: dict[str, Row]) -> None:
        self._app = app
        self._rows = rows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "" in scope["path_params"].values():  # a slash at the end, and no name after it
            raise self._app.unknown_url(scope)
        method = scope["method"]
        row = self._rows.get("GET" if method == "HEAD" else method)
        if row is None:
            allowed = ", ".join(sorted(self._rows))
            raise MethodNotAllowed(
                f"{method} is not a method of this path; it knows {allowed}.",
                headers={"Allow": allowed},
            )
        scope["rejoinder.route"] = row.path
        request = Request(scope, receive)
        tenant = "" if row.is_public else await tenant_of(request, self._app.keys)
        scope["rejoinder.tenant"] = tenant
        app = self._app
        call = Call(app.gateway, app.settings, tenant, request, app.measured)
        answer = await row.endpoint(call)
        await answer(scope, receive, send)


def _routes(app: App) -> list[Route]:
    paths: dict[str, dict[str, Row]] = {}
    for row in ROUTES:
        paths.setdefault(row.path, {})[row.method] = row
    return [Route(path, _Path(app, rows)) for path, rows in paths.items()]


def _failed(error: GatewayError) -> Json:
    return Json({"error": error.body()}, status=error.status, headers=error.headers)


def _asks_upgrade(request: Request) -> bool:
    """Gateways may drop or rename `Upgrade`; what else a WebSocket client sends, they pass on."""
    headers = request.headers
    return headers.get("upgrade", "").lower() == "websocket" or "sec-websocket-key" in headers


def _request_id(request: Request) -> str:
    """The client's own id if it is a sane one, else a new one (contract §6.1)."""
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_id("req")
