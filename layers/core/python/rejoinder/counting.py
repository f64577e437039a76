"""How many tokens a turn gives to its model: counted by its service, else estimated.

The estimate is for planning, not for bills. Latin letters count a quarter of a token each, other
characters a whole one (four bytes of JSON, or one sign of Chinese); each item costs four more; an
image costs 765, or 85 in low detail, as OpenAI's older models count one of a million pixels; a
file that is not text costs one token for every 32 bytes, about a page of PDF for 50 KB.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from math import ceil

from msgspec.json import encode

from rejoinder.providers.base import Counter, Provider, Turn
from rejoinder.providers.deferred import loaded
from rejoinder.schema.items import JSON, Item, Part

LETTERS_PER_TOKEN = 4
TOKENS_PER_ITEM = 4
TOKENS_PER_IMAGE, TOKENS_PER_SMALL_IMAGE = 765, 85
FILE_BYTES_PER_TOKEN = 32

_TEXT_URL = re.compile(r"data:text/[^,]*,", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Count:
    """A number of tokens, and whether the model's own service counted them."""

    tokens: int
    is_exact: bool


async def count(provider: Provider, turn: Turn) -> Count:
    """The tokens of a turn's input.

    Raises:
        GatewayError: as for asking the model.
    """
    counter = loaded(provider)
    if isinstance(counter, Counter):
        tokens = await counter.count(turn)
        if tokens is not None:
            return Count(tokens, is_exact=True)
    return Count(estimated(turn), is_exact=False)


def estimated(turn: Turn) -> int:
    """About how many tokens a turn's input has."""
    request = turn.request
    offered = [*turn.tools.functions, *_form(request.text["format"])]
    tokens = _of_text(request.instructions or "") + sum(map(_of_json, offered))
    return ceil(tokens + sum(map(_of_item, turn.items)))


def _form(wanted: dict[str, JSON]) -> list[JSON]:
    return [wanted] if wanted["type"] == "json_schema" else []


def _of_item(item: Item) -> float:
    match item["type"]:
        case "message":
            told = sum(map(_of_part, item["content"]))
        case "function_call_output" | "custom_tool_call_output":
            output = item["output"]
            told = _of_text(output) if isinstance(output, str) else sum(map(_of_part, output))
        case "function_call":
            told = _of_text(item["name"]) + _of_text(item["arguments"])
        case "custom_tool_call":
            told = _of_text(item["name"]) + _of_text(item["input"])
        case "reasoning":
            told = sum(_of_text(part["text"]) for part in item.get("content") or item["summary"])
        case "compaction":  # of a vendor's own service
            told = _of_text(item["encrypted_content"])
    return TOKENS_PER_ITEM + told


def _of_part(part: Part) -> float:
    match part["type"]:
        case "input_image":
            return TOKENS_PER_SMALL_IMAGE if part["detail"] == "low" else TOKENS_PER_IMAGE
        case "input_file":
            return _of_file(part.get("file_data", ""))
        case "refusal":
            return _of_text(part["refusal"])
        case _:
            return _of_text(part["text"])


def _of_file(data: str) -> float:
    if (head := _TEXT_URL.match(data)) is not None:
        try:
            return _of_text(b64decode(data[head.end() :]).decode())
        except (NotBase64, UnicodeDecodeError):
            pass
    return len(data) * 3 / 4 / FILE_BYTES_PER_TOKEN


def _of_json(value: JSON) -> float:
    return _of_text(encode(value).decode())


def _of_text(text: str) -> float:
    letters = len(text.encode("ascii", "ignore"))
    return letters / LETTERS_PER_TOKEN + (len(text) - letters)
