"""Work for a client that may go away."""

import asyncio
from collections.abc import Coroutine

from starlette.types import Receive


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


async def unless_gone[T](receive: Receive, work: Coroutine[object, object, T]) -> T:
    """The result of `work`, which is cancelled when the client disconnects.

    Raises:
        ClientGone: if it did.
    """
    working = asyncio.ensure_future(work)
    listening = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({working, listening}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        listening.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
