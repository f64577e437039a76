"""How the tables of malformed requests are written."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

JSON = Any


class Malformed(NamedTuple):
    """One request and its refusal; the status is 400 unless it says so."""

    name: str
    body: bytes
    code: str
    param: str | None
    status: int = 400


def saying(**fields: JSON) -> dict[str, JSON]:
    """A good request, with some fields of one's own."""
    return {"model": "demo", "input": "Hello."} | fields


def item(**fields: JSON) -> dict[str, JSON]:
    """A request with one item."""
    return saying(input=[fields])


def part(role: str = "user", /, **fields: JSON) -> dict[str, JSON]:
    """A request with one message of one part."""
    return item(role=role, content=[fields])


def tool(**fields: JSON) -> dict[str, JSON]:
    """A request with one tool."""
    return saying(tools=[fields])


def function(name: str = "look_up", **fields: JSON) -> dict[str, JSON]:
    """A good tool."""
    return {"type": "function", "name": name} | fields


def choice(value: JSON, *tools: JSON) -> dict[str, JSON]:
    """A request with a choice among tools."""
    return saying(tool_choice=value, tools=list(tools) or [function()])


def schema(**fields: JSON) -> dict[str, JSON]:
    """A request for structured output."""
    wanted = {"type": "json_schema", "name": "answer", "schema": {"type": "object"}}
    return saying(text={"format": wanted | fields})


def without(body: dict[str, JSON], *names: str) -> dict[str, JSON]:
    """A body that lacks some fields."""
    return {name: value for name, value in body.items() if name not in names}


def each(
    code: str, param: str | None, bodies: Mapping[str, JSON], *, status: int = 400
) -> Iterator[Malformed]:
    """Several requests that are refused alike."""
    for name, body in bodies.items():
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        yield Malformed(name, raw, code, param, status)
