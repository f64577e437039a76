"""The OpenAPI document of this API, made from the route table and from the types it is made of.

It is built when it is first asked for: what it imports costs time that nobody else should pay.
"""

from functools import cache

from rejoinder import __version__
from rejoinder.schema.items import JSON
from rejoinder.web.openapi.answers import ANSWERS, ERRORS, HEADERS
from rejoinder.web.openapi.conversations import CONVERSATION_BODIES
from rejoinder.web.openapi.operations import OPERATIONS
from rejoinder.web.openapi.request import REQUEST
from rejoinder.web.routes import PREFIXES, ROUTES, Row

_API, *_ALIASES = PREFIXES
_INFO = {
    "title": "Rejoinder",
    "version": __version__,
    "summary": "The OpenAI Responses API as a stack you own.",
    "description": (
        "Create responses with any model, as JSON or as a stream of events; continue them by id; "
        "retrieve, rejoin, cancel and delete what is stored.\n\n"
        "Every failure is an `Error`, with all four keys. A path that is not here answers 404 "
        "`unknown_url`, a method that a path does not know 405 with `Allow`, and a WebSocket 426. "
        "Every answer carries `X-Request-ID`: the client's own if it is 1 to 128 letters, digits, "
        "`.`, `_`, `:` or `-`, else a new one."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
_TAGS = [
    {"name": "Responses", "description": "Make, read, rejoin and delete responses."},
    {"name": "Conversations", "description": "Keep what was said, turn by turn."},
    {"name": "Models", "description": "What can be asked for."},
    {"name": "Webhooks", "description": "Who was told that a background response has ended."},
    {"name": "Service", "description": "The gateway itself."},
]
_KEYS = {
    "Bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "`Authorization: Bearer KEY`. It wins if both headers are sent.",
    },
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


@cache
def document() -> JSON:
    """The whole document.

    Raises:
        KeyError: if a route of the table is not described.
    """
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [
            {"url": _API, "description": "The API."},
            *({"url": alias, "description": "The same, by another name."} for alias in _ALIASES),
        ],
        "security": [{name: []} for name in _KEYS],
        "tags": _TAGS,
        "paths": _paths(),
        "components": {
            "schemas": REQUEST | CONVERSATION_BODIES | ANSWERS,
            "responses": ERRORS,
            "headers": HEADERS,
            "securitySchemes": _KEYS,
        },
    }


def _paths() -> JSON:
    paths: dict[str, dict[str, JSON]] = {}
    for row in ROUTES:
        if row.path.startswith(tuple(f"{alias}/" for alias in _ALIASES)):
            continue
        path = row.path.removeprefix(_API).replace(":path}", "}")
        described = paths.setdefault(path, {})
        described[row.method.lower()] = _operation(row, path)
        if path == row.path:  # outside of the API's prefix
            described["servers"] = [{"url": "/"}]
    return paths


def _operation(row: Row, path: str) -> JSON:
    described = OPERATIONS[row.method, path]
    return described | {"security": []} if row.is_public else described
