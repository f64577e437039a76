"""The OpenAPI document of this API."""

from rejoinder.schema.items import JSON


def document() -> JSON:
    """The whole document."""
    return {"openapi": "3.1.0"}
