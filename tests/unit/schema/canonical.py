"""Items and tools in canonical form, as the tables of accepted requests write them.

New ids stand as their bare prefix: `msg_…` is "msg".
"""

from typing import NamedTuple

from tests.unit.schema.rows import JSON

PNG = "data:image/png;base64,iVBORw0KGgo="
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Accepted(NamedTuple):
    """One request, and the fields of the `CreateResponse` it becomes."""

    name: str
    body: JSON
    becomes: dict[str, JSON]


def user(*parts: JSON, id: str = "msg") -> dict[str, JSON]:
    """A user's message in canonical form; bare strings are texts."""
    content = [{"type": "input_text", "text": p} if isinstance(p, str) else p for p in parts]
    return {
        "id": id,
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": content,
    }


def system(text: str, role: str = "system", id: str = "msg") -> dict[str, JSON]:
    """A system's or developer's message in canonical form."""
    return user(text, id=id) | {"role": role}


def assistant(text: str, id: str = "msg", **more: JSON) -> dict[str, JSON]:
    """A model's message in canonical form."""
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    return user(part, id=id) | {"role": "assistant"} | more


def call(id: str = "fc", **more: JSON) -> dict[str, JSON]:
    """A function call in canonical form."""
    return {
        "id": id,
        "type": "function_call",
        "status": "completed",
        "arguments": '{"city":"Oslo"}',
        "call_id": "call_1",
        "name": "get_weather",
    } | more


def result(output: JSON = "Snow.", id: str = "fco", **more: JSON) -> dict[str, JSON]:
    """The result of a call in canonical form."""
    return {
        "id": id,
        "type": "function_call_output",
        "status": "completed",
        "call_id": "call_1",
        "output": output,
    } | more


def known(name: str = "get_weather", **more: JSON) -> dict[str, JSON]:
    """A function tool in canonical form."""
    return {
        "type": "function",
        "name": name,
        "description": None,
        "parameters": WEATHER,
        "strict": None,
    } | more
