"""Sealed secrets: what upstreams signed, in the hands of clients who cannot read or change it.

Form: `gw1.` and base64url of key id (4 bytes), nonce (24) and XChaCha20-Poly1305 ciphertext; the
tenant is associated data, so that a blob opens only for whom it was made (contract §9.5). Nonces
are random, and so long that no number of blobs makes two alike. Why libsodium: decision 0013.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.json import decode, encode

from rejoinder.errors import InvalidRequest
from rejoinder.schema.items import JSON

if TYPE_CHECKING:
    from nacl.secret import Aead

PREFIX = "gw1."
CIPHER = b"XChaCha20-Poly1305"
KEY_BYTES, KEY_ID_BYTES = 32, 4


class Secret(Struct, frozen=True):
    """What one dialect wants back; meaningless to every other."""

    dialect: str
    content: JSON


class Sealer:
    """Seals and opens with the deployment's key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._key_id = sha256(CIPHER + key).digest()[:KEY_ID_BYTES]

    @cached_property
    def _cipher(self) -> "Aead":
        """Loaded when first needed: only conversations with signed thinking do."""
        from nacl.secret import Aead

        return Aead(self._key)

    def seal(self, tenant: str, secret: Secret) -> str:
        """The secret as text for this tenant."""
        sealed = self._cipher.encrypt(encode(secret), tenant.encode())
        return PREFIX + urlsafe_b64encode(self._key_id + sealed).decode()

    def open(self, tenant: str, text: str) -> Secret | None:
        """The secret in a text; None if it was not sealed here: such are no use to us.

        Raises:
            InvalidRequest: if it was, but for another tenant, or was altered since.
        """
        if not text.startswith(PREFIX):
            return None
        try:
            raw = urlsafe_b64decode(text.removeprefix(PREFIX))
        except (NotBase64, ValueError) as error:
            raise _altered() from error
        if raw[:KEY_ID_BYTES] != self._key_id:
            return None
        from nacl.exceptions import CryptoError

        try:
            opened = self._cipher.decrypt(raw[KEY_ID_BYTES:], tenant.encode())
            return decode(opened, type=Secret)
        except (CryptoError, ValueError) as error:
            raise _altered() from error


def _altered() -> InvalidRequest:
    return InvalidRequest(
        "An 'encrypted_content' was altered; send reasoning items back exactly as they came, or "
        "leave them out.",
        code="invalid_value",
        param="input",
    )
