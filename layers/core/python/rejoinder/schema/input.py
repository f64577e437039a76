"""Input items as clients send them → those of `schema.items`. Contract §2.1 and §2.3.

What we do with a type that we do not know depends on what would be lost by dropping it:

* receipts of hosted tools and notes to OpenAI's own machinery (`web_search_call`, `mcp_call`,
  `tool_search_call`, `configuration_update`, …) say nothing the next turn needs: dropped, for
  clients replay them unasked;
* calls that a client carried out and we cannot show to a model (`shell_call`, `computer_call`, …),
  words of other agents (`agent_message`) and plain misspellings would silently change the
  conversation: refused.

Ids are taken as they are, whatever their prefix; a `status` that is none counts as completed.
"""

from typing import Annotated, Literal, NotRequired, TypedDict

from pydantic import AfterValidator, FailFast, Field, PlainValidator

from rejoinder.schema.items import (
    JSON,
    Compaction,
    CustomToolCall,
    CustomToolCallOutput,
    FunctionCall,
    FunctionCallOutput,
    ItemReference,
    Reasoning,
    ReasoningText,
    SummaryText,
)
from rejoinder.schema.messages import (
    MAX_ID,
    MESSAGES,
    Id,
    Identified,
    item_id,
    item_status,
    message_kind,
)
from rejoinder.schema.parts import Text, UserPart
from rejoinder.schema.reading import OneOf, TextOr
from rejoinder.schema.toolbox import AnyTool

MAX_SEALED = 20_971_520  # characters of `encrypted_content`

_CallId = Annotated[str, Field(min_length=1, max_length=64)]
_Name = Annotated[str, Field(min_length=1, max_length=128)]


class _FunctionCall(Identified):
    call_id: _CallId
    name: _Name
    arguments: Text
    namespace: NotRequired[_Name | None]


class _CustomToolCall(Identified):
    call_id: _CallId
    name: _Name
    input: Text
    namespace: NotRequired[_Name | None]


class _CallOutput(Identified):
    call_id: _CallId
    output: Annotated[JSON, TextOr(UserPart, " of content parts (JSON goes as a string)")]


class _Reasoning(TypedDict):
    id: NotRequired[Id | None]
    summary: NotRequired[Annotated[list[SummaryText], FailFast()] | None]
    content: NotRequired[Annotated[list[ReasoningText], FailFast()] | None]
    encrypted_content: NotRequired[Annotated[str, Field(max_length=MAX_SEALED)] | None]


class _Compaction(TypedDict):
    id: NotRequired[Id | None]
    encrypted_content: Annotated[str, Field(min_length=1, max_length=MAX_SEALED)]


class _Reference(TypedDict):
    id: Annotated[str, Field(min_length=1, max_length=MAX_ID)]


class _Trigger(TypedDict):
    type: Literal["compaction_trigger"]


class _AdditionalTools(TypedDict):
    type: Literal["additional_tools"]
    tools: Annotated[list[AnyTool], FailFast()]


def _function_call(item: _FunctionCall) -> FunctionCall:
    call: FunctionCall = {
        "id": item_id(item, "fc"),
        "type": "function_call",
        "status": item_status(item),
        "arguments": item["arguments"],
        "call_id": item["call_id"],
        "name": item["name"],
    }
    if namespace := item.get("namespace"):
        call["namespace"] = namespace
    return call


def _custom_tool_call(item: _CustomToolCall) -> CustomToolCall:
    call: CustomToolCall = {
        "id": item_id(item, "ctc"),
        "type": "custom_tool_call",
        "status": item_status(item),
        "call_id": item["call_id"],
        "input": item["input"],
        "name": item["name"],
    }
    if namespace := item.get("namespace"):
        call["namespace"] = namespace
    return call


def _function_call_output(item: _CallOutput) -> FunctionCallOutput:
    return {
        "id": item_id(item, "fco"),
        "type": "function_call_output",
        "status": item_status(item),
        "call_id": item["call_id"],
        "output": item["output"],
    }


def _custom_tool_call_output(item: _CallOutput) -> CustomToolCallOutput:
    return {
        "id": item_id(item, "ctco"),
        "type": "custom_tool_call_output",
        "status": item_status(item),
        "call_id": item["call_id"],
        "output": item["output"],
    }


def _reasoning(item: _Reasoning) -> Reasoning:
    reasoning: Reasoning = {
        "id": item_id(item, "rs"),
        "type": "reasoning",
        "summary": item.get("summary") or [],
    }
    if content := item.get("content"):
        reasoning["content"] = content
    if sealed := item.get("encrypted_content"):
        reasoning["encrypted_content"] = sealed
    return reasoning


def _compaction(item: _Compaction) -> Compaction:
    sealed = item["encrypted_content"]
    return {"id": item_id(item, "cmp"), "type": "compaction", "encrypted_content": sealed}


def _reference(item: _Reference) -> ItemReference:
    return {"id": item["id"], "type": "item_reference"}


def _receipt(_: JSON) -> JSON:
    return {"type": "receipt"}


_TYPES = {
    "function_call": Annotated[_FunctionCall, AfterValidator(_function_call)],
    "function_call_output": Annotated[_CallOutput, AfterValidator(_function_call_output)],
    "custom_tool_call": Annotated[_CustomToolCall, AfterValidator(_custom_tool_call)],
    "custom_tool_call_output": Annotated[_CallOutput, AfterValidator(_custom_tool_call_output)],
    "reasoning": Annotated[_Reasoning, AfterValidator(_reasoning)],
    "compaction": Annotated[_Compaction, AfterValidator(_compaction)],
    "item_reference": Annotated[_Reference, AfterValidator(_reference)],
}
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
_ELSEWHERE = "It can be read by OpenAI's own service only."
_HINTS = {
    "agent_message": ("invalid_value", "Send it as a message with a role."),
    "local_shell_call": ("invalid_value", _ELSEWHERE),
    "local_shell_call_output": ("invalid_value", _ELSEWHERE),
    "shell_call": ("invalid_value", _ELSEWHERE),
    "shell_call_output": ("invalid_value", _ELSEWHERE),
    "apply_patch_call": ("invalid_value", _ELSEWHERE),
    "apply_patch_call_output": ("invalid_value", _ELSEWHERE),
    "computer_call": ("invalid_value", _ELSEWHERE),
    "computer_call_output": ("invalid_value", _ELSEWHERE),
}
# What is read, but never kept as an item: `schema.request` takes the tools, does what the trigger
# says, and drops the receipts.
_NOT_KEPT = dict.fromkeys(_RECEIPTS, Annotated[JSON, PlainValidator(_receipt)]) | {
    "additional_tools": _AdditionalTools,
    "compaction_trigger": _Trigger,
}
_TYPED = _TYPES | _NOT_KEPT


def _kind_of(item: JSON) -> str | None:
    """The kind of an item: its type, the role of a message, or what the missing type must be."""
    if not isinstance(item, dict):
        return None
    kind = item.get("type")
    if kind == "message" or (kind is None and ("role" in item or "content" in item)):
        return message_kind(item)
    if kind is None:
        said = {key for key, value in item.items() if value is not None}
        return "item_reference" if said == {"id"} else None
    return kind if isinstance(kind, str) and kind in _TYPED else None


AnyItem = Annotated[
    JSON,
    OneOf(
        MESSAGES | _TYPED,
        _HINTS,
        kind_of=_kind_of,
        names=["message", *_TYPES],
        example='{"role": "user", "content": "…"}',
    ),
]
