"""Signed thinking: made with a key of this server's, and looked at when it comes back."""

import base64
import hmac
import json
from hashlib import sha256
from typing import Any

from tests.upstreams.anthropic_checks import Refused, canonical

type JSON = Any

KEY = b"known to this server only"


def prefix_of(body: JSON, turns: int) -> str:
    """A digest of what stands before a turn: tools, system, and so many messages."""
    before = [body.get("tools"), body.get("system"), body["messages"][:turns]]
    return sha256(canonical(before).encode()).hexdigest()


def signature(thinking: str, prefix: str) -> str:
    """Proof that this server said it, after this prefix."""
    return _sealed({"thinking": thinking, "prefix": prefix})


def redacted(thinking: str, prefix: str) -> str:
    """Thinking that nobody may read."""
    return _sealed({"redacted": thinking, "prefix": prefix})


def check_signatures(body: JSON, *, bound: bool) -> None:
    """Refuse thinking that is not as this server said it, or not where."""
    binding = body.get("thinking", {}).get("block_binding", {})
    drops = binding.get("prefix_mismatch_behavior") == "drop_block"
    for index, turn in enumerate(body["messages"]):
        for place, block in enumerate(turn["content"]):
            if block["type"] not in ("thinking", "redacted_thinking"):
                continue
            at = f"messages.{index}.content.{place}"
            prefix = _opened(block, at)["prefix"]
            if bound and not drops and prefix != prefix_of(body, index):
                raise Refused(
                    f"{at}: Invalid `signature` in `thinking` block. The block is bound to a "
                    "different conversation. Remove the block, or set "
                    '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'
                )


def _opened(block: JSON, at: str) -> JSON:
    invalid = Refused(f"{at}: Invalid `signature` in `thinking` block")
    try:
        payload = base64.b64decode(block.get("signature") or block.get("data") or "")
        said = json.loads(payload[32:])
    except ValueError:
        raise invalid from None
    is_ours = hmac.compare_digest(payload[:32], hmac.digest(KEY, payload[32:], "sha256"))
    is_whole = block["type"] == "redacted_thinking" or block["thinking"] in ("", said["thinking"])
    if not is_ours or not is_whole:
        raise invalid
    return said


def _sealed(said: JSON) -> str:
    payload = json.dumps(said, ensure_ascii=False).encode()
    return base64.b64encode(hmac.digest(KEY, payload, "sha256") + payload).decode()
