"""The two callables of an ASGI application for one HTTP request (ASGI specification, HTTP 2.4)."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from rejoinder_runtime.answer import Answer

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Exchange:
    """A request that was read whole, and the answer to it."""

    def __init__(self, body: bytes, answer: Answer, *, is_head: bool) -> None:
        self._request: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._answer = answer
        self._is_head = is_head

    async def receive(self) -> Message:
        """The request; after that, the end of the exchange."""
        if (request := self._request) is not None:
            self._request = None
            return request
        await self._answer.over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Answer.

        Raises:
            ClientGone: if nobody reads it.
            RuntimeError: if the message is not in order.
            PreludeTooLarge: if the headers are too long.
        """
        match message["type"]:
            case "http.response.start":
                self._answer.begin(message["status"], message.get("headers", ()))
            case "http.response.body":
                body = b"" if self._is_head else message.get("body", b"")
                await self._answer.send(body, is_last=not message.get("more_body", False))
            case other:
                raise RuntimeError(f"{other!r} is no message of an HTTP answer")
