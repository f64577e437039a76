"""Checks of what a model is told: conversations, counted and compacted; the other prefix."""

from http import HTTPStatus

from msgspec import Struct

from infra.smoke.endpoint import Endpoint, Refusal, ok, read_as
from infra.smoke.listening import Response
from infra.smoke.outcome import Outcome, expected, judged, require

TURNS = ("Hello!", "And again!")
PREFIX = "/v1/openai"


class Conversation(Struct, frozen=True):
    """What is looked at of a conversation."""

    id: str


class Kind(Struct, frozen=True):
    """What is looked at of an item."""

    type: str
    role: str = ""


class Items(Struct, frozen=True):
    """A page of a conversation."""

    data: list[Kind]


class Count(Struct, frozen=True):
    """What a request would take."""

    input_tokens: int


class Compacted(Struct, frozen=True):
    """What takes the place of a conversation."""

    output: list[Kind]


def conversation(endpoint: Endpoint) -> Outcome:
    """Whether two turns are kept in their order, and are gone with their conversation."""
    made = read_as(ok(endpoint.ask("POST", "/conversations", json={})), Conversation)
    path = f"/conversations/{made.id}"
    for said in TURNS:
        status = endpoint.make({"input": said, "conversation": made.id}).status
        require(status == "completed", f"a turn of a conversation ended as {status}")
    listed = ok(endpoint.ask("GET", f"{path}/items", params={"order": "asc"}))
    roles = [item.role for item in read_as(listed, Items).data if item.type == "message"]
    require(roles == ["user", "assistant"] * len(TURNS), f"its messages are of {roles}")
    ok(endpoint.ask("DELETE", path))
    gone = endpoint.ask("GET", path)
    require(gone.status_code == HTTPStatus.NOT_FOUND, f"after DELETE it is {gone.status_code}")
    read_as(gone, Refusal)
    return expected(f"{len(TURNS)} turns are {len(roles)} messages in order, and gone when deleted")


def input_tokens(endpoint: Endpoint) -> Outcome:
    """What a request is said to take, before it is made."""
    asked = {"model": endpoint.model, "input": TURNS[0]}
    reply = ok(endpoint.ask("POST", "/responses/input_tokens", json=asked))
    count = read_as(reply, Count).input_tokens
    way = reply.headers.get("x-token-count", "not said how")
    return judged(f"{endpoint.model}: {count} ({way})", is_expected=count > 0)


def compact(endpoint: Endpoint) -> Outcome:
    """Whether a conversation is compacted, and goes on from there."""
    asked = {"model": "demo", "input": TURNS[0]}
    reply = ok(endpoint.ask("POST", "/responses/compact", json=asked))
    kinds = [item.type for item in read_as(reply, Compacted).output]
    require("compaction" in kinds, f"compacted, it is {kinds}")
    output = reply.json()["output"]
    turn = {"role": "user", "content": TURNS[1]}
    ended = endpoint.make({"input": [*output, turn]})
    require(ended.status == "completed", f"the turn after it ended as {ended.status}")
    return expected(f"{', '.join(kinds)}, after which a turn is {ended.status}")


def other_prefix(endpoint: Endpoint) -> Outcome:
    """Whether what is made under one prefix is found under the other."""
    prefix = f"{endpoint.root_url}{PREFIX}"
    asked = {"model": "demo", "input": TURNS[0]}
    made = read_as(ok(endpoint.ask("POST", f"{prefix}/responses", json=asked)), Response)
    found = endpoint.get(made.id)
    require(found.output_text == made.output_text, "found under /v1, it is another")
    ok(endpoint.ask("DELETE", f"{prefix}/responses/{made.id}"))
    return expected(f"{PREFIX} makes, /v1 finds, {PREFIX} deletes")
