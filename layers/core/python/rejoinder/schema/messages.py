"""Messages as clients send them → those of `schema.items`. Contract §2.1.

A string as content becomes one part; each role may say only its own kinds of parts.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NoReturn, NotRequired, TypedDict

from pydantic import AfterValidator, Field, PlainValidator

from rejoinder.schema.ids import Prefix, new_id
from rejoinder.schema.items import JSON, ItemStatus, Message, Part, Phase, Role
from rejoinder.schema.parts import AssistantPart, SystemPart, UserPart, input_text, output_text
from rejoinder.schema.reading import TextOr, listed, missing, refusal, shown, wrong_type

MAX_ID = 512  # characters; Copilot's encrypted ids are long, keys of a table are not endless

Id = Annotated[str, Field(max_length=MAX_ID)]


class Identified(TypedDict):
    """What every item may have."""

    id: NotRequired[Id | None]
    status: NotRequired[JSON]


class _UserMessage(Identified):
    role: Literal["user"]
    content: Annotated[JSON, TextOr(UserPart)]


class _SystemMessage(Identified):
    role: Literal["system", "developer"]
    content: Annotated[JSON, TextOr(SystemPart)]


class _AssistantMessage(Identified):
    role: Literal["assistant"]
    content: Annotated[JSON, TextOr(AssistantPart)]
    phase: NotRequired[Phase | None]


def item_id(item: Mapping[str, Any], prefix: Prefix) -> str:
    """The client's id, or a new one."""
    return item.get("id") or new_id(prefix)


def item_status(item: Mapping[str, Any]) -> ItemStatus:
    """The client's status, if it is one."""
    status = item.get("status")
    return status if status in ("in_progress", "incomplete") else "completed"


def _message(item: Mapping[str, Any], role: Role, content: list[Part]) -> Message:
    return {
        "id": item_id(item, "msg"),
        "type": "message",
        "status": item_status(item),
        "role": role,
        "content": content,
    }


def _asked(item: _UserMessage | _SystemMessage) -> Message:
    content = item["content"]
    parts = [input_text(content)] if isinstance(content, str) else content
    return _message(item, item["role"], parts)


def _said(item: _AssistantMessage) -> Message:
    content = item["content"]
    parts = [output_text(content)] if isinstance(content, str) else content
    said = _message(item, "assistant", parts)
    if phase := item.get("phase"):
        said["phase"] = phase
    return said


# Role → kind of message.
ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}


def _refuse_role(item: JSON) -> NoReturn:
    role = item.get("role")
    if role is None:
        raise missing(f"is required: {listed(ROLES)}.", at="role")
    if not isinstance(role, str):
        raise wrong_type("a string", role, at="role")
    say = f"must be {listed(ROLES)}; got {shown(role)}."
    if role in ("tool", "function"):
        say += " Send the result of a tool as an item of type 'function_call_output'."
    raise refusal("invalid_value", say, at="role")


def message_kind(item: JSON) -> str:
    """Which of `MESSAGES` reads this one."""
    role = item.get("role")
    return ROLES.get(role, "message") if isinstance(role, str) else "message"


MESSAGES = {
    "user": Annotated[_UserMessage, AfterValidator(_asked)],
    "assistant": Annotated[_AssistantMessage, AfterValidator(_said)],
    "system": Annotated[_SystemMessage, AfterValidator(_asked)],
    "message": Annotated[JSON, PlainValidator(_refuse_role)],
}
