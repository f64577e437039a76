"""Who is calling: a key in either header, known by its digest only."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol

from starlette.requests import Request

from rejoinder.errors import Unauthorized


class Keys(Protocol):
    """Knows whose a key is."""

    async def tenant_of_key(self, key: str) -> str | None:
        """The tenant to whom a key belongs; None if it is unknown, or no longer active."""
        ...


def digest_of(key: str) -> str:
    """How a key is kept."""
    return sha256(key.encode()).hexdigest()


class KeyRing:
    """The keys of one machine: digest → tenant."""

    def __init__(self, tenants: Mapping[str, str]) -> None:
        self._tenants = dict(tenants)

    async def tenant_of_key(self, key: str) -> str | None:
        return self._tenants.get(digest_of(key))


async def tenant_of(request: Request, keys: Keys) -> str:
    """The tenant whose key the request carries; a Bearer key wins over `X-API-Key`.

    Raises:
        Unauthorized: if there is no key, or it is unknown.
    """
    key = _key_of(request)
    if not key:
        raise Unauthorized(_why_no_key(request), code="authentication_required")
    tenant = await keys.tenant_of_key(key)
    if tenant is None:
        raise Unauthorized("This API key is not known here, or no longer active.")
    return tenant


def _key_of(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("x-api-key", "").strip()


def _why_no_key(request: Request) -> str:
    if request.headers.get("authorization", "").strip().lower() not in ("", "bearer"):
        return (
            "The Authorization header does not begin with 'Bearer'; write "
            "'Authorization: Bearer KEY'."
        )
    return "No API key was sent; send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'."
