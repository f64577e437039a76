"""Events as bytes: one server-sent event each (contract §4.1).

Replay is byte for byte because what was sent is what is kept: frames are encoded once, by
`frames_of`, and afterwards only cut at their blank lines.
"""

import re
from collections.abc import Sequence

from msgspec.json import Encoder

from rejoinder.schema import events
from rejoinder.schema.events import StreamEvent

HEARTBEAT = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"

_encode = Encoder().encode
_PADDING = re.compile(rb',"obfuscation":"[A-Za-z0-9]*"')
TERMINAL_HEADS = tuple(
    f"event: {kind.__struct_config__.tag}\n".encode() for kind in events.TERMINAL
)
_HEADS: dict[type, bytes] = {
    kind: f"event: {kind.__struct_config__.tag}\ndata: ".encode()
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, StreamEvent)
}


def frames_of(told: Sequence[StreamEvent]) -> list[bytes]:
    """Each event as the bytes between which a stream may be cut."""
    return [
        _relayed(event)
        if type(event) is events.Relayed
        else _HEADS[type(event)] + _encode(event) + b"\n\n"
        for event in told
    ]


def _relayed(told: events.Relayed) -> bytes:
    event = told.event | {"sequence_number": told.sequence_number}
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), _encode(event))


def split_frames(joined: bytes) -> list[bytes]:
    """Joined frames, parted again. JSON text holds no raw line ends, so a blank line parts."""
    return [frame + b"\n\n" for frame in joined.split(b"\n\n")[:-1]]


def without_padding(frame: bytes) -> bytes:
    """The frame of a delta event as it would be for a client that asked for no obfuscation."""
    is_delta = frame.partition(b"\n")[0].endswith(b".delta")
    return _PADDING.sub(b"", frame, count=1) if is_delta else frame
