"""A text that a simple regular expression finds: the first that comes to mind."""

import re
from math import ceil
from string import ascii_lowercase, ascii_uppercase, digits, punctuation
from warnings import catch_warnings

MAX_LENGTH = 2_000  # characters of the text
MAX_PATTERN_LENGTH = 400
MAX_DEPTH = 20  # of groups

_LETTERS = f"{ascii_lowercase}{digits}{ascii_uppercase}{punctuation} \n"
_TIMES = re.compile(r"\{(\d{1,4})(,?)\d*\}")
_OPENING = re.compile(r"\((?:\?:|\?P?<\w+>)?(?!\?)")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_NO_LETTER = frozenset(("^", "$", r"\A", r"\b", r"\B", r"\z", r"\Z"))
_NO_SIMPLE = frozenset("0123456789pPuUxkK")  # after a backslash


class NotSimple(Exception):
    """The expression has parts that are not understood here."""


def text_for(pattern: str, *, min_length: int = 0) -> str:
    """A text for the expression; parts that may come any number of times make it long enough.

    Raises:
        NotSimple: if it looks around, refers back, or asks for very much.
    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise NotSimple(pattern)
    text, longer = (_Reading(pattern, more).whole() for more in (0, 1))
    growth, lacking = len(longer) - len(text), min_length - len(text)
    if lacking <= 0 or growth <= 0:
        return text
    return _Reading(pattern, ceil(lacking / growth)).whole()


class _Reading:
    """One reading of an expression, whose endless repetitions come `more` times than they must."""

    def __init__(self, pattern: str, more: int) -> None:
        self._pattern = pattern
        self._more = more
        self._at = 0

    def whole(self) -> str:
        text = self._alternatives(0)
        if self._at < len(self._pattern):
            raise NotSimple(self._pattern)
        return text

    def _alternatives(self, depth: int) -> str:
        """The first of them; the others are read, and left."""
        texts = [self._sequence(depth)]
        while self._took("|"):
            texts.append(self._sequence(depth))
        return texts[0]

    def _sequence(self, depth: int) -> str:
        text = ""
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            atom = self._atom(depth)
            times = self._times()
            if len(text) + len(atom) * times > MAX_LENGTH:
                raise NotSimple(self._pattern)
            text += atom * times
        return text

    def _atom(self, depth: int) -> str:
        if opening := _OPENING.match(self._pattern, self._at):
            self._at = opening.end()
            text = self._alternatives(depth + 1) if depth < MAX_DEPTH else ""
            if not self._took(")"):
                raise NotSimple(self._pattern)
            return text
        letters = self._letters()
        return "" if letters in _NO_LETTER else _one_of(letters)

    def _letters(self) -> str:
        """What stands for one letter, or for none."""
        begin = self._at
        if self._pattern[begin] == "[":
            found = _CLASS.match(self._pattern, begin)
            self._at = found.end() if found else len(self._pattern)
        else:
            self._at += 2 if self._pattern[begin] == "\\" else 1
        return self._pattern[begin : self._at]

    def _times(self) -> int:
        """How often what was read comes: as seldom as it may."""
        times, is_endless = 1, False
        if self._took("*"):
            times, is_endless = 0, True
        elif self._took("+"):
            is_endless = True
        elif self._took("?"):
            times = 0
        elif counted := _TIMES.match(self._pattern, self._at):
            self._at = counted.end()
            times, is_endless = int(counted[1]), bool(counted[2])
        self._took("?")  # lazily or not: the same letters
        return times + self._more * is_endless

    def _took(self, sign: str) -> bool:
        is_there = self._pattern.startswith(sign, self._at)
        self._at += is_there
        return is_there


def _one_of(letters: str) -> str:
    """A letter that a class, an escape, a dot or a letter itself stands for."""
    if letters[0] == "\\" and letters[1:2] in _NO_SIMPLE:
        raise NotSimple(letters)
    if len(letters) == 1 and letters not in ".()[]*+?\\":
        return letters
    try:
        with catch_warnings(action="ignore"):  # of signs that may mean more some day
            expression = re.compile(letters)
    except re.error as error:
        raise NotSimple(letters) from error
    if found := next(filter(expression.fullmatch, _LETTERS), ""):
        return found
    raise NotSimple(letters)
