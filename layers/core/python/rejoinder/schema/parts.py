"""Content parts as clients send them → those of `schema.items`. Contract §2.2."""

import re
from typing import Annotated, Literal, NotRequired, TypedDict

from pydantic import AfterValidator, Field

from rejoinder.schema.items import JSON, InputFile, InputImage, InputText, OutputText, Refusal
from rejoinder.schema.reading import MAX_TEXT, OneOf, listed, missing, refusal, shown, wrong_value

MAX_IMAGE = 20_971_520  # characters of a URL
MAX_FILE = 73_400_320
IMAGE_TYPES = ("image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp")

_DATA_URL = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),", re.ASCII | re.IGNORECASE)
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

Text = Annotated[str, Field(max_length=MAX_TEXT)]


class _Text(TypedDict):
    text: Text


class _Image(TypedDict):
    image_url: NotRequired[Annotated[str, Field(max_length=MAX_IMAGE)] | None]
    file_id: NotRequired[str | None]
    detail: NotRequired[Literal["low", "high", "auto", "original"] | None]


class _File(TypedDict):
    filename: NotRequired[str | None]
    file_data: NotRequired[Annotated[str, Field(max_length=MAX_FILE)] | None]
    file_url: NotRequired[Annotated[str, Field(max_length=MAX_IMAGE)] | None]
    file_id: NotRequired[str | None]


class _OutputText(_Text):
    annotations: NotRequired[list[JSON] | None]
    logprobs: NotRequired[list[JSON] | None]


class _Refusal(TypedDict):
    refusal: Text


def input_text(text: str) -> InputText:
    """Text from a client."""
    return {"type": "input_text", "text": text}


def output_text(text: str) -> OutputText:
    """Text from a model, of which nothing else is known."""
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _input_text(part: _Text) -> InputText:
    return {"type": "input_text", "text": part["text"]}


def _said_text(part: _Text) -> OutputText:
    return output_text(part["text"])


def _output_text(part: _OutputText) -> OutputText:
    return {
        "type": "output_text",
        "annotations": part.get("annotations") or [],
        "logprobs": part.get("logprobs") or [],
        "text": part["text"],
    }


def _refusal(part: _Refusal) -> Refusal:
    return {"type": "refusal", "refusal": part["refusal"]}


def _image(part: _Image) -> InputImage:
    _only_one_of(part, "image_url", "file_id")
    url = part.get("image_url")
    if url is None:
        raise refusal("unsupported_value", "needs a file store; send 'image_url'.", at="file_id")
    _check_image_url(url)
    return {"type": "input_image", "image_url": url, "detail": part.get("detail") or "auto"}


def _file(part: _File) -> InputFile:
    _only_one_of(part, "file_data", "file_url", "file_id")
    file: InputFile = {"type": "input_file"}
    if name := part.get("filename"):
        file["filename"] = name
    if (data := part.get("file_data")) is not None:
        if not name:
            raise missing("is required with 'file_data'.", at="filename")
        if not is_base64(data.partition(",")[2] if data[:5].lower() == "data:" else data):
            raise wrong_value("base64, or a data URL with base64", data, at="file_data")
        return file | {"file_data": data}
    if (url := part.get("file_url")) is not None:
        if not url.lower().startswith("https://"):
            raise wrong_value("an https URL", url, at="file_url")
        return file | {"file_url": url}
    say = "needs a file store; send 'file_data' or 'file_url'."
    raise refusal("unsupported_value", say, at="file_id")


def _only_one_of(part: _Image | _File, *names: str) -> None:
    given = [name for name in names if part.get(name) is not None]
    if len(given) != 1:
        found = " and ".join(f"'{name}'" for name in given) or "none"
        code = "mutually_exclusive_parameters" if given else "missing_required_parameter"
        raise refusal(code, f"must have exactly one of {listed(names)}; got {found}.")


def _check_image_url(url: str) -> None:
    if url[:8].lower() == "https://":
        return
    head = _DATA_URL.match(url, 0, 256)
    if head is None:
        say = f"must be an https URL or a base64 data URL; got {shown(url)}."
        code = "invalid_base64_image" if url[:5].lower() == "data:" else "invalid_value"
        raise refusal(code, say, at="image_url")
    if head[1].lower() not in IMAGE_TYPES:
        say = f"must be a PNG, JPEG, GIF or WebP image; its media type is {shown(head[1])}."
        raise refusal("invalid_image_format", say, at="image_url")
    if not head[2].lower().endswith(";base64") or not is_base64(url[head.end() :]):
        say = f"holds no valid base64; got {shown(url)}."
        raise refusal("invalid_base64_image", say, at="image_url")


def is_base64(text: str) -> bool:
    """Whether `text` is padded base64 and not empty; told without decoding it."""
    if not text or len(text) % 4 or not text.isascii():
        return False
    body = text.encode().rstrip(b"=")
    return len(text) - len(body) <= 2 and not body.translate(None, _BASE64)


_UNSUPPORTED = "This kind of content is not supported here."
_HINTS = {
    "text": ("invalid_value", "Chat's 'text' is 'input_text' here."),
    "image_url": ("invalid_value", "Chat's 'image_url' is 'input_image' here."),
    "file": ("invalid_value", "Chat's 'file' is 'input_file' here."),
    "input_audio": ("unsupported_value", _UNSUPPORTED),
    "input_video": ("unsupported_value", _UNSUPPORTED),
    "output_audio": ("unsupported_value", _UNSUPPORTED),
}
_EXAMPLE = '{"type": "input_text", "text": "…"}'
_INPUT_KINDS = {
    "input_text": Annotated[_Text, AfterValidator(_input_text)],
    "input_image": Annotated[_Image, AfterValidator(_image)],
    "input_file": Annotated[_File, AfterValidator(_file)],
}
_SYSTEM_KINDS = {"input_text": _INPUT_KINDS["input_text"]}
_ASSISTANT_KINDS = {
    "output_text": Annotated[_OutputText, AfterValidator(_output_text)],
    "refusal": Annotated[_Refusal, AfterValidator(_refusal)],
    "input_text": Annotated[_Text, AfterValidator(_said_text)],
}
_ASSISTANT_HINTS = _HINTS | {"text": ("invalid_value", "Chat's 'text' is 'output_text' here.")}

UserPart = Annotated[JSON, OneOf(_INPUT_KINDS, _HINTS, example=_EXAMPLE)]
SystemPart = Annotated[JSON, OneOf(_SYSTEM_KINDS, _HINTS, example=_EXAMPLE)]
AssistantPart = Annotated[JSON, OneOf(_ASSISTANT_KINDS, _ASSISTANT_HINTS, example=_EXAMPLE)]
