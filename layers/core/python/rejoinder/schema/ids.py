"""Ids: a prefix that tells the kind, and 128 random bits that tell nothing else."""

import re
from secrets import token_hex
from typing import Literal

type Prefix = Literal[
    "resp", "conv", "msg", "fc", "ctc", "rs", "fco", "ctco", "cmp", "call", "req", "item"
]

_FOREIGN_ID = re.compile(r"([a-z]{1,16})_.*", re.DOTALL)
_RESPONSE_ID = re.compile(r"resp_[A-Za-z0-9_-]{1,59}")


def new_id(prefix: Prefix) -> str:
    """A new id such as `resp_9f…`: at most 64 characters of `[A-Za-z0-9_]` (contract §2.3)."""
    return f"{prefix}_{token_hex(16)}"


def renewed_id(foreign: str) -> str:
    """A new id of ours with the prefix of another's."""
    found = _FOREIGN_ID.fullmatch(foreign)
    return f"{found[1] if found else 'item'}_{token_hex(16)}"


def is_response_id(text: str) -> bool:
    """Whether `text` has the form of a response id; it need not exist."""
    return _RESPONSE_ID.fullmatch(text) is not None
