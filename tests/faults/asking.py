"""What these tests say, what they must never find said again, and how they ask."""

import time
from collections.abc import Callable
from typing import Any

from tests.faults.wire import Exchange
from tests.server import OTHER_KEY, Server

type JSON = Any

WITHIN_SECONDS = 10.0

UPSTREAM_KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"  # as some services make them: plain digits
LEAKED_KEY = "sk-proj-LeakedByTheUpstream0123456789"
PROMPT = "prompt-nobody-may-log"
OUTPUT = "output-nobody-may-log"
UPSTREAM_SAID = "words-of-the-upstream"
SECRETS = (UPSTREAM_KEY, LEAKED_KEY, PROMPT, OUTPUT, UPSTREAM_SAID, OTHER_KEY)

WEATHER: JSON = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CODE: JSON = {"type": "custom", "name": "run_code"}


def body(model: str, **more: JSON) -> JSON:
    """A request for a response."""
    return {"model": model, "input": PROMPT, "tools": [WEATHER, CODE], **more}


def ask(server: Server, model: str, **more: JSON) -> Exchange:
    """Ask for a response, streamed unless told otherwise."""
    return Exchange(server, "/v1/responses", body(model, **{"stream": True, **more}))


def rejoin(
    server: Server, response_id: str, after: int | None = None, *, receive_buffer_bytes: int = 0
) -> Exchange:
    """Join the stream of a stored response, perhaps with little room for what comes."""
    path = f"/v1/responses/{response_id}?stream=true"
    if after is not None:
        path += f"&starting_after={after}"
    return Exchange(server, path, receive_buffer_bytes=receive_buffer_bytes)


def replayed(server: Server, response_id: str, after: int | None = None) -> list[bytes]:
    """All events of a stored response above a number, to its end."""
    with rejoin(server, response_id, after) as exchange:
        return list(exchange.events())


def retrieved(server: Server, response_id: str) -> JSON:
    """The stored response, or the error that comes instead."""
    with Exchange(server, f"/v1/responses/{response_id}") as exchange:
        return exchange.json()


def deleted(server: Server, response_id: str) -> int:
    """The status with which a response is deleted."""
    with Exchange(server, f"/v1/responses/{response_id}", method="DELETE") as exchange:
        return exchange.status


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what must come true soon."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def heal(server: Server) -> None:
    """Let the providers succeed once, so that those that failed too often are asked again."""
    for provider in ("scripted", "hasty"):
        with ask(server, f"{provider}/healthy", stream=False, store=False) as exchange:
            assert exchange.status == 200


def check_log(server: Server, *, may_fail: bool = False) -> None:
    """Nothing was logged that a client or an upstream said, and nothing broke."""
    assert [secret for secret in SECRETS if secret in server.log] == []
    if not may_fail:
        assert "Traceback" not in server.log, server.log
