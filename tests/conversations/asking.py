"""The ways to ask for a response, which must not differ in what they leave behind."""

from collections.abc import Callable, Mapping
from typing import Any

from openai import OpenAI
from openai.types.responses import Response

from tests.background.asking import ended

type JSON = Any
type Ask = Callable[..., Response]


def in_json(client: OpenAI, **asked: JSON) -> Response:
    """The whole response, at once."""
    response: Response = client.responses.create(**asked)
    return response


def in_a_stream(client: OpenAI, **asked: JSON) -> Response:
    """Of a stream its last event; nobody waits for the connection to close."""
    with client.responses.create(**asked, stream=True) as stream:
        for event in stream:
            if event.type in ("response.completed", "response.incomplete"):
                return event.response
    raise AssertionError("the stream had no end")


def in_the_background(client: OpenAI, **asked: JSON) -> Response:
    """Polled until it has ended."""
    return ended(client, in_json(client, **asked, background=True))


def in_a_background_stream(client: OpenAI, **asked: JSON) -> Response:
    """Followed while a worker makes it."""
    return in_a_stream(client, **asked, background=True)


def unstored(client: OpenAI, **asked: JSON) -> Response:
    """At once, and kept nowhere."""
    return in_json(client, **asked, store=False)


def unstored_in_a_stream(client: OpenAI, **asked: JSON) -> Response:
    """Told, and kept nowhere."""
    return in_a_stream(client, **asked, store=False)


WAYS: Mapping[str, Ask] = {
    ask.__name__: ask
    for ask in (
        in_json,
        in_a_stream,
        in_the_background,
        in_a_background_stream,
        unstored,
        unstored_in_a_stream,
    )
}
