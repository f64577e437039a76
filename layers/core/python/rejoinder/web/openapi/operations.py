"""What can be done: one operation for each route."""

from rejoinder.errors import (
    GatewayError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    UpgradeRefused,
)
from rejoinder.schema.items import JSON
from rejoinder.web.openapi.conversations import CONVERSATION_OPERATIONS
from rejoinder.web.openapi.operation import (
    INCLUDE,
    PAGING,
    answer,
    as_json,
    body,
    operation,
    query,
)
from rejoinder.web.openapi.request import RESPONSE_ID
from rejoinder.web.openapi.shapes import ref, text, whole, yes_or_no
from rejoinder.web.query import MAX_LIMIT

MAX_NUMBER = 10**18 - 1  # numbers of a query have at most 18 digits

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Who sends it again within a day gets the first response again, also while it "
    "is being made. With `store: false` there is none to give: then it is named in "
    "`X-Ignored-Parameters`.",
    "schema": text(maxLength=255),
}
_ID = {"name": "response_id", "in": "path", "required": True, "schema": RESPONSE_ID}
_MODEL = {
    "name": "model",
    "in": "path",
    "required": True,
    "description": "It may hold slashes, colons and dots.",
    "schema": text(pattern="^.+$"),
    "examples": {"plain": {"value": "demo"}, "with its provider": {"value": "demo/demo"}},
}
_ASKING: tuple[type[GatewayError], ...] = (
    InvalidRequest,
    Unauthorized,
    PermissionDenied,
    NotFound,
    TooLarge,
    UnsupportedMediaType,
    RateLimited,
    Unavailable,
)
_TELLING = {
    "application/json": {"schema": ref("Response")},
    "text/event-stream": {
        "schema": ref("StreamEvent"),
        "examples": {
            "end": {
                "summary": "The last two frames",
                "value": "event: response.completed\ndata: {…}\n\ndata: [DONE]\n\n",
            }
        },
    },
}
_FRAMES = (
    "Each frame is an `event:` line with the type, a `data:` line with the event, and a blank "
    "line; `data: [DONE]` comes last. Lines that begin with `:` keep the connection alive."
)

OPERATIONS: dict[tuple[str, str], JSON] = {
    ("GET", "/health"): operation(
        "getHealth",
        "Service",
        "Whether the process is there",
        as_json("Health", "It is."),
    ),
    ("GET", "/metrics"): operation(
        "getMetrics",
        "Service",
        "Numbers for Prometheus: the queue, and what the local server counts",
        answer("In Prometheus' text form.", {"text/plain": {"schema": text()}}),
    ),
    ("POST", "/responses"): operation(
        "createResponse",
        "Responses",
        "Create a response",
        answer(
            f"The response when it has ended; with `stream`, its events as they come. {_FRAMES}",
            _TELLING,
            X_Ignored_Parameters="IgnoredParameters",
            X_Ignored_Tools="IgnoredTools",
            X_Upstream_Model="UpstreamModel",
        ),
        _IDEMPOTENCY_KEY,
        errors=_ASKING,
        requestBody=body("CreateResponse"),
    ),
    ("POST", "/responses/compact"): operation(
        "compactConversation",
        "Responses",
        "Make a conversation short",
        answer(
            "Items to begin the next input with: what users said, and a compaction. It is not "
            "kept, and cannot be continued by its id.",
            {"application/json": {"schema": ref("CompactedResponse")}},
            X_Ignored_Parameters="IgnoredParameters",
        ),
        errors=_ASKING,
        requestBody=body("CompactConversation"),
    ),
    ("POST", "/responses/input_tokens"): operation(
        "countInputTokens",
        "Responses",
        "Count the tokens that a model would be given",
        answer(
            "How many. `X-Token-Count` tells whether the model's own service counted them.",
            {"application/json": {"schema": ref("InputTokens")}},
            X_Ignored_Parameters="IgnoredParameters",
            X_Ignored_Tools="IgnoredTools",
            X_Token_Count="TokenCount",
        ),
        errors=_ASKING,
        requestBody=body("CountInputTokens"),
    ),
    ("GET", "/responses"): operation(
        "describeEndpoint",
        "Service",
        "What this endpoint can do",
        as_json("Endpoint", "Never a list of responses."),
        errors=(Unauthorized, UpgradeRefused),
    ),
    ("GET", "/responses/{response_id}"): operation(
        "retrieveResponse",
        "Responses",
        "Retrieve a response, or rejoin its stream",
        answer(
            "The response as it stands; with `stream`, its events from the first or after "
            f"`starting_after`, numbered as they were, then those to come. {_FRAMES}",
            _TELLING,
        ),
        _ID,
        *query(
            stream=yes_or_no("Tell its events.", default=False),
            starting_after=whole(
                "The number of the last event known. Only with `stream`.",
                minimum=0,
                maximum=MAX_NUMBER,
            ),
            include_obfuscation=yes_or_no("Leave the padding of deltas in.", default=True),
        ),
        INCLUDE,
        errors=(InvalidRequest, Unauthorized, NotFound),
    ),
    ("DELETE", "/responses/{response_id}"): operation(
        "deleteResponse",
        "Responses",
        "Delete a response, and stop it if it runs",
        as_json("DeletedResponse", "Nobody can read or continue it any more."),
        _ID,
        errors=(InvalidRequest, Unauthorized, NotFound),
    ),
    ("POST", "/responses/{response_id}/cancel"): operation(
        "cancelResponse",
        "Responses",
        "Cancel a background response",
        as_json(
            "Response", "The response as it has ended; one that had ended before is unchanged."
        ),
        _ID,
        errors=(InvalidRequest, Unauthorized, NotFound),
    ),
    ("GET", "/responses/{response_id}/input_items"): operation(
        "listInputItems",
        "Responses",
        "List the items that a request brought",
        as_json("ItemList", "A page of them."),
        _ID,
        *PAGING,
        errors=(InvalidRequest, Unauthorized, NotFound),
    ),
    **CONVERSATION_OPERATIONS,
    ("GET", "/webhook_deliveries"): operation(
        "listWebhookDeliveries",
        "Webhooks",
        "What became of the latest deliveries",
        as_json("DeliveryList", "The newest first."),
        *query(limit=whole(minimum=1, maximum=MAX_LIMIT, default=20)),
        errors=(InvalidRequest, Unauthorized),
    ),
    ("GET", "/models"): operation(
        "listModels",
        "Models",
        "List the models",
        as_json("ModelList", "Every name that is known to work."),
        errors=(Unauthorized,),
    ),
    ("GET", "/chat/models"): operation(
        "listChatModels",
        "Models",
        "List the models, by another path",
        as_json("ModelList", "Every name that is known to work."),
        errors=(Unauthorized,),
    ),
    ("GET", "/models/{model}"): operation(
        "retrieveModel",
        "Models",
        "Retrieve a model",
        as_json("Model", "The model."),
        _MODEL,
        errors=(Unauthorized, NotFound),
    ),
    ("GET", "/openapi.json"): operation(
        "getDocument",
        "Service",
        "This document",
        answer("It.", {"application/json": {"schema": {"type": "object"}}}),
    ),
}
