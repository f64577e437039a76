"""Content blocks, in the turns of either role."""

import base64
import binascii
from typing import Any

from tests.upstreams.anthropic_checks import (
    Check,
    array,
    boolean,
    fields,
    mapping,
    matching,
    one_of,
    refuse_unless,
    string,
    tagged,
)

type JSON = Any

TOOL_ID = matching("[a-zA-Z0-9_-]+")
TOOL_NAME = matching("[a-zA-Z0-9_-]{1,128}")
CACHE_CONTROL = fields({"type": one_of("ephemeral")}, {"ttl": one_of("5m", "1h")})
MARK = {"cache_control": CACHE_CONTROL}
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")


def constant(value: JSON, at: str) -> None:
    """The tag, which was looked at already."""


def _text(value: JSON, at: str) -> None:
    string(value, at)
    refuse_unless(value, "messages: text content blocks must be non-empty")
    say = "messages: text content blocks must contain non-whitespace text"
    refuse_unless(value.strip(), say)


def _base64(value: JSON, at: str) -> None:
    string(value, at)
    try:
        refuse_unless(base64.b64decode(value, validate=True), f"{at}: data is empty")
    except binascii.Error:
        refuse_unless(False, f"{at}: invalid base64 data")


def _url(value: JSON, at: str) -> None:
    string(value, at)
    refuse_unless(value.startswith("https://"), f"{at}: Only HTTPS URLs are supported.")


TEXT = fields({"type": constant, "text": _text}, {**MARK, "citations": array(mapping)})
IMAGE = fields(
    {
        "type": constant,
        "source": tagged(
            {
                "base64": fields(
                    {"type": constant, "media_type": one_of(*IMAGE_TYPES), "data": _base64}
                ),
                "url": fields({"type": constant, "url": _url}),
            }
        ),
    },
    MARK,
)
DOCUMENT = fields(
    {
        "type": constant,
        "source": tagged(
            {
                "base64": fields(
                    {"type": constant, "media_type": one_of("application/pdf"), "data": _base64}
                ),
                "text": fields(
                    {"type": constant, "media_type": one_of("text/plain"), "data": string}
                ),
                "url": fields({"type": constant, "url": _url}),
            }
        ),
    },
    {**MARK, "title": string, "context": string, "citations": mapping},
)
SHOWN = {"text": TEXT, "image": IMAGE, "document": DOCUMENT}


def string_or(blocks: Check) -> Check:
    def check(value: JSON, at: str) -> None:
        (string if isinstance(value, str) else blocks)(value, at)

    return check


RESULT = fields(
    {"type": constant, "tool_use_id": TOOL_ID},
    {**MARK, "content": string_or(array(tagged(SHOWN))), "is_error": boolean},
)
CALL = fields({"type": constant, "id": TOOL_ID, "name": TOOL_NAME, "input": mapping}, MARK)
THINKING = fields({"type": constant, "thinking": string, "signature": string})
REDACTED = fields({"type": constant, "data": string})
OF_ROLE = {
    "user": array(tagged({**SHOWN, "tool_result": RESULT})),
    "assistant": array(
        tagged(
            {"text": TEXT, "tool_use": CALL, "thinking": THINKING, "redacted_thinking": REDACTED}
        )
    ),
}
SYSTEM = array(tagged({"text": TEXT}))
