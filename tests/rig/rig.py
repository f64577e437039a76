"""The rig: a stack's functions, gateway and queues, running."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Self

from tests.rig import services
from tests.rig.fleet import Fleet
from tests.rig.gateway import RestApi
from tests.rig.processes import Say
from tests.rig.queue_pump import QueuePump
from tests.rig.reaper import Reaper
from tests.rig.service_door import ServiceDoor
from tests.rig.stack import STAGE, Stack

type MakeStack = Callable[[str], Stack]  # from the address of AWS


class Rig:
    """Runs on the event loop that starts it.

    `aws` is where AWS is: moto's server. Functions go through a door in front of it.
    """

    def __init__(self, aws: str, say: Say) -> None:
        self.door = ServiceDoor(aws)
        self.fleets: dict[str, Fleet] = {}
        self.pumps: dict[str, QueuePump] = {}
        self._aws = aws
        self._say = say
        self._started = AsyncExitStack()

    async def start(self, make: MakeStack, port: int = 0) -> Self:
        """Create what the stack needs, and open the gateway."""
        reaper = Reaper()
        self._started.callback(reaper.close)
        endpoint = await self.door.start()
        self._started.push_async_callback(self.door.stop)
        self.stack = make(endpoint)
        await services.create(self.stack, self._aws)
        for name, function in self.stack.functions.items():
            reached = replace(function, env={"AWS_ENDPOINT_URL": endpoint, **function.env})
            self.fleets[name] = Fleet(reached, self._say, reaper)
            self._started.push_async_callback(self.fleets[name].stop)
        self._feed()
        api = RestApi(self.stack, self.fleets, self._say)
        self.port = await api.listen(port)
        self._started.push_async_callback(api.stop)
        return self

    @property
    def url(self) -> str:
        """The API at its stage."""
        return f"http://127.0.0.1:{self.port}/{STAGE}"

    async def stop(self) -> None:
        """End everything that was started, the last first."""
        await self._started.aclose()

    def _feed(self) -> None:
        for queue in self.stack.queues:
            if queue.function:
                fleet = self.fleets[queue.function]
                pump = QueuePump(queue, fleet, self._aws, self._say)
                pump.start()
                self.pumps[queue.name] = pump
                self._started.push_async_callback(pump.stop)
