"""Decoders for what upstreams send, which bear half a character.

Servers that cut text between UTF-16 units escape the halves, each alone. That is JSON and yet no
text: UTF-8 cannot say it. Half a character is read as U+FFFD; the reply goes on.
"""

import re
from collections.abc import Callable

from msgspec import DecodeError
from msgspec.json import decode

from rejoinder.errors import Unavailable
from rejoinder.schema.items import JSON

MOST_TOKENS = 2**53  # what JavaScript can still count

_ESCAPES = re.compile(
    rb"\\\\"  # a backslash: what follows it is no escape
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # both halves
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # one half
)


def bearing_halves[T](decoder: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """The same decoder; only what it refuses is looked at twice."""

    def decoded(payload: bytes) -> T:
        try:
            return decoder(payload)
        except DecodeError:
            if b"\\u" not in payload:
                raise
            return decoder(_ESCAPES.sub(_mended, payload))

    return decoded


def counted(reply: bytes, name: str = "input_tokens") -> int:
    """The number of that name in a reply that tells a count.

    Raises:
        Unavailable: if there is none.
    """
    try:
        told: JSON = decode(reply)
    except (DecodeError, UnicodeDecodeError):
        told = None
    if (count := count_in(told, name)) is None:
        raise Unavailable("The model server answered with something that is no count of tokens.")
    return count


def count_in(told: JSON, name: str) -> int | None:
    """The count of that name in what should be an object; None where nothing makes sense."""
    count = told.get(name) if isinstance(told, dict) else None
    return count if type(count) is int and 0 <= count <= MOST_TOKENS else None


def object_in(told: JSON, name: str) -> JSON:
    """What that name stands for in what should be an object; None where there is nothing."""
    return told.get(name) if isinstance(told, dict) else None


def _mended(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape[1] else escape[0]
