"""The content parts of messages: text, images, sound, files, refusals.

Images and files follow the guides "Images and vision" and "File inputs": only four image formats,
and only PDF files, whose bytes must look like what they are said to be.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from tests.upstreams.checks import (
    At,
    Check,
    Refusal,
    anything,
    array,
    fields,
    mapping,
    missing,
    one_of,
    string,
    tagged,
)

type JSON = Any

IMAGE_STARTS: Mapping[str, bytes] = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
TINY_PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwAD"
    "hgGAWjR9awAAAABJRU5ErkJggg=="
)
TINY_PDF = "data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK"
DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)


def _image_url(value: JSON, at: At) -> None:
    string()(value, at)
    if value.startswith(("https://", "http://")) and len(value.split("/")[2]) > 0:
        return
    if (match := DATA_URL.fullmatch(value)) is None:
        raise Refusal(
            f"Invalid '{at}'. Expected a valid URL, but got a value with an invalid format.",
            param=str(at),
            code="invalid_value",
        )
    start = IMAGE_STARTS.get(match[1].lower().replace("image/jpg", "image/jpeg"))
    if start is None:
        raise _unsupported_image()
    try:
        data = base64.b64decode(match[2], validate=True)
    except binascii.Error as error:
        raise Refusal("Invalid base64 image_url.", code="invalid_base64") from error
    if not data.startswith(tuple(IMAGE_STARTS.values())):
        raise _unsupported_image()


def _unsupported_image() -> Refusal:
    return Refusal(
        "You uploaded an unsupported image. Please make sure your image has of one the following "
        "formats: ['png', 'jpeg', 'gif', 'webp'].",
        code="invalid_image_format",
    )


def _file(value: JSON, at: At) -> None:
    known = {"file_id": string(), "file_data": string(), "filename": string(longest=256)}
    fields({}, known)(value, at)
    if "file_id" in value:
        return
    if "file_data" not in value or not value.get("filename"):
        raise missing(at.key("file_id"))
    data_at = at.key("file_data")
    match = DATA_URL.fullmatch(value["file_data"])
    if match is None or match[1] != "application/pdf" or not _is_pdf(match[2]):
        raise Refusal(
            f"Invalid file data: '{data_at}'. Expected a base64-encoded data URL with an "
            "application/pdf MIME type (e.g. 'data:application/pdf;base64,aGVsbG8='), but got "
            "something else.",
            param=str(data_at),
            code="invalid_value",
        )


def _is_pdf(encoded: str) -> bool:
    try:
        return base64.b64decode(encoded, validate=True).startswith(b"%PDF-")
    except binascii.Error:
        return False


def _base64(value: JSON, at: At) -> None:
    string(empty=False)(value, at)
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise Refusal(
            f"Invalid '{at}'. Expected base64.", param=str(at), code="invalid_value"
        ) from error


BREAKPOINT = fields({"mode": one_of("explicit")}, {"ttl": one_of("30m", "12h")})
IMAGE = fields({"url": _image_url}, {"detail": one_of("auto", "low", "high", "original")})
SOUND = fields({"data": _base64, "format": one_of("wav", "mp3")})


def _part(name: str, check: Check) -> Check:
    return fields({"type": anything, name: check}, {"prompt_cache_breakpoint": BREAKPOINT})


PARTS: Mapping[str, Check] = {
    "text": _part("text", string()),
    "image_url": _part("image_url", IMAGE),
    "input_audio": _part("input_audio", SOUND),
    "refusal": _part("refusal", string()),
    "audio": _part("audio", mapping),
    "file": _part("file", _file),
}


def parts(*kinds: str) -> Check:
    """A list of parts, of these kinds only."""

    def check(value: JSON, at: At) -> None:
        tagged(PARTS)(value, at)
        if value["type"] == "image_url" and "image_url" not in kinds:
            message = str(at).split(".")[0]
            raise Refusal(
                f"Invalid '{message}'. Image URLs are only allowed for messages with role 'user'.",
                param=message,
                code="invalid_value",
            )
        one_of(*kinds)(value["type"], at.key("type"))

    return array(check, shortest=1)
