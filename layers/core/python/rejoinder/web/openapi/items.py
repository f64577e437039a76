"""Items and content parts, as clients may send them."""

from rejoinder.schema.input import MAX_SEALED
from rejoinder.schema.items import JSON, ItemStatus, Phase
from rejoinder.schema.messages import MAX_ID
from rejoinder.schema.parts import IMAGE_TYPES, MAX_FILE, MAX_IMAGE
from rejoinder.schema.reading import MAX_TEXT
from rejoinder.web.openapi.shapes import (
    either,
    kind,
    listing,
    optional,
    ref,
    table,
    text,
    word,
    words_of,
)

_TEXT = text(maxLength=MAX_TEXT)
_CALL_ID = text("What joins a call and its result.", minLength=1, maxLength=64)
_STORED_ID = text("The id of a stored item.", minLength=1, maxLength=MAX_ID)
_NAME = text(minLength=1, maxLength=128)
_MEDIA_TYPES = "|".join(name.removeprefix("image/") for name in IMAGE_TYPES)
_HTTPS = "[hH][tT][tT][pP][sS]://"
_BASE64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)"
_RECEIPTS = (
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "tool_search_call",
    "tool_search_output",
    "program",
    "program_output",
    "configuration_update",
)
_OWN = {
    **optional({"id": text("Kept as it is; a new one if absent.", maxLength=MAX_ID)}),
    "status": {"description": f"One of {', '.join(words_of(ItemStatus))}; else `completed`."},
}
_MESSAGE = {"type": {"enum": ["message", None], "default": "message"}}


def _message(role: JSON, content: JSON, more: dict[str, JSON] | None = None) -> JSON:
    words = either(_TEXT, listing(content))
    properties = {**_MESSAGE, **_OWN, "role": role, "content": words, **(more or {})}
    return table(properties, required=["role", "content"])


def _result(name: str) -> JSON:
    output = either(_TEXT, listing(ref("RequestPart")))
    fields = {**_OWN, "call_id": _CALL_ID, "output": output}
    return kind(name, fields, "call_id", "output", description="What the client's tool gave back.")


def _absent(*names: str) -> dict[str, JSON]:
    """There is no store of files; and a file has one source only."""
    return {name: {"type": "null"} for name in names}


PARTS: dict[str, JSON] = {
    "RequestPart": either(*map(ref, ("RequestText", "RequestImage", "RequestFile"))),
    "RequestText": kind("input_text", {"text": _TEXT}, "text"),
    "RequestImage": kind(
        "input_image",
        {
            "image_url": text(
                "An https URL, or a base64 data URL of a PNG, JPEG, GIF or WebP image.",
                maxLength=MAX_IMAGE,
                pattern=f"^(?:{_HTTPS}|data:image/(?:{_MEDIA_TYPES});base64,{_BASE64}$)",
            ),
            **optional({"detail": word(["low", "high", "auto", "original"], default="auto")}),
            **_absent("file_id"),
        },
        "image_url",
    ),
    "RequestFile": either(
        kind(
            "input_file",
            {
                "filename": text(minLength=1),
                "file_data": text(
                    "Base64, or a data URL with base64.",
                    maxLength=MAX_FILE,
                    pattern=f"^(?:[dD][aA][tT][aA]:[^,]*,)?{_BASE64}$",
                ),
                **_absent("file_url", "file_id"),
            },
            "filename",
            "file_data",
        ),
        kind(
            "input_file",
            {
                **optional({"filename": text()}),
                "file_url": text("An https URL.", maxLength=MAX_IMAGE, pattern=f"^{_HTTPS}"),
                **_absent("file_data", "file_id"),
            },
            "file_url",
        ),
    ),
    "AssistantPart": either(
        kind(
            "output_text",
            {"text": _TEXT, **optional({"annotations": listing({}), "logprobs": listing({})})},
            "text",
        ),
        kind("refusal", {"refusal": _TEXT}, "refusal"),
        ref("RequestText"),
    ),
}

ITEMS: dict[str, JSON] = {
    "InputItem": either(
        *map(
            ref,
            (
                "UserMessage",
                "SystemMessage",
                "AssistantMessage",
                "RequestFunctionCall",
                "RequestFunctionCallOutput",
                "RequestCustomToolCall",
                "RequestCustomToolCallOutput",
                "RequestReasoning",
                "RequestCompaction",
                "CompactionTrigger",
                "RequestItemReference",
                "AdditionalTools",
                "HostedToolItem",
            ),
        ),
        description="Something said, called, answered or thought before.",
    ),
    "UserMessage": _message({"const": "user"}, ref("RequestPart")),
    "SystemMessage": _message(word(["system", "developer"]), ref("RequestText")),
    "AssistantMessage": _message(
        {"const": "assistant"}, ref("AssistantPart"), optional({"phase": word(words_of(Phase))})
    ),
    "RequestFunctionCall": kind(
        "function_call",
        {
            **_OWN,
            "call_id": _CALL_ID,
            "name": _NAME,
            "arguments": {**_TEXT, "description": "JSON, as text."},
            **optional({"namespace": _NAME}),
        },
        "call_id",
        "name",
        "arguments",
        description="A call of the model's; its result must follow it.",
    ),
    "RequestFunctionCallOutput": _result("function_call_output"),
    "RequestCustomToolCall": kind(
        "custom_tool_call",
        {
            **_OWN,
            "call_id": _CALL_ID,
            "name": _NAME,
            "input": _TEXT,
            **optional({"namespace": _NAME}),
        },
        "call_id",
        "name",
        "input",
        description="A call of a tool that takes free text; its result must follow it.",
    ),
    "RequestCustomToolCallOutput": _result("custom_tool_call_output"),
    "RequestReasoning": kind(
        "reasoning",
        optional(
            {
                "id": text(maxLength=MAX_ID),
                "summary": listing(kind("summary_text", {"text": text()}, "text")),
                "content": listing(kind("reasoning_text", {"text": text()}, "text")),
                "encrypted_content": text(maxLength=MAX_SEALED),
            }
        ),
        description="Thinking of the model's, sent back as it came.",
    ),
    "RequestCompaction": kind(
        "compaction",
        {
            **optional({"id": text(maxLength=MAX_ID)}),
            "encrypted_content": text(minLength=1, maxLength=MAX_SEALED),
        },
        "encrypted_content",
        description="What was compacted, sent back as it came.",
    ),
    "CompactionTrigger": kind(
        "compaction_trigger",
        {},
        description="As the last item: compact the conversation, and do nothing else.",
    ),
    "RequestItemReference": either(
        kind("item_reference", {"id": _STORED_ID}, "id"),
        {
            **table({"id": _STORED_ID, "type": {"type": "null"}}, required=["id"]),
            "additionalProperties": {"type": "null"},
        },
        description="Stands for an item that is stored.",
    ),
    "AdditionalTools": kind(
        "additional_tools",
        {"tools": listing(ref("RequestTool"))},
        "tools",
        description="Tools that come in the course of the conversation.",
    ),
    "HostedToolItem": table(
        {"type": word(_RECEIPTS)},
        required=["type"],
        description="Receipts of tools that their maker hosts: read, and left out.",
    ),
}
