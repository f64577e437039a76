"""A time up to which an upstream is waited for; it may come earlier than was thought."""

import asyncio
from contextlib import aclosing
from math import inf
from time import time

from rejoinder.engine.pipeline import Deltas
from rejoinder.errors import GatewayError, TimeUp


class Deadline:
    """Ends a wait for deltas. `ends_at`: a time of day in Unix seconds; `inf`: there is no end."""

    def __init__(self, ends_at: float = inf) -> None:
        self._ends_at: float | None = None  # on the loop's clock
        if ends_at != inf:
            self._ends_at = asyncio.get_running_loop().time() + ends_at - time()
        self._error: GatewayError = TimeUp()
        self._has_come = False
        self._wait: asyncio.Timeout | None = None  # none while a reader takes what there is

    def expire(self, error: GatewayError) -> None:
        """Now, and for a reason of its own."""
        self._error, self._has_come = error, True
        if self._wait is not None and not self._wait.expired():
            self._wait.reschedule(0)

    async def limited(self, deltas: Deltas) -> Deltas:
        """The same deltas, until then.

        Raises:
            GatewayError: when it has come: `TimeUp`, or why it came early.
        """
        async with aclosing(deltas):
            while not self._has_come:
                try:
                    async with asyncio.timeout_at(self._ends_at) as self._wait:
                        batch = await anext(deltas)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    break
                finally:
                    self._wait = None
                yield batch
        raise self._error


def until(deltas: Deltas, ends_at: float) -> Deltas:
    """The same deltas, up to a time of day in Unix seconds; `inf`: there is no end.

    Raises:
        TimeUp: when it has come.
    """
    return deltas if ends_at == inf else Deadline(ends_at).limited(deltas)
