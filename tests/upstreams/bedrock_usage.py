"""Tokens as Bedrock counts them, with a cache of what stood before each cache point."""

import json
from collections.abc import Iterator
from typing import Any

type JSON = Any

LETTERS_PER_TOKEN = 4


class Cache:
    """Which beginnings of prompts were seen."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def usage(self, model: str, body: JSON, said: int) -> JSON:
        """The usage of a request; afterwards its beginnings are known."""
        *points, whole = _beginnings(body)
        known = [point for point in points if (model, point) in self._seen]
        self._seen |= {(model, point) for point in points}
        read = max(map(_tokens, known), default=0)
        written = max(map(_tokens, points), default=0) - read
        given = _tokens(whole) - read - written
        total = given + read + written + said
        usage = {"inputTokens": given, "outputTokens": said, "totalTokens": total}
        if points:
            usage |= {"cacheReadInputTokens": read, "cacheWriteInputTokens": written}
        return usage


def _beginnings(body: JSON) -> Iterator[str]:
    """All that stands before each cache point, and the whole at last."""
    parts = [
        *(body.get("toolConfig") or {}).get("tools", ()),
        "#",
        *(body.get("system") or ()),
        "#",
    ]
    for message in body["messages"]:
        parts += [message["role"], *message["content"]]
    before: list[str] = []
    for part in parts:
        if isinstance(part, dict) and "cachePoint" in part:
            yield "".join(before)
        else:
            before.append(json.dumps(part, sort_keys=True))
    yield "".join(before)


def tokens_of(body: JSON) -> int:
    """All tokens of a request."""
    *_, whole = _beginnings(body)
    return _tokens(whole)


def _tokens(text: str) -> int:
    return -(-len(text) // LETTERS_PER_TOKEN)
