"""`application/vnd.amazon.eventstream` as it comes off the network, by the batch.

A message is: its length, the length of its headers and a CRC of these two; headers; payload;
a CRC of all before. Source: Smithy 2.0, "Amazon Event Stream" specification. Botocore's parser
reads the same at seven times the cost per message: docs/decisions/0005-bedrock-over-httpx.md.
"""

from collections.abc import Mapping
from functools import lru_cache
from struct import Struct, error
from typing import NamedTuple
from zlib import crc32

from rejoinder.errors import Unavailable

MAX_MESSAGE_BYTES = 24 * 1024 * 1024  # the specification's limit is 16 MB of payload
PRELUDE_BYTES, CRC_BYTES = 12, 4
STRING = 7  # the only type of header that Bedrock uses

_PRELUDE = Struct(">III").unpack_from
_LENGTH = Struct(">I").unpack_from
_SHORT = Struct(">H").unpack_from
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # by type of header


class Frame(NamedTuple):
    """One message; `kind` is that of the event, or of the exception."""

    kind: str
    is_exception: bool
    payload: bytes


class FrameDecoder:
    """Bytes cut anywhere in, messages out; those of one feed came together.

    A byte is looked at once, however many pieces its message comes in.
    """

    def __init__(self) -> None:
        self.failure: Unavailable | None = None  # after a wrong checksum; nothing can follow
        self._begun = bytearray()  # of a message
        self._needed_bytes = 0  # before there is anything to be seen in it

    def feed(self, chunk: bytes) -> list[Frame]:
        """The messages that are whole now, up to the first that is damaged."""
        if self._begun:
            self._begun += chunk
            if len(self._begun) < self._needed_bytes:
                return []
            chunk = bytes(self._begun)
            self._begun.clear()
        frames: list[Frame] = []
        start = 0
        try:
            while len(chunk) >= (end := start + _length(chunk, start)):
                frames.append(_frame(chunk, start, end))
                start = end
            self._needed_bytes = end - start
        except Unavailable as failure:
            self.failure = failure
        self._begun += chunk[start:]
        return frames


def _length(buffer: bytes, start: int) -> int:
    """The bytes of the message that begins here; while that is not known, those of its prelude."""
    if len(buffer) - start < PRELUDE_BYTES:
        return PRELUDE_BYTES
    length, _, prelude_crc = _PRELUDE(buffer, start)
    is_sound = crc32(buffer[start : start + 8]) == prelude_crc
    if not is_sound or not PRELUDE_BYTES + CRC_BYTES <= length <= MAX_MESSAGE_BYTES:
        raise _broken()
    return int(length)


def _frame(buffer: bytes, start: int, end: int) -> Frame:
    if crc32(buffer[start : end - CRC_BYTES]) != _LENGTH(buffer, end - CRC_BYTES)[0]:
        raise _broken()
    head_end = start + PRELUDE_BYTES + _LENGTH(buffer, start + 4)[0]
    kind, is_exception = _meaning(buffer[start + PRELUDE_BYTES : head_end])
    return Frame(kind, is_exception, buffer[head_end : end - CRC_BYTES])


@lru_cache(maxsize=64)
def _meaning(head: bytes) -> tuple[str, bool]:
    """What the headers say. There are a dozen different ones, so each is read once."""
    try:
        headers = _headers(head)
    except (IndexError, KeyError, error, UnicodeDecodeError):
        raise _broken() from None
    match headers.get(":message-type"):
        case "exception":
            return headers.get(":exception-type", ""), True
        case "error":
            return headers.get(":error-code", ""), True
        case _:
            return headers.get(":event-type", ""), False


def _headers(head: bytes) -> Mapping[str, str]:
    """Those that are strings; the others are stepped over."""
    headers: dict[str, str] = {}
    at = 0
    while at < len(head):
        name_end = at + 1 + head[at]
        name, kind, at = head[at + 1 : name_end].decode(), head[name_end], name_end + 1
        if kind in _FIXED_BYTES:
            at += _FIXED_BYTES[kind]
            continue
        value_end = at + 2 + _SHORT(head, at)[0]
        if kind == STRING:
            headers[name] = head[at + 2 : value_end].decode()
        at = value_end
    return headers


def _broken() -> Unavailable:
    return Unavailable("What the model server sent arrived damaged.")
