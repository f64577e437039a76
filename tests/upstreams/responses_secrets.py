"""Encrypted thinking as OpenAI gives it: opaque, bound to its item, refused when altered."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from hashlib import sha256
from secrets import token_bytes

PREFIX = "gAAAAA"
DIGEST_BYTES = 32
FOLDED = "compaction"  # what a compacted conversation is bound to, for its item needs no id


class Locksmith:
    """Makes and knows the blobs of one account; `rekey` makes it forget all earlier ones."""

    def __init__(self) -> None:
        self._key = token_bytes(32)

    def rekey(self) -> None:
        """As when the account changed, or the blobs expired."""
        self._key = token_bytes(32)

    def lock(self, item_id: str) -> str:
        """The encrypted content of this item."""
        nonce = token_bytes(24)
        blob = self._digest(item_id, nonce) + nonce
        return PREFIX + urlsafe_b64encode(blob).decode()

    def fits(self, item_id: str, blob: str) -> bool:
        """Whether this blob was made here, for this item, and is unaltered."""
        try:
            raw = urlsafe_b64decode(blob.removeprefix(PREFIX))
        except (NotBase64, ValueError):
            return False
        digest, nonce = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
        return blob.startswith(PREFIX) and hmac.compare_digest(digest, self._digest(item_id, nonce))

    def _digest(self, item_id: str, nonce: bytes) -> bytes:
        return hmac.digest(self._key, item_id.encode() + nonce, sha256)
