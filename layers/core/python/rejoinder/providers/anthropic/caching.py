"""Where the vendor is asked to remember the beginning of a conversation.

Four marks are allowed: the end of the tools, the end of `system`, and of the last two user
turns. The next request of the conversation has the later of these as its last but one, and so
finds all before it in the cache. Source: "Prompt caching" of platform.claude.com/docs.
"""

from rejoinder.schema.items import JSON


def mark(body: dict[str, JSON], *, lasts_long: bool) -> None:
    """Put the marks into a body, whose blocks are this request's own except signed ones."""
    how = {"type": "ephemeral", "ttl": "1h"} if lasts_long else {"type": "ephemeral"}
    _mark_last(body.get("tools"), how)
    _mark_last(body.get("system"), how)
    users = [turn for turn in body["messages"] if turn["role"] == "user"]
    for turn in users[-2:]:
        _mark_last(turn["content"], how)


def _mark_last(blocks: list[JSON] | None, how: JSON) -> None:
    if blocks:
        blocks[-1] = blocks[-1] | {"cache_control": how}
