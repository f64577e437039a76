"""How these tests ask and wait: by the official client, and byte by byte."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from openai import OpenAI
from openai.types.responses import Response

from tests.clients.models import Models
from tests.server import KEY, Server
from tests.upstreams.chat_replies import Reply, text
from tests.upstreams.chat_troubles import Stall

type JSON = Any

SETTINGS = """
patience_seconds = 0.5
retries = 0

[background]
workers = 16

[models."raw-*"]
reasoning_output = "raw"

[models."thinker-*"]
sends_reasoning_back = true
"""
MAX_WAITING = 3
NARROW = f"""
retries = 0

[background]
workers = 1
max_waiting = {MAX_WAITING}
"""

POLL_SECONDS = 0.05
WITHIN_SECONDS = 20.0
FOREVER_SECONDS = 60.0

WORDS = [f"{number} " for number in range(12)]
SILENT = text("Never").troubled(Stall("start", FOREVER_SECONDS))  # not even headers come
STALLING = text("One, ", "two.").troubled(Stall(1, FOREVER_SECONDS))  # it stops in the middle


def slow(*words: str) -> Reply:
    """A text that takes its time."""
    return text(*words).paced(0.05)


def ended(client: OpenAI, response: Response | str) -> Response:
    """The response when it has ended: polled, as the documentation shows."""
    response_id = response if isinstance(response, str) else response.id
    deadline = time.monotonic() + WITHIN_SECONDS
    found = client.responses.retrieve(response_id)
    while found.status in {"queued", "in_progress"}:
        assert time.monotonic() < deadline, f"it never ended: {found.status}"
        time.sleep(POLL_SECONDS)
        found = client.responses.retrieve(response_id)
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what must come true soon."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(POLL_SECONDS)


def running(client: OpenAI, models: Models, model: str, **more: JSON) -> Response:
    """A background response whose upstream has been asked."""
    response: Response = client.responses.create(
        model=model, input="Count!", background=True, **more
    )
    assert models.upstream.wait_until(lambda: len(models.heard(model)) == 1)
    return response


@contextmanager
def busy(client: OpenAI, models: Models) -> Iterator[Response]:
    """The only worker of a narrow server has something to do until this ends."""
    occupying = running(client, models, models.saying(SILENT))
    try:
        yield occupying
    finally:
        client.responses.cancel(occupying.id)


def post(server: Server, *, key: str = KEY, **body: JSON) -> httpx.Response:
    """A request by hand, and all of its answer."""
    headers = {"Authorization": f"Bearer {key}", **body.pop("headers", {})}
    return httpx.post(f"{server.base_url}/responses", json=body, headers=headers, timeout=30)


def frames(server: Server, response_id: str, after: int | None = None) -> list[str]:
    """What a response's stream holds above a number, to the end, as it is on the wire."""
    query: JSON = {"stream": "true"} | ({} if after is None else {"starting_after": after})
    url, headers = f"{server.base_url}/responses/{response_id}", {"Authorization": f"Bearer {KEY}"}
    return frames_in(httpx.get(url, params=query, headers=headers, timeout=30))


def frames_in(answer: httpx.Response) -> list[str]:
    """The frames of a stream that has ended in order, without its last word and comments."""
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8", answer.text
    *told, done, nothing = answer.text.split("\n\n")
    assert (done, nothing) == ("data: [DONE]", "")
    return [frame for frame in told if not frame.startswith(":")]


def event_of(frame: str) -> JSON:
    """What a frame says."""
    return json.loads(frame.partition("\ndata: ")[2])
