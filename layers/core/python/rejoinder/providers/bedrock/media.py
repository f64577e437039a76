"""Images and files → Converse's blocks, whose bytes are base64 in JSON.

Source of the formats and of what a document's name may be: botocore's model of bedrock-runtime.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from mimetypes import guess_type
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from rejoinder.errors import InvalidRequest
from rejoinder.providers.fetching import Fetched
from rejoinder.schema.items import JSON, InputFile, InputImage, Item, Part

IMAGES: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
DOCUMENTS: Mapping[str, str] = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
EXTENSIONS = frozenset(DOCUMENTS.values())
AS_TEXT = re.compile(r"text/|application/(json|xml|yaml|toml|sql|javascript|x-sh|x-python)$")
MAX_NAME_LENGTH = 200

_SIGNS: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF8": "gif",
    b"RIFF": "webp",
}
_DATA_URL = re.compile(r"data:([^;,]*)[^,]*,", re.IGNORECASE)
_STRANGE = re.compile(r"[^A-Za-z0-9()\[\]-]+")


def remote_urls(items: list[Item]) -> Iterator[str]:
    """Where bytes must be fetched before a request can be written."""
    for item in items:
        for part in _parts(item):
            if part["type"] == "input_image" and not _DATA_URL.match(part["image_url"]):
                yield part["image_url"]
            elif part["type"] == "input_file" and "file_url" in part:
                yield part["file_url"]


def _parts(item: Item) -> list[Part]:
    match item["type"]:
        case "message":
            return item["content"]
        case "function_call_output" | "custom_tool_call_output":
            return [] if isinstance(item["output"], str) else [*item["output"]]
        case _:
            return []


class Media:
    """Writes the blocks of one request, in which no two documents may have one name."""

    def __init__(self, fetched: Mapping[str, Fetched]) -> None:
        self._fetched = fetched
        self._names: set[str] = set()

    def image(self, part: InputImage) -> JSON:
        """An image block.

        Raises:
            InvalidRequest: if it is of a kind that Converse does not take.
        """
        url = part["image_url"]
        if (head := _DATA_URL.match(url)) is not None:
            return _image(IMAGES[head[1].lower()], url[head.end() :])
        fetched = self._fetched[url]
        kind = _kind_of(fetched)
        if kind is None:
            raise InvalidRequest(
                f"What {url[:100]!r} leads to is no PNG, JPEG, GIF or WebP image.",
                code="invalid_image_format",
                param="input",
            )
        return _image(kind, b64encode(fetched.data).decode())

    def file(self, part: InputFile) -> JSON:
        """A document block, or an image block if the file is one.

        Raises:
            InvalidRequest: if it is of a kind that Converse does not take.
        """
        name = part.get("filename", "")
        if "file_data" in part:
            head = _DATA_URL.match(part["file_data"])
            media_type = head[1].lower() if head else ""
            data = part["file_data"][head.end() if head else 0 :]
        else:
            url = part.get("file_url", "")
            fetched = self._fetched[url]
            media_type, data = fetched.media_type, b64encode(fetched.data).decode()
            name = name or PurePosixPath(urlsplit(url).path).name
        if (kind := IMAGES.get(media_type)) is not None:
            return _image(kind, data)
        form = _format(name, media_type)
        return {"document": {"format": form, "name": self._named(name), "source": {"bytes": data}}}

    def _named(self, filename: str) -> str:
        """A name of letters, digits, single spaces, hyphens and brackets that is still free."""
        stem = _STRANGE.sub(" ", PurePosixPath(filename).stem).strip()
        wanted = stem[: MAX_NAME_LENGTH - 6].strip() or "document"
        name, number = wanted, 1
        while name in self._names:
            number += 1
            name = f"{wanted} ({number})"
        self._names.add(name)
        return name


def _image(kind: str, data: str) -> JSON:
    return {"image": {"format": kind, "source": {"bytes": data}}}


def _kind_of(fetched: Fetched) -> str | None:
    """By the first bytes: servers are wrong about media types."""
    for sign, kind in _SIGNS.items():
        if fetched.data.startswith(sign):
            return kind if kind != "webp" or fetched.data[8:12] == b"WEBP" else None
    return None


def _format(name: str, media_type: str) -> str:
    extension = PurePosixPath(name).suffix.lower().removeprefix(".")
    if extension in EXTENSIONS:
        return extension
    guessed = media_type or guess_type(name)[0] or "text/plain"
    if guessed in DOCUMENTS:
        return DOCUMENTS[guessed]
    if AS_TEXT.match(guessed):
        return "txt"
    raise InvalidRequest(
        f"This model reads pdf, csv, doc, docx, xls, xlsx, html, txt and md; {name!r} is "
        f"{guessed}.",
        code="unsupported_value",
        param="input",
    )
