"""How a request is read. Contract §1.

What strangers write is read by pydantic (`schema.body`), tolerantly: both dialects, null for
absent, unknown keys. A process that never creates a response need not import it.
"""

from collections.abc import Set

from msgspec import Struct
from pydantic import ValidationError
from pydantic_core import from_json

from rejoinder.errors import InvalidRequest
from rejoinder.schema.body import BODY, INSIDE, UNSUPPORTED_KEYS, Body
from rejoinder.schema.faults import fault
from rejoinder.schema.ignored import MAX_IGNORED, ignored
from rejoinder.schema.items import JSON, InputItem, user_message
from rejoinder.schema.offer import FoundTool, UnsupportedTools, offered
from rejoinder.schema.options import not_includable
from rejoinder.schema.reading import shown
from rejoinder.schema.request import CreateResponse

type Placed = tuple[int, InputItem]  # where an item stood in the body, and the item

_KNOWN = Body.__annotations__.keys()


class Fields(Struct, frozen=True):
    """The fields that one endpoint reads, of all that requests may have.

    Who says `true` to one of `refused` waits for what will not come.
    """

    names: Set[str]
    needs_input: bool = True
    refused: Set[str] = frozenset()


CREATED = Fields(_KNOWN)
COMPACTED = Fields(
    frozenset(
        {
            "model",
            "input",
            "instructions",
            "previous_response_id",
            "prompt_cache_key",
            "prompt_cache_retention",
            "service_tier",
        }
    ),
    refused=frozenset({"stream", "background"}),
)
COUNTED = Fields(
    frozenset(
        {
            "model",
            "input",
            "instructions",
            "previous_response_id",
            "conversation",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "text",
            "reasoning",
            "truncation",
        }
    ),
    needs_input=False,
)


def read_request(
    body: bytes, *, unsupported_tools: UnsupportedTools = "drop", fields: Fields = CREATED
) -> CreateResponse:
    """The request in a body; fields that are not for this endpoint are passed over, and named.

    Raises:
        InvalidRequest: naming the parameter and what to write instead.
    """
    given = {name: value for name, value in decoded(body).items() if value is not None}
    if name := next(filter(UNSUPPORTED_KEYS.__contains__, given), None):
        say = f"'{name}' is not a parameter of this endpoint. {UNSUPPORTED_KEYS[name]}"
        raise InvalidRequest(say, code="unsupported_parameter", param=name)
    if name := next((name for name in sorted(fields.refused) if given.get(name) is True), None):
        say = f"'{name}' is not offered by this endpoint: it answers once, in JSON. Leave it out."
        raise InvalidRequest(say, code="unsupported_parameter", param=name)
    try:
        own = {name: value for name, value in given.items() if name in fields.names}
        read = BODY.validate_python(own, strict=True)
    except ValidationError as error:
        raise fault(error) from None  # pydantic's would carry the prompt into a log
    _check_together(read, fields)
    unread = ignored(given, fields.names, INSIDE)
    if "include" in fields.names:
        unread += [f"include[{place}]" for place in not_includable(given.get("include", []))]
    return _request(read, unread[:MAX_IGNORED], unsupported_tools)


def decoded(body: bytes) -> dict[str, JSON]:
    """The object in a body.

    Raises:
        InvalidRequest: if there is none.
    """
    # Pydantic's JSON reader refuses NaN, lone surrogates and more than 200 levels by itself.
    try:
        given = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        say = f"The body could not be read as JSON: {error}."
        raise InvalidRequest(say, code="invalid_json") from None
    if not isinstance(given, dict):
        say = f"The body must be a JSON object; got {shown(given)}."
        raise InvalidRequest(say, code="invalid_json")
    return given


def _check_together(read: Body, fields: Fields) -> None:
    """What pydantic cannot see: fields that need or exclude each other."""
    if "conversation" in read and "previous_response_id" in read:
        say = "'previous_response_id' and 'conversation' exclude each other; send one of them."
        raise InvalidRequest(say, code="mutually_exclusive_parameters")
    given = read.keys() & {"input", "previous_response_id", "conversation"}
    if fields.needs_input and not given:
        say = "'input' is required: a string, or an array of items."
        raise InvalidRequest(say, code="missing_required_parameter", param="input")
    if "stream_options" in read and not read.get("stream"):
        say = "'stream_options' may be sent only together with 'stream': true."
        raise InvalidRequest(say, code="invalid_value", param="stream_options")
    if read.get("background") and read.get("store") is False:
        say = "'background' responses must be stored; leave out 'store': false."
        raise InvalidRequest(say, code="invalid_value", param="background")


def _request(read: Body, ignored: list[str], unsupported_tools: UnsupportedTools) -> CreateResponse:
    fields: dict[str, JSON] = {**read}
    given = fields.pop("input", [])
    kept, additional = _split(given)
    at = [place for place, _ in kept]
    own = [(f"tools[{i}]", tool) for i, tool in enumerate(fields.pop("tools", []))]
    offer = offered(own, additional, fields.pop("tool_choice", "auto"), unsupported_tools)
    return CreateResponse(
        input=[item for _, item in kept],
        input_at=at if at != [*range(len(at))] else [],
        instructions=fields.pop("instructions", "") or None,
        tools=offer.tools,
        tool_choice=offer.choice,
        ignored_tools=offer.ignored,
        compact_threshold=fields.pop("context_management", None),
        is_compaction=_ends_in_trigger(given),
        include_obfuscation=fields.pop("stream_options", True),
        ignored_parameters=ignored,
        **fields,
    )


def _ends_in_trigger(read: str | list[JSON]) -> bool:
    if isinstance(read, str):
        return False
    kinds = [item["type"] for item in read]
    if "compaction_trigger" in kinds[:-1]:
        at = f"input[{kinds.index('compaction_trigger')}].type"
        say = f"'{at}' must not be 'compaction_trigger': only the last item may."
        raise InvalidRequest(say, code="invalid_value", param=at)
    return kinds[-1:] == ["compaction_trigger"]


def _split(read: str | list[JSON]) -> tuple[list[Placed], list[FoundTool]]:
    """The items to keep, and the tools that came as an item."""
    if isinstance(read, str):
        return [(0, user_message(read))], []
    items: dict[str, Placed] = {}
    tools: list[FoundTool] = []
    for i, item in enumerate(read):
        if item["type"] == "additional_tools":
            tools += [(f"input[{i}].tools[{j}]", tool) for j, tool in enumerate(item["tools"])]
        elif item["type"] not in ("receipt", "compaction_trigger"):
            _keep((i, item), items)
    return list(items.values()), tools


def _keep(placed: Placed, items: dict[str, Placed]) -> None:
    """An id may come once, except in references; the last of those stands (contract §2.3)."""
    i, item = placed
    if item["id"] in items:
        _, earlier = items[item["id"]]
        if item["type"] == "item_reference" != earlier["type"]:
            return  # the item itself is here
        if earlier["type"] != "item_reference":
            say = f"'input[{i}].id' repeats {shown(item['id'])}; ids must differ within a request."
            raise InvalidRequest(say, code="invalid_value", param=f"input[{i}].id")
        del items[item["id"]]
    items[item["id"]] = placed
