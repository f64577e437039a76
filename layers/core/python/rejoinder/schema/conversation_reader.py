"""The bodies that make and change conversations. Contract §7."""

from collections.abc import Iterable
from typing import Annotated, NamedTuple, Required, TypedDict

from pydantic import BeforeValidator, FailFast, TypeAdapter, ValidationError

from rejoinder.errors import InvalidRequest
from rejoinder.schema.body import Metadata
from rejoinder.schema.conversation import NewConversation
from rejoinder.schema.faults import fault
from rejoinder.schema.ignored import ignored
from rejoinder.schema.input import AnyItem
from rejoinder.schema.items import JSON, InputItem
from rejoinder.schema.reader import decoded
from rejoinder.schema.reading import refusal, shown

MAX_ITEMS = 20  # in one request

# They say nothing that a conversation could keep.
_PASSED_OVER = ("additional_tools", "compaction_trigger", "receipt")


def _limited(items: JSON) -> JSON:
    """Counted before they are looked at."""
    if isinstance(items, list) and len(items) > MAX_ITEMS:
        say = f"may have at most {MAX_ITEMS} items; got {len(items)}. Send the others apart."
        raise refusal("array_above_max_length", say)
    return items


def _some(items: JSON) -> JSON:
    if items == []:
        raise refusal("invalid_value", "must not be empty.")
    return items


_Items = Annotated[list[AnyItem], FailFast(), BeforeValidator(_limited)]


class _Creation(TypedDict, total=False):
    items: _Items
    metadata: Metadata


class _Change(TypedDict):
    metadata: Metadata


class _Addition(TypedDict, total=False):
    items: Required[Annotated[_Items, BeforeValidator(_some)]]


_CREATION = TypeAdapter(_Creation)
_CHANGE = TypeAdapter(_Change)
_ADDITION = TypeAdapter(_Addition)


class Read[T](NamedTuple):
    """What is wanted, and the fields that were passed over."""

    wanted: T
    ignored: list[str]


def read_creation(body: bytes) -> Read[NewConversation]:
    """What a new conversation begins with; a body may be missing altogether.

    Raises:
        InvalidRequest: naming the parameter.
    """
    given = _without_nulls(decoded(body)) if body else {}
    read = _read(_CREATION, given)
    wanted = NewConversation(_kept(read.get("items", [])), read.get("metadata", {}))
    return Read(wanted, ignored(given, _Creation.__annotations__.keys()))


def read_change(body: bytes) -> Read[dict[str, str]]:
    """The metadata that a conversation shall have; null takes away all.

    Raises:
        InvalidRequest: naming the parameter.
    """
    given = decoded(body)
    others = ignored(_without_nulls(given), _Change.__annotations__.keys())
    if "metadata" in given and given["metadata"] is None:
        return Read({}, others)
    return Read(_read(_CHANGE, given)["metadata"], others)


def read_addition(body: bytes) -> Read[list[InputItem]]:
    """The items that are to be added to a conversation.

    Raises:
        InvalidRequest: naming the parameter.
    """
    given = _without_nulls(decoded(body))
    wanted = _kept(_read(_ADDITION, given)["items"])
    return Read(wanted, ignored(given, _Addition.__annotations__.keys()))


def _without_nulls(given: dict[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in given.items() if value is not None}


def _read[T](adapter: TypeAdapter[T], given: dict[str, JSON]) -> T:
    try:
        return adapter.validate_python(given, strict=True)
    except ValidationError as error:
        raise fault(error) from None  # pydantic's would carry the items into a log


def _kept(read: Iterable[JSON]) -> list[InputItem]:
    kept: dict[str, InputItem] = {}
    for i, item in enumerate(read):
        if item["type"] in _PASSED_OVER:
            continue
        if item["id"] in kept:
            say = f"'items[{i}].id' repeats {shown(item['id'])}; ids must differ within a request."
            raise InvalidRequest(say, code="invalid_value", param=f"items[{i}].id")
        kept[item["id"]] = item
    return list(kept.values())
