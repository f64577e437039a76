"""Obfuscation: every delta is padded to a multiple of 16 characters (contract §4.1).

Who watches the encrypted stream sees lengths only, so what the padding says does not matter;
it is cut from a pool of random letters that each process makes for itself.
"""

from collections.abc import Callable
from random import SystemRandom, getrandbits
from string import ascii_letters, digits

from msgspec import UNSET, UnsetType

type Padding = Callable[[str], str | UnsetType]

_POOL = "".join(SystemRandom().choices(ascii_letters + digits, k=256 + 16))


def padded(text: str) -> str:
    """What makes `text` a multiple of 16 characters long; empty if it is one already."""
    start = getrandbits(8)
    return _POOL[start : start + (-len(text) & 15)]


def unpadded(_text: str) -> UnsetType:
    """For clients that ask for no padding: the key is left out."""
    return UNSET
