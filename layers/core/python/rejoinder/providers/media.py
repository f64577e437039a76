"""Images and files behind URLs → data URLs, for upstreams that want to be given the bytes."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from mimetypes import guess_type
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from rejoinder.errors import InvalidRequest
from rejoinder.providers.base import Turn
from rejoinder.providers.fetching import Fetched, Fetcher
from rejoinder.schema.items import InputFile, InputPart, Item, Part

PDF = "application/pdf"
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
DATA_URL = re.compile(r"data:([^;,]*)[^,]*,", re.IGNORECASE)
MAX_NAME_LENGTH = 200

# What a file begins with: servers are wrong about media types.
_SIGNS: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"%PDF-": PDF,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What a model's server must be given as bytes; `files` are those it reads, None: it says."""

    images: bool = True
    files: frozenset[str] | None = None


async def inlined(turn: Turn, fetcher: Fetcher, wants: Wants) -> Turn:
    """The turn with what its URLs lead to in the place of the URLs.

    Raises:
        InvalidRequest: naming the URL's parameter, if it may not be followed, cannot be, or leads
            to what the server does not read.
    """
    params = _remote(turn, wants)
    if not params:
        return turn
    fetched = await fetcher.all(params)
    data = {url: _Found(url, file, params[url]) for url, file in fetched.items()}
    return replace(turn, items=[_with_data(item, data, wants) for item in turn.items])


@dataclass(frozen=True, slots=True)
class _Found:
    """A file that a URL led to, and the parameter that held the URL."""

    url: str
    file: Fetched
    param: str

    def image(self) -> str:
        """The data URL of an image."""
        if (kind := _sign_of(self.file.data)) not in IMAGES:
            raise InvalidRequest(
                f"What {self.url[:100]!r} leads to is no PNG, JPEG, GIF or WebP image.",
                code="invalid_image_format",
                param=self.param,
            )
        return self._data_url(kind)

    def part(self, given: InputFile, wants: Wants) -> InputPart:
        """The file with its bytes; an image is shown as one."""
        name = given.get("filename") or _name_of(self.url)
        kind = _sign_of(self.file.data) or self.file.media_type or guess_type(name)[0]
        if kind in IMAGES:
            return {"type": "input_image", "image_url": self._data_url(kind), "detail": "auto"}
        if wants.files is not None and kind not in wants.files:
            readable = ", ".join(sorted(wants.files))
            raise InvalidRequest(
                f"What {self.url[:100]!r} leads to is {(kind or 'of an unknown type')[:100]}; "
                f"this model's server reads images and {readable}.",
                code="unsupported_value",
                param=self.param,
            )
        return {"type": "input_file", "filename": name, "file_data": self._data_url(kind)}

    def _data_url(self, kind: str | None) -> str:
        data = b64encode(self.file.data).decode()
        return f"data:{kind or 'application/octet-stream'};base64,{data}"


def _remote(turn: Turn, wants: Wants) -> dict[str, str]:
    """Each URL to fetch, and the parameter that holds it; for those of earlier turns, `input`."""
    places = turn.request.places()
    params: dict[str, str] = {}
    for item in turn.items:
        field = "content" if item["type"] == "message" else "output"
        for number, part in enumerate(_parts(item)):
            if (link := _link(part, wants)) is not None:
                key, url = link
                place = places.get(item["id"])
                params.setdefault(url, f"{place}.{field}[{number}].{key}" if place else "input")
    return params


def _link(part: Part, wants: Wants) -> tuple[str, str] | None:
    """The key that holds a URL to fetch, and the URL."""
    if part["type"] == "input_image" and wants.images and not DATA_URL.match(part["image_url"]):
        return "image_url", part["image_url"]
    if part["type"] == "input_file" and "file_url" in part:
        return "file_url", part["file_url"]
    return None


def _parts(item: Item) -> Sequence[Part]:
    match item["type"]:
        case "message":
            return item["content"]
        case "function_call_output" | "custom_tool_call_output":
            return [] if isinstance(item["output"], str) else item["output"]
        case _:
            return []


def _with_data(item: Item, found: Mapping[str, _Found], wants: Wants) -> Item:
    match item["type"]:
        case "message":
            content = [_brought(part, found, wants) or part for part in item["content"]]
            return {**item, "content": content}
        case "function_call_output":
            return {**item, "output": _output(item["output"], found, wants)}
        case "custom_tool_call_output":
            return {**item, "output": _output(item["output"], found, wants)}
        case _:
            return item


def _output(
    output: str | list[InputPart], found: Mapping[str, _Found], wants: Wants
) -> str | list[InputPart]:
    if isinstance(output, str):
        return output
    return [_brought(part, found, wants) or part for part in output]


def _brought(part: Part, found: Mapping[str, _Found], wants: Wants) -> InputPart | None:
    """What takes the place of a part with a URL; None: it stays as it is."""
    if (link := _link(part, wants)) is None:
        return None
    one = found[link[1]]
    if part["type"] == "input_image":
        return {**part, "image_url": one.image()}
    assert part["type"] == "input_file"
    return one.part(part, wants)


def _sign_of(data: bytes) -> str | None:
    """The media type that the first bytes tell."""
    for sign, kind in _SIGNS.items():
        if data.startswith(sign):
            return kind
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _name_of(url: str) -> str:
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return name[-MAX_NAME_LENGTH:] or "file"
