"""Messages of `application/vnd.amazon.eventstream`, with their checksums."""

import json
import struct
from typing import Any
from zlib import crc32

type JSON = Any

STRING = 7


def event(kind: str, told: JSON) -> bytes:
    """An event of the stream."""
    return message({":event-type": kind, ":message-type": "event"}, told)


def exception(kind: str, text: str) -> bytes:
    """A modelled exception, as a member of the stream."""
    return message({":exception-type": kind, ":message-type": "exception"}, {"message": text})


def message(headers: dict[str, str], told: JSON) -> bytes:
    """Any message with a JSON payload."""
    payload = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    written = {":content-type": "application/json", **headers}
    head = b"".join(_header(name, value) for name, value in written.items())
    prelude = struct.pack(">II", 12 + len(head) + len(payload) + 4, len(head))
    whole = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return whole + struct.pack(">I", crc32(whole))


def _header(name: str, value: str) -> bytes:
    text = value.encode()
    return bytes([len(name)]) + name.encode() + struct.pack(">BH", STRING, len(text)) + text
