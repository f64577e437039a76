"""Content made small: what is written is paid for by the kilobyte.

A response tells the same text and the same tools several times, perhaps far apart. Of three
echoes of 54 KB zlib, which looks back 32 KB, makes 57 KB in 13 ms, xz 22 KB in 8 ms; of 5 MB of
base64 xz makes nothing less than zlib, in five times the time.
"""

import zlib
from lzma import FORMAT_XZ, LZMADecompressor, compress

ZLIB_WINDOW = 32 * 1024
MAX_XZ = 1024 * 1024
XZ_HEAD = b"\xfd7zXZ\x00"


def packed(content: bytes) -> bytes:
    """The content, compressed."""
    if ZLIB_WINDOW < len(content) <= MAX_XZ:
        return compress(content, format=FORMAT_XZ, preset=0)
    return zlib.compress(content, 1 if len(content) > MAX_XZ else 6)


def unpacked(content: bytes, *, limit: int = 0) -> bytes:
    """What was packed, or only its first `limit` bytes."""
    if content.startswith(XZ_HEAD):
        return LZMADecompressor().decompress(content, limit or -1)
    return zlib.decompressobj().decompress(content, limit)
