"""What went wrong, as Lambda wants to be told, and as one line of the log."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from traceback import extract_tb
from typing import Self

MAX_FRAMES = 50
MAX_MESSAGE_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as the Runtime API takes it. Its message may quote a request: it is never logged."""

    type: str  # Lambda takes "Runtime." and letters; of anything else it makes Runtime.Unknown
    message: str
    stack: list[str]

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """The failure that an exception is, with the exceptions that led to it."""
        letters = "".join(filter(str.isascii, filter(str.isalpha, type(error).__name__)))
        message = str(error)[:MAX_MESSAGE_CHARACTERS]
        named = f"Runtime.{letters[:1].upper()}{letters[1:]}"
        return cls(named, message, list(_stack(error))[-MAX_FRAMES:])

    def named(self, type: str) -> Self:
        """The same failure under another name."""
        return replace(self, type=type)

    @property
    def body(self) -> bytes:
        """The JSON of an error document; only ASCII, so that it may stand in a header."""
        document = {
            "errorType": self.type,
            "errorMessage": self.message,
            "stackTrace": self.stack,
        }
        return json.dumps(document).encode()


def log(message: str, **fields: object) -> None:
    """Write one line of JSON, in the words of Lambda's own JSON log format."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"timestamp": moment, "level": "ERROR", "message": message, **fields}
    print(json.dumps(line), flush=True)  # noqa: T201 - standard output is the log


def log_failure(message: str, failure: Failure, **fields: object) -> None:
    """Write a failure: where it happened, but not what its exception said."""
    log(message, errorType=failure.type, stackTrace=failure.stack, **fields)


def _stack(error: BaseException) -> Iterator[str]:
    """Frames with the outermost cause first; those of a group one member after the other."""
    led_here = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if led_here is not None:
        yield from _stack(led_here)
    for frame in extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno} in {frame.name}"
    yield type(error).__name__
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _stack(member)
