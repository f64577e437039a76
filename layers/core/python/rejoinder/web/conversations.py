"""The endpoints of conversations and of their items (contract §7).

What reads a body is loaded by the first that has one: most of these have none.
"""

from rejoinder.schema.items import INCLUDE_SEALED, JSON, Item, without_sealed
from rejoinder.web.calls import Answer, Call, told_by_headers
from rejoinder.web.messages import Json
from rejoinder.web.query import Page, included, page_of


async def create_conversation(call: Call) -> Answer:
    """POST /v1/conversations."""
    from rejoinder.schema.conversation_reader import read_creation

    wanted, ignored = read_creation(await call.body())
    headers = told_by_headers(call, ignored)
    made = await call.gateway.conversations.create(call.tenant, wanted)
    return Json(made, headers=headers)


async def retrieve_conversation(call: Call) -> Answer:
    """GET /v1/conversations/{conversation_id}."""
    return Json(await call.gateway.conversations.retrieve(call.tenant, _id(call)))


async def update_conversation(call: Call) -> Answer:
    """POST /v1/conversations/{conversation_id}: the metadata are replaced."""
    from rejoinder.schema.conversation_reader import read_change

    metadata, ignored = read_change(await call.body())
    headers = told_by_headers(call, ignored)
    changed = await call.gateway.conversations.update(call.tenant, _id(call), metadata)
    return Json(changed, headers=headers)


async def delete_conversation(call: Call) -> Answer:
    """DELETE /v1/conversations/{conversation_id}."""
    await call.gateway.conversations.delete(call.tenant, _id(call))
    return Json({"id": _id(call), "object": "conversation.deleted", "deleted": True})


async def create_items(call: Call) -> Answer:
    """POST /v1/conversations/{conversation_id}/items; gives those that were added."""
    from rejoinder.schema.conversation_reader import read_addition

    wanted, ignored = read_addition(await call.body())
    headers = told_by_headers(call, ignored)
    items = _shown(call, await call.gateway.conversations.add(call.tenant, _id(call), wanted))
    return Json(Page(len(items), "asc", None, None).of(items), headers=headers)


async def list_items(call: Call) -> Answer:
    """GET /v1/conversations/{conversation_id}/items."""
    page = page_of(call.http.query_params)
    items = await call.gateway.conversations.items(call.tenant, _id(call))
    return Json(page.of(_shown(call, items)))


async def retrieve_item(call: Call) -> Answer:
    """GET /v1/conversations/{conversation_id}/items/{item_id}."""
    item = await call.gateway.conversations.item(call.tenant, _id(call), _item_id(call))
    return Json(*_shown(call, [item]))


async def delete_item(call: Call) -> Answer:
    """DELETE /v1/conversations/{conversation_id}/items/{item_id}; gives the conversation."""
    conversations = call.gateway.conversations
    return Json(await conversations.remove(call.tenant, _id(call), _item_id(call)))


def _id(call: Call) -> str:
    return str(call.http.path_params["conversation_id"])


def _item_id(call: Call) -> str:
    return str(call.http.path_params["item_id"])


def _shown(call: Call, items: list[Item]) -> list[JSON]:
    """The items; what is sealed in their reasoning only for who asks for it."""
    if INCLUDE_SEALED in included(call.http.query_params):
        return [*items]
    return [without_sealed(item) for item in items]
