"""Whether the arguments of a call are one whole JSON object."""

import re
from collections.abc import Sequence

from msgspec import DecodeError
from msgspec.json import decode

WHITE_SPACE = " \t\n\r"  # JSON's

_MARKS = re.compile(r'\\.?|["{}]', re.DOTALL)


def is_whole_object(arguments: str) -> bool:
    """Whether this is one whole JSON object."""
    try:
        return isinstance(decode(arguments), dict)
    except (DecodeError, RecursionError):
        return False


class ObjectWatch:
    """Tells the same of text in fragments; it looks at each once, and decodes the whole once.

    An object can be whole only when all its braces are closed, but for those within strings; after
    that only white space may follow.
    """

    def __init__(self) -> None:
        self._seen = 0  # fragments
        self._depth = 0
        self._is_in_string = False
        self._is_escaped = False  # what comes next
        self._verdict: bool | None = None  # None: something is open, or nothing has begun

    def is_whole(self, fragments: Sequence[str]) -> bool:
        """Whether the fragments, which are those of the last time and more, are one together."""
        while self._seen < len(fragments):
            fragment = fragments[self._seen]
            self._seen += 1
            if self._verdict is not None:
                self._verdict = self._verdict and not fragment.strip(WHITE_SPACE)
            elif self._closes(fragment):
                self._verdict = is_whole_object("".join(fragments[: self._seen]))
        return self._verdict is True

    def _closes(self, fragment: str) -> bool:
        """Whether the last open brace is closed in it."""
        for mark in _MARKS.findall("\\" + fragment if self._is_escaped else fragment):
            self._is_escaped = mark == "\\"
            if mark == '"':
                self._is_in_string = not self._is_in_string
            elif mark == "{" and not self._is_in_string:
                self._depth += 1
            elif mark == "}" and not self._is_in_string:
                self._depth -= 1
                if self._depth <= 0:
                    return True
        return False
