"""What may stand in `messages`: roles, their fields, and the order of calls and their answers.

Two spellings of a path, `messages[1]` and `messages.[1]`, are both OpenAI's own.
"""

from collections.abc import Mapping
from typing import Any

from tests.upstreams.chat_parts import parts
from tests.upstreams.checks import (
    At,
    Check,
    Refusal,
    anything,
    array,
    fields,
    mapping,
    missing,
    nullable,
    one_of,
    string,
    tagged,
    wrong_type,
    wrong_value,
)

type JSON = Any

NAME = string(longest=64, pattern=r"[^\s<|\\/>]+")
TOOL_NAME = string(longest=64, pattern=r"[a-zA-Z0-9_-]+", empty=False)


def content(*kinds: str, null: bool = False) -> Check:
    """A string or parts of these kinds; null only where a call or a refusal may replace it."""
    check_parts = parts(*kinds)

    def check(value: JSON, at: At) -> None:
        if value is None and not null:
            raise Refusal(
                "Invalid value for 'content': expected a string, got null.",
                param=str(at).replace("messages[", "messages.["),
            )
        if isinstance(value, list):
            check_parts(value, at)
        elif value is not None and not isinstance(value, str):
            raise wrong_type(at, "one of a string or array of objects", value)

    return check


def _tool_calls(call_id_length: int) -> Check:
    called = {
        "id": string(longest=call_id_length, empty=False),
        "type": one_of("function", "custom"),
    }
    function = fields({"name": TOOL_NAME, "arguments": string()})
    custom = fields({"name": TOOL_NAME, "input": string()})
    variants = {
        "function": fields(called | {"function": function}),
        "custom": fields(called | {"custom": custom}),
    }
    calls = array(tagged(variants), shortest=1)

    def check(value: JSON, at: At) -> None:
        calls(value, at)
        ids = [call["id"] for call in value]
        if len(set(ids)) < len(ids):
            message = f"Invalid '{at}': two calls have the same id."
            raise Refusal(message, param=str(at), code="invalid_value")

    return check


def _roles(call_id_length: int) -> Mapping[str, Check]:
    role = {"role": anything}
    instructions = fields(role | {"content": content("text")}, {"name": NAME})
    user = content("text", "image_url", "input_audio", "file")
    return {
        "system": instructions,
        "assistant": fields(
            role,
            {
                "content": content("text", "refusal", null=True),
                "refusal": nullable(string()),
                "name": NAME,
                "tool_calls": _tool_calls(call_id_length),
                "function_call": nullable(mapping),
                "audio": nullable(mapping),
                "annotations": array(mapping),
            },
        ),
        "user": fields(role | {"content": user}, {"name": NAME}),
        "function": fields(role | {"name": NAME, "content": anything}),
        "tool": fields(
            role | {"content": content("text")}, {"tool_call_id": string(), "name": NAME}
        ),
        "developer": instructions,
    }


GENERIC_ROLES = ("system", "user", "assistant", "tool")


def check_messages(value: JSON, at: At, *, call_id_length: int, system_first: bool) -> None:
    """Refuse messages that OpenAI refuses; a lenient server knows fewer roles and more fields."""
    known = _roles(call_id_length)
    roles = {name: known[name] for name in (GENERIC_ROLES if at.lenient else known)}
    array(_message(roles), shortest=1)(value, at)
    for index, message in enumerate(value):
        if message["role"] == "assistant":
            _check_says_something(message, index)
        if system_first and message["role"] == "system" and index:
            raise Refusal("System message must be at the beginning.", param=str(at.item(index)))
    check_order(value)


def _message(roles: Mapping[str, Check]) -> Check:
    def check(value: JSON, at: At) -> None:
        mapping(value, at)
        if "role" not in value:
            raise missing(at.key("role"))
        if not isinstance(value["role"], str) or value["role"] not in roles:
            raise wrong_value(at.key("role"), value["role"], list(roles))
        roles[value["role"]](value, at)

    return check


def _check_says_something(message: JSON, index: int) -> None:
    replacing = ("tool_calls", "function_call", "refusal", "audio")
    if message.get("content") is None and not any(message.get(name) for name in replacing):
        raise Refusal(
            "Invalid value for 'content': expected a string, got null.",
            param=f"messages.[{index}].content",
        )


def check_order(messages: list[JSON]) -> None:
    """Each call is answered before anything else is said, and nothing else is answered."""
    open_calls: dict[str, int | None] = {}
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            _check_answer(message, index, open_calls)
        else:
            _check_all_answered(open_calls, index)
            open_calls = {call["id"]: None for call in message.get("tool_calls") or []}
    _check_all_answered(open_calls, len(messages) - 1)


def _check_answer(message: JSON, index: int, open_calls: dict[str, int | None]) -> None:
    where = f"messages.[{index}]"
    if not open_calls:
        raise Refusal(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
            "message with 'tool_calls'.",
            param=f"{where}.role",
        )
    answered = message.get("tool_call_id")
    if answered is None:
        raise Refusal(
            "Missing parameter 'tool_call_id': messages with role 'tool' must have a "
            "'tool_call_id'.",
            param=f"{where}.tool_call_id",
        )
    if answered not in open_calls:
        raise Refusal(
            f"Invalid parameter: 'tool_call_id' of '{answered}' not found in 'tool_calls' of "
            "previous message.",
            param=f"{where}.tool_call_id",
        )
    if (earlier := open_calls[answered]) is not None:
        raise Refusal(
            f"Invalid parameter: Duplicate value for 'tool_call_id' of '{answered}', in "
            f"messages[{earlier}] and messages[{index}].",
            param=f"{where}.tool_call_id",
        )
    open_calls[answered] = index


def _check_all_answered(open_calls: dict[str, int | None], index: int) -> None:
    unanswered = [call_id for call_id, answer in open_calls.items() if answer is None]
    if unanswered:
        raise Refusal(
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(unanswered),
            param=f"messages.[{index}].role",
        )
