"""The ASGI application: routing, keys, request ids, and every failure as an API error."""

import re
from logging import getLogger
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from rejoinder.errors import GatewayError, MethodNotAllowed, NotFound, UpgradeRefused
from rejoinder.gateway import Gateway
from rejoinder.schema.ids import new_id
from rejoinder.settings import Settings
from rejoinder.web.auth import Keys, tenant_of
from rejoinder.web.calls import Call
from rejoinder.web.messages import Json
from rejoinder.web.presence import ClientGone
from rejoinder.web.routes import ROUTES, Row

log = getLogger("rejoinder")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class App:
    """One application, driven by uvicorn, Mangum, the streaming runtime and the tests alike."""

    def __init__(self, gateway: Gateway, keys: Keys, settings: Settings) -> None:
        self.gateway = gateway
        self.keys = keys
        self.settings = settings
        self._router = Router(_routes(self), default=_unknown_url, redirect_slashes=False)

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
        scope["rejoinder.request_id"] = _request_id(request)
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
        call = Call(self._app.gateway, self._app.settings, tenant, request)
        answer = await row.endpoint(call)
        await answer(scope, receive, send)


def _routes(app: App) -> list[Route]:
    paths: dict[str, dict[str, Row]] = {}
    for row in ROUTES:
        paths.setdefault(row.path, {})[row.method] = row
    return [Route(path, _Path(app, rows)) for path, rows in paths.items()]


async def _unknown_url(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise _unknown(scope)


def _unknown(scope: Scope) -> NotFound:
    """What to say of a path that is not there, best of all what to use instead."""
    path = scope["path"].removeprefix("/v1/openai").removeprefix("/v1").rstrip("/")
    instead = next((say for known, say in ABSENT.items() if path.startswith(known)), None)
    hint = instead or "GET /v1/openapi.json describes all that is there."
    asked = f"{scope['method']} {scope['path'][:200]}"
    return NotFound(f"Unknown URL: {asked}. {hint}", code="unknown_url")


# Parts of OpenAI's API that are not offered, and what to use instead.
ABSENT = {
    "/chat/completions": "Chat Completions is not spoken here; send POST /v1/responses.",
    "/completions": "Completions is not spoken here; send POST /v1/responses.",
    "/files": "Files are not kept here; send them in the request as data URLs.",
    "/embeddings": "Embeddings are not offered.",
}


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
