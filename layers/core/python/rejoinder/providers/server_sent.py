"""Server-sent events as they come off the network, by the batch."""

from rejoinder.errors import Unavailable

MAX_EVENT_BYTES = 32 * 1024 * 1024


class EventDecoder:
    """Bytes cut anywhere in, `data` payloads out; those of one feed came together.

    Reads any line end, comments, fields other than `data`, and data of several lines, as the
    WHATWG HTML standard says (section "Interpreting an event stream"). A byte is looked at once,
    however many pieces its event comes in.
    """

    def __init__(self) -> None:
        self._begun = bytearray()  # of an event: nothing in it can be the end of it
        self._tail = b""  # line ends that may go on, after what has begun

    def feed(self, chunk: bytes) -> list[bytes]:
        """The payloads that are whole now.

        Raises:
            Unavailable: if one event grows beyond `MAX_EVENT_BYTES`.
        """
        text = self._tail + chunk
        self._tail = b""
        if b"\r" in text:
            if text.endswith(b"\r"):  # perhaps half of a line end
                text, self._tail = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *events, rest = text.split(b"\n\n")
        if events and self._begun:
            events[0] = bytes(self._begun + events[0])
            self._begun.clear()
        if rest.endswith(b"\n"):
            rest, self._tail = rest[:-1], b"\n" + self._tail
        if rest:
            self._begun += rest
            if len(self._begun) > MAX_EVENT_BYTES:
                raise Unavailable("The model server sent an event of more than 32 MB.")
        return [payload for event in events if (payload := _payload(event))]

    def flush(self) -> list[bytes]:
        """What a stream left behind that ended without its last blank line."""
        return self.feed(b"\n\n") if self._begun else []


def _payload(event: bytes) -> bytes:
    line = event.partition(b"\n")[2] if event.startswith(b"event: ") else event
    if line.startswith(b"data: ") and b"\n" not in line:
        return line[6:]
    if event.startswith(b"{"):
        return event  # no event, but JSON under a wrong name: an error, most likely
    lines = (line for line in event.split(b"\n") if line.startswith(b"data:"))
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines)
