"""What a server asks of the application besides requests, and what a fault of ours looks like."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing

import pytest
from starlette.types import Message, Scope

from tests.api.door import SECRET, Door, error_of


async def driven(door: Door, scope: Scope, messages: Iterable[Message] = ()) -> list[str]:
    """The types of what the application sends."""
    incoming, sent = iter(messages), list[str]()

    async def receive() -> Message:
        return next(incoming)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await door.app(scope, receive, send)
    return sent


async def test_the_application_lives_through_the_life_of_a_server(door: Door) -> None:
    sent = await driven(
        door,
        {"type": "lifespan"},
        [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}],
    )

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_server_that_speaks_websockets_is_told_to_hang_up(door: Door) -> None:
    assert await driven(door, {"type": "websocket"}) == ["websocket.close"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_fault_of_ours_is_told_without_its_reasons(door: Door, stream: bool) -> None:
    response = await door.create()
    with closing(sqlite3.connect(door.path)) as db:
        db.execute("ALTER TABLE responses RENAME TO lost")
    body = {
        "model": "demo",
        "input": SECRET,
        "stream": stream,
        "previous_response_id": response["id"],
    }

    retrieved = await door.http.get(f"/v1/responses/{response['id']}")
    created = await door.http.post("/v1/responses", json=body)

    for answer in (retrieved, created):
        assert answer.status_code == 500
        error = error_of(answer)
        assert (error["type"], error["code"]) == ("api_error", "internal_error")
        assert "table" not in error["message"]
