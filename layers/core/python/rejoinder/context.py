"""From a request to the whole conversation that its turn is about (contract §2.3, §2.4)."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from rejoinder.errors import InvalidRequest, NotFound
from rejoinder.schema.ids import renewed_id
from rejoinder.schema.items import JSON, InputItem, Item
from rejoinder.schema.request import CreateResponse
from rejoinder.sealing import Sealer
from rejoinder.storage.base import ContinuedResponse, ResponseStore

type CallKey = tuple[str, str]  # the type that its output has, and its call_id


class Items(Protocol):
    """A store in which items can be found by their ids."""

    async def item(self, tenant: str, item_id: str) -> Item:
        """The item, or `NotFound`."""
        ...


async def continued(
    store: ResponseStore, tenant: str, request: CreateResponse
) -> ContinuedResponse | None:
    """The response that `previous_response_id` names, if one is continued.

    Raises:
        InvalidRequest: if that response is not there, or did not come to an end.
    """
    if request.previous_response_id is None:
        return None
    try:
        previous = await store.continued(tenant, request.previous_response_id)
    except NotFound as error:
        raise _previous_not_found(
            f"Previous response {request.previous_response_id!r} is not stored for this account; "
            "it may have expired, been deleted, or been made with store:false."
        ) from error
    if previous.response.status not in ("completed", "incomplete"):
        raise _previous_not_found(
            f"Previous response {request.previous_response_id!r} is "
            f"{previous.response.status}; only a completed or incomplete one can be continued."
        )
    return previous


async def resolved(
    stores: Sequence[Items],
    tenant: str,
    items: list[InputItem],
    history: list[Item],
    *,
    param: str = "input",
) -> list[Item]:
    """The request's items with each reference replaced by what it stands for.

    Raises:
        NotFound: if an item is not stored for this tenant, in any of the stores.
    """
    known = {item["id"] for item in history}
    found: list[Item] = []
    for item in items:
        if item["type"] != "item_reference":
            found.append(item)
        elif item["id"] not in known:
            found.append(await _referred(stores, tenant, item["id"], param))
            known.add(item["id"])
    return found


def distinct(items: list[Item], history: list[Item]) -> list[Item]:
    """The items, each under an id that no item of the history has."""
    known = {item["id"] for item in history}
    return [
        item | {"id": renewed_id(item["id"])} if item["id"] in known else item for item in items
    ]


def paired(
    items: list[Item], conversation_id: str | None = None, own: Sequence[Item] = ()
) -> list[Item]:
    """The items, without calls that a token limit cut off.

    `own`: those that the request brought; the others are of the conversation, if there is one.

    Raises:
        InvalidRequest: if a result has no call before it, or a call no result.
    """
    answered = {key for item in items if (key := output_key(item)) is not None}
    called: set[CallKey] = set()
    kept: list[Item] = []
    for item in items:
        if (call := call_key(item)) is not None:
            if call not in answered:
                if item.get("status") == "incomplete":
                    continue
                raise _no_output(*call)
            called.add(call)
        if (answer := output_key(item)) is not None and answer not in called:
            is_own = any(item["id"] == each["id"] for each in own)
            if conversation_id is None or is_own:
                raise _no_call(answer[1])
            raise _orphaned(item, answer[1], conversation_id)
        kept.append(item)
    return kept


def check_called(items: list[Item], history: list[Item]) -> None:
    """Refuse what is to be added to a conversation and would make it useless.

    Raises:
        InvalidRequest: if a result has no call before it.
    """
    called = {call_key(item) for item in history}
    for item in items:
        called.add(call_key(item))
        if (answer := output_key(item)) is not None and answer not in called:
            raise _no_call(answer[1], param="items")


def signed(sealer: Sealer, tenant: str, items: list[Item], dialect: str) -> dict[str, JSON]:
    """By reasoning item, what this dialect signed; of other vendors' thinking, nothing.

    Raises:
        InvalidRequest: if a sealed text was altered.
    """
    found: dict[str, JSON] = {}
    for item in items:
        if item["type"] == "reasoning" and "encrypted_content" in item:
            secret = sealer.open(tenant, item["encrypted_content"])
            if secret is not None and secret.dialect == dialect:
                found[item["id"]] = secret.content
    return found


def call_key(item: Item) -> CallKey | None:
    """The key of the call that an item makes, if it makes one."""
    if item["type"] == "function_call" or item["type"] == "custom_tool_call":
        return f"{item['type']}_output", item["call_id"]
    return None


def output_key(item: Item) -> CallKey | None:
    """The key of the call whose output an item is, if it is one."""
    if item["type"] == "function_call_output" or item["type"] == "custom_tool_call_output":
        return item["type"], item["call_id"]
    return None


def _no_output(kind: str, call_id: str) -> InvalidRequest:
    return InvalidRequest(
        f"No tool output found for call {call_id!r}; send an item of type {kind!r} with this "
        "call_id.",
        code="tool_output_missing",
        param="input",
    )


def _no_call(call_id: str, *, param: str = "input") -> InvalidRequest:
    places = "'items'" if param == "items" else "'input', in the previous response"
    return InvalidRequest(
        f"No tool call found for the output with call_id {call_id!r}; the call must stand before "
        f"it, in {places} or in the conversation.",
        code="tool_call_not_found",
        param=param,
    )


def _orphaned(item: Item, call_id: str, conversation_id: str) -> InvalidRequest:
    """It was added when conversations took that, or its call was deleted."""
    return InvalidRequest(
        f"The conversation holds an output of the tool call {call_id!r}, but not the call; delete "
        f"it: DELETE /v1/conversations/{conversation_id}/items/{item['id']}",
        code="tool_call_not_found",
        param="conversation",
    )


async def _referred(stores: Sequence[Items], tenant: str, item_id: str, param: str) -> Item:
    for store in stores:
        with suppress(NotFound):
            return await store.item(tenant, item_id)
    raise NotFound(
        f"Item {item_id!r} is not stored for this account. Items of responses made with "
        "store:false are not kept: send the item itself instead of a reference.",
        code="item_not_found",
        param=param,
    )


def _previous_not_found(message: str) -> InvalidRequest:
    return InvalidRequest(message, code="previous_response_not_found", param="previous_response_id")
