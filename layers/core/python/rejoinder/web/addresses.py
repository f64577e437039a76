"""What to say of an address that is not there: best of all, which one to use instead."""

from collections.abc import Iterable

from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from rejoinder.errors import NotFound

# Parts of OpenAI's API that are not offered, and what to use instead.
ABSENT = {
    "/chat/completions": "Chat Completions is not spoken here; send POST /v1/responses.",
    "/completions": "Completions is not spoken here; send POST /v1/responses.",
    "/files": "Files are not kept here; send them in the request as data URLs.",
    "/embeddings": "Embeddings are not offered.",
}


def unknown_url(scope: Scope, routes: Iterable[BaseRoute]) -> NotFound:
    """The refusal of a request's address."""
    asked = f"{scope['method']} {scope['path'][:200]}"
    return NotFound(f"Unknown URL: {asked}. {_instead(scope, [*routes])}", code="unknown_url")


def _instead(scope: Scope, routes: list[BaseRoute]) -> str:
    path = scope["path"].rstrip("/")
    if path in ("", "/v1", "/v1/openai"):
        base = path or "/v1"
        return (
            f"POST {base}/responses asks a model, GET {base}/models lists them, and "
            "GET /v1/openapi.json describes all that is there."
        )
    if path != scope["path"] and _is_there(path, scope, routes):
        return f"Leave out the slash at its end: {path[:200]}."
    if _is_there(f"/v1{path}", scope, routes):
        return f"Write /v1{path[:200]}."
    asked = path.removeprefix("/v1/openai").removeprefix("/v1")
    known = (say for absent, say in ABSENT.items() if asked.startswith(absent))
    return next(known, "GET /v1/openapi.json describes all that is there.")


def _is_there(path: str, scope: Scope, routes: list[BaseRoute]) -> bool:
    return any(route.matches({**scope, "path": path})[0] == Match.FULL for route in routes)
