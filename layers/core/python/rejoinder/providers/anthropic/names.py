"""Ids and names as this vendor takes them: letters, digits, `_` and `-`."""

import re
from collections import Counter
from hashlib import sha256

MAX_LENGTH = 64
_STRANGE = re.compile(r"[^a-zA-Z0-9_-]")


def clean(name: str) -> str:
    """The name itself if it will do; else one made of it that no other name leads to."""
    if name and len(name) <= MAX_LENGTH and not _STRANGE.search(name):
        return name
    readable = _STRANGE.sub("_", name)[: MAX_LENGTH - 17]
    return f"{readable}_{sha256(name.encode()).hexdigest()[:16]}"


class CallIds:
    """Ids for calls, and the same for their results. Clients may count from `call_1` each turn."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._results: Counter[str] = Counter()

    def of_call(self, call_id: str) -> str:
        """The id of the next call that is called so."""
        self._calls[call_id] += 1
        return _nth(call_id, self._calls[call_id])

    def of_result(self, call_id: str) -> str:
        """The id of the call that the next result for this id answers."""
        self._results[call_id] += 1
        return _nth(call_id, self._results[call_id])


def _nth(call_id: str, n: int) -> str:
    return clean(call_id) if n == 1 else clean(f"{call_id} #{n}")
