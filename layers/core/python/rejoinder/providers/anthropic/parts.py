"""Content parts → content blocks."""

import re
from base64 import b64decode
from mimetypes import guess_type

from rejoinder.errors import InvalidRequest
from rejoinder.schema.items import JSON, InputFile, Part

IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
PDF = "application/pdf"
TEXTS = frozenset(
    {
        "application/json",
        "application/xml",
        "application/yaml",
        "application/toml",
        "application/sql",
        "application/javascript",
        "application/x-sh",
        "application/x-python",
    }
)
_DATA_URL = re.compile(r"data:([^;,]*)[^,]*,", re.IGNORECASE)


def blocks_of(parts: list[Part]) -> list[JSON]:
    """The blocks that say the same; texts that say nothing are left out, as the API insists.

    Raises:
        InvalidRequest: if a file is neither a PDF nor a text nor an image.
    """
    return [block for part in parts for block in _blocks(part)]


def text_blocks(text: str) -> list[JSON]:
    """A text as a block, if there is any."""
    return [{"type": "text", "text": text}] if text.strip() else []


def _blocks(part: Part) -> list[JSON]:
    match part["type"]:
        case "input_image":
            return [_image(part["image_url"])]
        case "input_file":
            return [_file(part)]
        case "refusal":
            return text_blocks(part["refusal"])
        case _:
            return text_blocks(part["text"])


def _image(url: str) -> JSON:
    if (head := _DATA_URL.match(url)) is None:
        return {"type": "image", "source": {"type": "url", "url": url}}
    return _pixels(head[1].lower(), url[head.end() :])


def _pixels(media_type: str, data: str) -> JSON:
    kind = "image/jpeg" if media_type == "image/jpg" else media_type
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def _file(part: InputFile) -> JSON:
    name = part.get("filename", "")
    titled = {"title": name} if name else {}
    if "file_data" not in part:
        source = {"type": "url", "url": part.get("file_url", "")}
        return {"type": "document", "source": source, **titled}
    head = _DATA_URL.match(part["file_data"])
    data = part["file_data"][head.end() :] if head else part["file_data"]
    media_type = (head[1].lower() if head else "") or guess_type(name)[0] or "text/plain"
    if media_type in IMAGES or media_type == "image/jpg":
        return _pixels(media_type, data)
    return {"type": "document", "source": _source(media_type, data, name), **titled}


def _source(media_type: str, data: str, name: str) -> JSON:
    if media_type == PDF:
        return {"type": "base64", "media_type": PDF, "data": data}
    if media_type in TEXTS or media_type.startswith("text/"):
        try:
            text = b64decode(data).decode()
        except ValueError as error:
            raise _unreadable(f"{name!r} is said to be text, but is not UTF-8") from error
        return {"type": "text", "media_type": "text/plain", "data": text}
    raise _unreadable(f"This model reads PDF and text files and images; {name!r} is {media_type}")


def _unreadable(what: str) -> InvalidRequest:
    return InvalidRequest(f"{what}.", code="unsupported_value", param="input")
