"""The rig's back door, for tests in other processes: JSON over HTTP.

GET  /state                                                     processes, calls, violations
POST /kill      {"function": "worker"}                          crash what works
POST /configure {"function": "worker", "timeout_seconds": 20}   as of the next invocation
POST /throttle  {"operation": "PutItem", "times": 3}            let AWS refuse
POST /queue     {"name": "QueueJobs", "twice": "afterwards"}    members of Mischief
"""

import asyncio
import json
from dataclasses import replace
from typing import Any

from tests.rig.rig import Rig
from tests.rig.wire import BadHttp, Body, Head, answer_bytes, close, read_head

type JSON = Any

LARGEST_BODY_BYTES = 1024 * 1024


class Control:
    """Serves one rig."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    async def start(self) -> int:
        """Begin to listen; the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Listen no more."""
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await read_head(reader)
            if head is not None:
                body = await Body(reader, head).read(at_most_bytes=LARGEST_BODY_BYTES)
                told = json.dumps(self._answer(head, json.loads(body or b"{}"))).encode()
                json_type = [("Content-Type", "application/json"), ("Connection", "close")]
                writer.write(answer_bytes(200, json_type, told))
                await writer.drain()
        except (BadHttp, ConnectionError, asyncio.IncompleteReadError):
            pass  # the test has gone
        finally:
            await close(writer)

    def _answer(self, head: Head, told: JSON) -> JSON:
        match head.method, head.target:
            case "GET", "/state":
                return self._state()
            case "POST", "/kill":
                return {"killed": self._rig.fleets[told["function"]].kill_working()}
            case "POST", "/configure":
                self._rig.fleets[told.pop("function")].configure(**told)
            case "POST", "/throttle":
                self._rig.door.throttle(told["operation"], told["times"])
            case "POST", "/queue":
                pump = self._rig.pumps[told.pop("name")]
                pump.mischief = replace(pump.mischief, **told)
            case _:
                return {"error": f"{head.method} {head.target}"}
        return {}

    def _state(self) -> JSON:
        functions = {
            name: {
                "invoked": fleet.invoked,
                "is_idle": fleet.is_idle,
                "pids": [process.pid for process in fleet.processes],
                "answering": sum(process.is_answering for process in fleet.processes),
                "violations": fleet.violations,
            }
            for name, fleet in self._rig.fleets.items()
        }
        return {"functions": functions, "calls": dict(self._rig.door.calls)}
