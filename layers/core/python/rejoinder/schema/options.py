"""`text`, `reasoning` and the small options of a request. Contract §1.2, §1.3, §1.7, §1.8."""

from typing import Annotated, Literal, NotRequired, TypedDict

from pydantic import AfterValidator, BeforeValidator, FailFast, PlainValidator

from rejoinder.schema.ignored import Known, OfKind, keys_of
from rejoinder.schema.items import INCLUDE_SEALED, JSON
from rejoinder.schema.reading import OneOf, flattened, refusal, whole
from rejoinder.schema.response import PLAIN_TEXT, ReasoningEcho, TextEcho
from rejoinder.schema.toolbox import named

MAX_SCHEMA_NAME = 64
MIN_COMPACT_THRESHOLD, COMPACT_THRESHOLD = 1000, 100_000  # tokens; the second if none is named
INCLUDABLE = frozenset(
    {
        INCLUDE_SEALED,
        "message.output_text.logprobs",
        "message.input_image.image_url",
        "file_search_call.results",
        "web_search_call.results",
        "web_search_call.action.sources",
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
    }
)

type Verbosity = Literal["low", "medium", "high"]
type Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
type Summary = Literal["auto", "concise", "detailed", "none"]


class _PlainFormat(TypedDict):
    type: Literal["text", "json_object"]


class _SchemaFormat(TypedDict):
    name: Annotated[str, named(MAX_SCHEMA_NAME)]
    schema: dict[str, JSON]
    description: NotRequired[str | None]
    strict: NotRequired[bool | None]


def _schema_format(wanted: _SchemaFormat) -> dict[str, JSON]:
    return {
        "type": "json_schema",
        "name": wanted["name"],
        "description": wanted.get("description"),
        "schema": wanted["schema"],
        "strict": wanted.get("strict"),
    }


_FORMATS = {
    "text": _PlainFormat,
    "json_object": _PlainFormat,
    "json_schema": Annotated[
        _SchemaFormat, AfterValidator(_schema_format), BeforeValidator(flattened("json_schema"))
    ],
}


class _Text(TypedDict):
    format: NotRequired[Annotated[JSON, OneOf(_FORMATS, example='{"type": "text"}')] | None]
    verbosity: NotRequired[Verbosity | None]


class _Reasoning(TypedDict):
    effort: NotRequired[Effort | None]
    summary: NotRequired[Summary | None]
    generate_summary: NotRequired[Summary | None]


class _StreamOptions(TypedDict):
    include_obfuscation: NotRequired[bool | None]


class _Management(TypedDict):
    type: Literal["compaction"]
    compact_threshold: NotRequired[
        Annotated[int, PlainValidator(whole(MIN_COMPACT_THRESHOLD))] | None
    ]


def _threshold(wanted: list[_Management]) -> int:
    """The lowest of the thresholds, in tokens."""
    if not wanted:
        raise refusal("invalid_value", "must not be empty; leave it out instead.")
    return min(each.get("compact_threshold") or COMPACT_THRESHOLD for each in wanted)


def _text(wanted: _Text) -> TextEcho:
    return {
        "format": wanted.get("format") or PLAIN_TEXT["format"],
        "verbosity": wanted.get("verbosity") or PLAIN_TEXT["verbosity"],
    }


def _reasoning(wanted: _Reasoning) -> ReasoningEcho:
    summary = wanted.get("summary") or wanted.get("generate_summary")
    return ReasoningEcho(wanted.get("effort"), None if summary == "none" else summary)


def _obfuscates(wanted: _StreamOptions) -> bool:
    return wanted.get("include_obfuscation") is not False


def not_includable(entries: list[JSON]) -> list[int]:
    """The places of entries that mean nothing here; OpenAI may know them, so nobody is refused."""
    return [place for place, entry in enumerate(entries) if not _is_includable(entry)]


def _known(entries: list[JSON]) -> list[str]:
    return list(dict.fromkeys(filter(_is_includable, entries)))


def _is_includable(entry: JSON) -> bool:
    return isinstance(entry, str) and entry in INCLUDABLE


Text = Annotated[_Text, AfterValidator(_text)]
Reasoning = Annotated[_Reasoning, AfterValidator(_reasoning)]
ContextManagement = Annotated[list[_Management], FailFast(), AfterValidator(_threshold)]
StreamOptions = Annotated[_StreamOptions, AfterValidator(_obfuscates)]
Include = Annotated[list[JSON], AfterValidator(_known)]

_IN_SCHEMA_FORMAT = keys_of(_SchemaFormat)
IN_TEXT = keys_of(
    _Text,
    format=OfKind(
        text=keys_of(_PlainFormat),
        json_object=keys_of(_PlainFormat),
        json_schema=_IN_SCHEMA_FORMAT | {"json_schema": _IN_SCHEMA_FORMAT},
    ),
)
IN_REASONING = Known(*_Reasoning.__annotations__)
IN_STREAM_OPTIONS = Known(*_StreamOptions.__annotations__)
IN_MANAGEMENT = Known(*_Management.__annotations__)
