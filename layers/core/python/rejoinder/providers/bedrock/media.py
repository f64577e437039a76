"""Images and files → Converse's blocks, whose bytes are base64 in JSON.

Source of the formats and of what a document's name may be: botocore's model of bedrock-runtime.
"""

import re
from collections.abc import Mapping
from mimetypes import guess_type
from pathlib import PurePosixPath

from rejoinder.errors import InvalidRequest
from rejoinder.providers.media import DATA_URL
from rejoinder.schema.items import JSON, InputFile, InputImage

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

_STRANGE = re.compile(r"[^A-Za-z0-9()\[\]-]+")


class Media:
    """Writes the blocks of one request, in which no two documents may have one name."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def image(self, part: InputImage) -> JSON:
        """An image block."""
        head = DATA_URL.match(part["image_url"])
        assert head is not None, "remote images were fetched before"
        return _image(IMAGES[head[1].lower()], part["image_url"][head.end() :])

    def file(self, part: InputFile) -> JSON:
        """A document block, or an image block if the file is one.

        Raises:
            InvalidRequest: if it is of a kind that Converse does not take.
        """
        name, data = part.get("filename", ""), part.get("file_data", "")
        head = DATA_URL.match(data)
        media_type, data = (head[1].lower(), data[head.end() :]) if head else ("", data)
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
