"""Tools as clients send them → those of `schema.tools`. Contract §1.4.

Coding agents always send some tools that only OpenAI can host, and new ones every month. Whatever
is neither function, custom nor namespace is read as `Unsupported`; `schema.offer` decides on it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired, TypedDict

from pydantic import AfterValidator, BeforeValidator, FailFast, PlainValidator

from rejoinder.schema.ignored import OfKind, keys_of
from rejoinder.schema.items import JSON
from rejoinder.schema.reading import OneOf, flattened, missing, refusal, shown, type_of, wrong_value
from rejoinder.schema.tools import CustomTool, FunctionTool, NamespaceTool

MAX_NAME = 128

_NAME = re.compile(r"[a-zA-Z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A tool, or the choice of one, that we cannot give to a model."""

    type: str


def named(limit: int) -> AfterValidator:
    """A name as models can say it: letters, digits, `_` and `-`."""

    def check(name: str) -> str:
        if not name:
            raise missing("is required and must not be empty.")
        if len(name) > limit:
            say = f"may have at most {limit} characters; got {len(name)}."
            raise refusal("string_above_max_length", say)
        if not _NAME.fullmatch(name):
            raise wrong_value("of letters, digits, '_' and '-' only", name)
        return name

    return AfterValidator(check)


_Name = Annotated[str, named(MAX_NAME)]


def first_twin(names: Iterable[str]) -> str | None:
    """The first name that comes a second time."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


class _Function(TypedDict):
    name: _Name
    description: NotRequired[str | None]
    parameters: NotRequired[dict[str, JSON] | None]
    strict: NotRequired[bool | None]


class _Grammar(TypedDict):
    type: Literal["text", "grammar"]
    syntax: NotRequired[Literal["lark", "regex"]]
    definition: NotRequired[str]


class _Custom(TypedDict):
    name: _Name
    description: NotRequired[str | None]
    format: NotRequired[_Grammar | None]


def _function(tool: _Function) -> FunctionTool:
    parameters = tool.get("parameters")
    return {
        "type": "function",
        "name": tool["name"],
        "description": tool.get("description"),
        "parameters": {"type": "object", "properties": {}} if parameters is None else parameters,
        "strict": tool.get("strict"),
    }


def _custom(tool: _Custom) -> CustomTool:
    custom: CustomTool = {
        "type": "custom",
        "name": tool["name"],
        "description": tool.get("description"),
    }
    if wanted := tool.get("format"):
        custom["format"] = dict(wanted)
    return custom


def _unsupported(tool: JSON) -> Unsupported:
    return Unsupported(tool["type"])


_UNSUPPORTED = Annotated[JSON, PlainValidator(_unsupported)]
_INNER = {
    "function": Annotated[
        _Function, AfterValidator(_function), BeforeValidator(flattened("function"))
    ],
    "custom": Annotated[_Custom, AfterValidator(_custom), BeforeValidator(flattened("custom"))],
}
_EXAMPLE = '{"type": "function", "name": "…", "parameters": {…}}'


def _inner_kind(tool: JSON) -> str | None:
    kind = type_of(tool)
    return kind if not kind or kind in _INNER else "unsupported"


def _kind_of(tool: JSON) -> str | None:
    return "namespace" if type_of(tool) == "namespace" else _inner_kind(tool)


_InnerTool = Annotated[
    JSON,
    OneOf(
        _INNER | {"unsupported": _UNSUPPORTED},
        kind_of=_inner_kind,
        names=_INNER,
        example=_EXAMPLE,
    ),
]


class _Namespace(TypedDict):
    name: _Name
    description: NotRequired[str | None]
    tools: Annotated[list[_InnerTool], FailFast()]


def _namespace(namespace: _Namespace) -> NamespaceTool:
    """Inside, unsupported tools are dropped without a word: none has been seen there yet."""
    inner = [tool for tool in namespace["tools"] if not isinstance(tool, Unsupported)]
    if twin := first_twin(tool["name"] for tool in inner):
        raise refusal("invalid_value", f"has two tools named {shown(twin)}.", at="tools")
    return {
        "type": "namespace",
        "name": namespace["name"],
        "description": namespace.get("description"),
        "tools": inner,
    }


_OUTER = _INNER | {"namespace": Annotated[_Namespace, AfterValidator(_namespace)]}
AnyTool = Annotated[
    JSON,
    OneOf(
        _OUTER | {"unsupported": _UNSUPPORTED},
        kind_of=_kind_of,
        names=_OUTER,
        example=_EXAMPLE,
    ),
]

_OPENAIS_OWN = ("allowed_callers", "defer_loading", "output_schema")  # dropped, contract §1.4
_IN_FUNCTION = keys_of(_Function, *_OPENAIS_OWN)
_IN_CUSTOM = keys_of(_Custom, *_OPENAIS_OWN, format=keys_of(_Grammar))
_IN_INNER = {
    "function": _IN_FUNCTION | {"function": _IN_FUNCTION},
    "custom": _IN_CUSTOM | {"custom": _IN_CUSTOM},
}
IN_TOOL = OfKind(**_IN_INNER, namespace=keys_of(_Namespace, tools=OfKind(**_IN_INNER)))
