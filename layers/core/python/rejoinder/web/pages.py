"""Pages in browsers that may ask: a browser asks first, and wants to be told which."""

from collections.abc import Sequence

from starlette.types import ASGIApp

# What a page may read of an answer, beside the few headers that every page may.
EXPOSED = (
    "retry-after",
    "x-ignored-parameters",
    "x-ignored-tools",
    "x-request-id",
    "x-token-count",
    "x-upstream-model",
)


def open_to_pages(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The application for pages of these origins, too; `*` is all."""
    if not origins:
        return app
    from starlette.middleware.cors import CORSMiddleware  # few want it

    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=EXPOSED,
    )
