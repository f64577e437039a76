"""The prefix cache: what stood before a mark is remembered, and found by who begins the same."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from tests.upstreams.anthropic_checks import canonical

type JSON = Any

LETTERS_PER_TOKEN = 4
LOOKBACK_BLOCKS = 20


class PrefixCache:
    """Remembers for ever; `least_tokens` is the shortest prefix that it takes."""

    def __init__(self, least_tokens: int = 16) -> None:
        self._known: set[str] = set()
        self._least = least_tokens

    def counted(self, body: JSON) -> tuple[int, int, int]:
        """Tokens read from the cache, written to it, and neither."""
        tokens, digests, marks = 0, list[tuple[str, int]](), list[int]()
        running = sha256(body["model"].encode())
        for place, (block, is_marked) in enumerate(_blocks(body)):
            running.update(canonical(block).encode())
            tokens += _tokens(block)
            digests.append((running.hexdigest(), tokens))
            marks += [place] if is_marked and tokens >= self._least else []
        read = max((self._found(digests, mark) for mark in marks), default=0)
        written = max((digests[mark][1] for mark in marks), default=0)
        self._known |= {digests[mark][0] for mark in marks}
        return read, max(written - read, 0), tokens - max(written, read)

    def tokens_of(self, body: JSON) -> int:
        """All tokens of a request; the cache learns nothing."""
        form = body.get("output_config", {}).get("format")
        return sum(_tokens(block) for block, _ in _blocks(body)) + (_tokens(form) if form else 0)

    def _found(self, digests: list[tuple[str, int]], mark: int) -> int:
        for digest, tokens in reversed(digests[max(0, mark - LOOKBACK_BLOCKS) : mark + 1]):
            if digest in self._known:
                return tokens
        return 0


def _tokens(block: JSON) -> int:
    return len(canonical(block)) // LETTERS_PER_TOKEN + 1


def _blocks(body: JSON) -> Iterator[tuple[JSON, bool]]:
    for tool in body.get("tools") or ():
        yield tool, "cache_control" in tool
    system = body.get("system") or []
    for block in [{"text": system}] if isinstance(system, str) else system:
        yield block, "cache_control" in block
    for turn in body["messages"]:
        for block in turn["content"]:
            yield [turn["role"], block], "cache_control" in block
