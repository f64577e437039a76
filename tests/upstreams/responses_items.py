"""The input items of a Responses request, and the rules between them when nothing is stored."""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from tests.upstreams.checks import (
    At,
    Check,
    Refusal,
    anything,
    array,
    fields,
    mapping,
    nullable,
    one_of,
    string,
    tagged,
    wrong_type,
)
from tests.upstreams.responses_secrets import FOLDED, Locksmith

type JSON = Any

STATUS = nullable(one_of("in_progress", "completed", "incomplete"))
CALL_ID = string(longest=64, empty=False)


def _id(prefix: str) -> Check:
    def check(value: JSON, at: At) -> None:
        string(longest=64)(value, at)
        if not value.startswith(f"{prefix}_"):
            message = f"Invalid '{at}': '{value}'. Expected an ID that begins with '{prefix}'."
            raise Refusal(message, param=str(at), code="invalid_value")

    return check


INPUT_TEXT = fields({"type": anything, "text": string()})
INPUT_IMAGE = fields(
    {"type": anything},
    {
        "image_url": string(),
        "file_id": string(),
        "detail": one_of("low", "high", "auto", "original"),
    },
)
INPUT_FILE = fields(
    {"type": anything},
    {"filename": string(), "file_data": string(), "file_url": string(), "file_id": string()},
)
HEARD: Mapping[str, Check] = {
    "input_text": INPUT_TEXT,
    "input_image": INPUT_IMAGE,
    "input_file": INPUT_FILE,
}
OUTPUT_TEXT = fields(
    {"type": anything, "text": string()}, {"annotations": array(mapping), "logprobs": anything}
)
SPOKEN: Mapping[str, Check] = {
    "output_text": OUTPUT_TEXT,
    "refusal": fields({"type": anything, "refusal": string()}),
}
SUMMARY = tagged({"summary_text": fields({"type": anything, "text": string()})})


def _text_or(parts: Check) -> Check:
    def check(value: JSON, at: At) -> None:
        if not isinstance(value, str):
            parts(value, at)

    return check


def _message(value: JSON, at: At) -> None:
    one_of("user", "assistant", "system", "developer")(value.get("role"), at.key("role"))
    is_said = value["role"] == "assistant"
    parts = array(tagged(SPOKEN if is_said else HEARD), shortest=1)
    phase: Mapping[str, Check] = {"phase": one_of("commentary", "final_answer")} if is_said else {}
    known = {"id": _id("msg"), "status": STATUS, "type": anything, **phase}
    fields({"role": anything, "content": _text_or(parts)}, known)(value, at)


def _call(prefix: str, text: str) -> Check:
    return fields(
        {"type": anything, "call_id": CALL_ID, "name": string(longest=128), text: string()},
        {"id": _id(prefix), "status": STATUS, "namespace": string()},
    )


def _output(prefix: str) -> Check:
    parts = array(tagged(HEARD))
    return fields(
        {"type": anything, "call_id": CALL_ID, "output": _text_or(parts)},
        {"id": _id(prefix), "status": STATUS},
    )


ITEMS: Mapping[str, Check] = {
    "message": _message,
    "function_call": _call("fc", "arguments"),
    "function_call_output": _output("fco"),
    "custom_tool_call": _call("ctc", "input"),
    "custom_tool_call_output": _output("ctco"),
    "reasoning": fields(
        {"type": anything, "id": _id("rs"), "summary": array(SUMMARY)},
        {"encrypted_content": nullable(string()), "content": anything},
    ),
    "compaction": fields(
        {"type": anything, "encrypted_content": string(empty=False)}, {"id": nullable(_id("cmp"))}
    ),
    "item_reference": fields({"type": anything, "id": string()}),
    "web_search_call": fields(
        {"type": anything, "id": _id("ws")}, {"status": STATUS, "action": mapping}
    ),
}


def check_input(value: JSON, at: At) -> list[JSON]:
    """The items; a string is one message of the user's."""
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": value}]
    if not isinstance(value, list):
        raise wrong_type(at, "one of a string or an array", value)
    items = [{"type": "message"} | item if "role" in item else item for item in value]
    array(tagged(ITEMS))(items, at)
    return items


def check_conversation(items: list[JSON], locksmith: Locksmith) -> None:
    """Refuse what cannot be known without storage, and what is torn apart."""
    for item in items:
        if item["type"] == "item_reference":
            raise _not_found(item["id"])
        if item["type"] == "reasoning":
            _check_thinking(item, locksmith)
        if item["type"] == "compaction" and not locksmith.fits(FOLDED, item["encrypted_content"]):
            raise _unverified(item["encrypted_content"])
    for item, after in pairwise([*items, None]):
        if item["type"] == "reasoning" and not _follows_thinking(after):
            message = (
                f"Item '{item['id']}' of type 'reasoning' was provided without its required "
                "following item."
            )
            raise Refusal(message, param="input")
    _check_pairs(items)


def _not_found(item_id: str) -> Refusal:
    message = (
        f"Item with id '{item_id}' not found. Items are not persisted when `store` is set to "
        "false. Try again with `store` set to true, or remove this item from your input."
    )
    return Refusal(message, param="input", status=404)


def _check_thinking(item: JSON, locksmith: Locksmith) -> None:
    blob = item.get("encrypted_content")
    if not blob:
        raise _not_found(item["id"])
    if not locksmith.fits(item["id"], blob):
        raise _unverified(blob)


def _unverified(blob: str) -> Refusal:
    message = (
        f"The encrypted content {blob[:4]}...{blob[-4:]} could not be verified. Reason: Encrypted "
        "content could not be decrypted or parsed."
    )
    return Refusal(message, code="invalid_encrypted_content")


def _follows_thinking(item: JSON) -> bool:
    kinds = ("reasoning", "function_call", "custom_tool_call", "web_search_call")
    return item is not None and (item["type"] in kinds or item.get("role") == "assistant")


def _check_pairs(items: list[JSON]) -> None:
    for kind in ("function_call", "custom_tool_call"):
        words = kind.replace("_", " ")
        called = [item["call_id"] for item in items if item["type"] == kind]
        answered = [item["call_id"] for item in items if item["type"] == f"{kind}_output"]
        for call_id in answered:
            if call_id not in called:
                message = f"No tool call found for {words} output with call_id {call_id}."
                raise Refusal(message, param="input")
        for call_id in called:
            if call_id not in answered:
                message = f"No tool output found for {words} {call_id}."
                raise Refusal(message, param="input")


def words_of(items: list[JSON]) -> str:
    """What was said last, by the user or by a tool."""
    last = items[-1] if items else {}
    told = last.get("content", last.get("output", ""))
    if isinstance(told, str):
        return told
    texts = [part.get("text", "") for part in told]
    return "".join(texts) or json.dumps(told)[:40]
