"""Who is calling: a key in either header, known by its digest only."""

from collections.abc import Mapping
from hashlib import sha256

from starlette.requests import Request

from rejoinder.errors import Unauthorized


def digest_of(key: str) -> str:
    """How a key is kept."""
    return sha256(key.encode()).hexdigest()


class KeyRing:
    """The keys of this deployment: digest → tenant."""

    def __init__(self, tenants: Mapping[str, str]) -> None:
        self._tenants = dict(tenants)

    def tenant_of(self, request: Request) -> str:
        """The tenant whose key the request carries; a Bearer key wins over `X-API-Key`.

        Raises:
            Unauthorized: if there is no key, or it is unknown.
        """
        key = _key_of(request)
        if not key:
            raise Unauthorized(
                "No API key was sent; send it as 'Authorization: Bearer …' or 'X-API-Key: …'.",
                code="authentication_required",
            )
        tenant = self._tenants.get(digest_of(key))
        if tenant is None:
            raise Unauthorized("This API key is not known here, or no longer active.")
        return tenant


def _key_of(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("x-api-key", "").strip()
