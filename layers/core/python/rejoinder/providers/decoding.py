"""Decoders for what upstreams send, which bear half a character.

Servers that cut text between UTF-16 units escape the halves, each alone. That is JSON and yet no
text: UTF-8 cannot say it. Half a character is read as U+FFFD; the reply goes on.
"""

import re
from collections.abc import Callable

from msgspec import DecodeError

_ESCAPES = re.compile(
    rb"\\\\"  # a backslash: what follows it is no escape
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # both halves
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # one half
)


def bearing_halves[T](decode: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """The same decoder; only what it refuses is looked at twice."""

    def decoded(payload: bytes) -> T:
        try:
            return decode(payload)
        except DecodeError:
            if b"\\u" not in payload:
                raise
            return decode(_ESCAPES.sub(_mended, payload))

    return decoded


def _mended(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape[1] else escape[0]
