"""Conversations: what can be done with them, and the bodies of that."""

from rejoinder.errors import (
    GatewayError,
    InvalidRequest,
    NotFound,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
)
from rejoinder.schema.conversation_reader import MAX_ITEMS
from rejoinder.schema.items import JSON
from rejoinder.web.openapi.operation import INCLUDE, PAGING, as_json, body, operation
from rejoinder.web.openapi.request import CONVERSATION_ID, METADATA
from rejoinder.web.openapi.shapes import listing, optional, or_null, ref, table, text

_TAG = "Conversations"
_ID = {"name": "conversation_id", "in": "path", "required": True, "schema": CONVERSATION_ID}
_ITEM_ID = {"name": "item_id", "in": "path", "required": True, "schema": text(pattern="^.+$")}
_ALL, _ONE = "/conversations", "/conversations/{conversation_id}"
_ITEMS, _ITEM = f"{_ONE}/items", f"{_ONE}/items/{{item_id}}"
_WRITING: tuple[type[GatewayError], ...] = (
    InvalidRequest,
    Unauthorized,
    NotFound,
    TooLarge,
    UnsupportedMediaType,
)
_IGNORED = {"X_Ignored_Parameters": "IgnoredParameters"}
_LOCKED = "While a response is being made in it, that is a 400 `conversation_locked`."

CONVERSATION_BODIES: dict[str, JSON] = {
    "CreateConversation": table(
        optional(
            {
                "items": listing(ref("InputItem"), "What was said before.", maxItems=MAX_ITEMS),
                "metadata": {**METADATA, "description": "The client's own notes."},
            }
        )
    ),
    "UpdateConversation": table(
        {"metadata": or_null({**METADATA, "description": "In the place of those there were."})},
        required=["metadata"],
    ),
    "AddItems": table(
        {
            "items": listing(
                ref("InputItem"),
                "To be added at the end. Each keeps its id, unless that is taken there. The output "
                "of a tool needs its call before it, here or in the conversation.",
                minItems=1,
                maxItems=MAX_ITEMS,
            )
        },
        required=["items"],
    ),
}
CONVERSATION_OPERATIONS: dict[tuple[str, str], JSON] = {
    ("POST", _ALL): operation(
        "createConversation",
        _TAG,
        "Create a conversation",
        as_json("Conversation", "The new conversation.", **_IGNORED),
        errors=_WRITING,
        requestBody=body("CreateConversation") | {"required": False},
    ),
    ("GET", _ONE): operation(
        "retrieveConversation",
        _TAG,
        "Retrieve a conversation",
        as_json("Conversation", "The conversation, without its items."),
        _ID,
        errors=(Unauthorized, NotFound),
    ),
    ("POST", _ONE): operation(
        "updateConversation",
        _TAG,
        "Replace the metadata of a conversation",
        as_json("Conversation", "The conversation as it is now.", **_IGNORED),
        _ID,
        errors=_WRITING,
        requestBody=body("UpdateConversation"),
    ),
    ("DELETE", _ONE): operation(
        "deleteConversation",
        _TAG,
        "Delete a conversation and its items",
        as_json("DeletedConversation", "Responses that were made in it stay."),
        _ID,
        errors=(Unauthorized, NotFound),
    ),
    ("POST", _ITEMS): operation(
        "createConversationItems",
        _TAG,
        "Add items to a conversation",
        as_json("ItemList", f"Those that were added. {_LOCKED}", **_IGNORED),
        _ID,
        INCLUDE,
        errors=_WRITING,
        requestBody=body("AddItems"),
    ),
    ("GET", _ITEMS): operation(
        "listConversationItems",
        _TAG,
        "List the items of a conversation",
        as_json("ItemList", "A page of them."),
        _ID,
        *PAGING,
        errors=(InvalidRequest, Unauthorized, NotFound),
    ),
    ("GET", _ITEM): operation(
        "retrieveConversationItem",
        _TAG,
        "Retrieve an item of a conversation",
        as_json("Item", "The item."),
        _ID,
        _ITEM_ID,
        INCLUDE,
        errors=(Unauthorized, NotFound),
    ),
    ("DELETE", _ITEM): operation(
        "deleteConversationItem",
        _TAG,
        "Delete an item of a conversation",
        as_json("Conversation", f"The conversation. {_LOCKED}"),
        _ID,
        _ITEM_ID,
        errors=(InvalidRequest, Unauthorized, NotFound),
    ),
}
