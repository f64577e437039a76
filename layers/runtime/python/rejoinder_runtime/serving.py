"""Event after event: from the Runtime API to the application, and its answer back."""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rejoinder_runtime.answer import Answer
from rejoinder_runtime.asgi import UnsupportedEvent, body_of, event_of, scope_of
from rejoinder_runtime.context import LambdaContext
from rejoinder_runtime.exchange import App, Exchange
from rejoinder_runtime.failures import Failure, log, log_failure
from rejoinder_runtime.invocation import Invocation
from rejoinder_runtime.runtime_api import RuntimeApi, RuntimeApiError

# The last resort of an application that did not look at its deadline: it is cancelled so long
# before, and the stream is ended after the grace, whether it has stopped or not.
BACKSTOP_SECONDS = 0.7
GRACE_SECONDS = 0.3

SILENT = Failure("Runtime.NoAnswer", "The application returned without an answer.", [])
UNFINISHED = Failure("Runtime.UnfinishedAnswer", "The application left its answer unfinished.", [])
OUT_OF_TIME = Failure("Runtime.DeadlineReached", "The application was cut off in time.", [])


@dataclass
class Server:
    """Serves one application with `concurrency` invocations at a time, all on one event loop."""

    api: RuntimeApi
    app: App
    state: Mapping[str, Any]
    concurrency: int
    is_cold: bool = True

    async def serve(self) -> None:
        """Go on until cancelled.

        Raises:
            RuntimeApiError: if Lambda gives no more events.
            OSError: if it cannot be reached.
        """
        await asyncio.gather(*(self._serve_in_turn() for _ in range(self.concurrency)))

    async def _serve_in_turn(self) -> None:
        while True:
            await self._invoke(await self.api.next())

    async def _invoke(self, invocation: Invocation) -> None:
        if self.concurrency == 1:
            _export_trace(invocation.trace_id)
        answer = Answer(self.api.address, invocation)
        running = asyncio.create_task(self._run(invocation, answer))
        try:
            failure = await _outcome(running, invocation.deadline_at)
            await self._conclude(invocation, answer, failure)
            await asyncio.wait({running})  # or it would go on within somebody else's request
        finally:
            running.cancel()

    async def _run(self, invocation: Invocation, answer: Answer) -> None:
        event = event_of(invocation.payload)
        scope = scope_of(event) | self._surroundings(invocation, event)
        exchange = Exchange(body_of(event), answer, is_head=scope["method"] == "HEAD")
        await self.app(scope, exchange.receive, exchange.send)

    def _surroundings(self, invocation: Invocation, event: Mapping[str, Any]) -> dict[str, Any]:
        was_cold, self.is_cold = self.is_cold, False
        return {
            "state": dict(self.state),
            "extensions": {
                "aws.lambda": {
                    "deadline_at": invocation.deadline_at,
                    "trace_id": invocation.trace_id,
                    "tenant_id": invocation.tenant_id,
                    "is_cold_start": was_cold,
                }
            },
            "aws.event": event,
            "aws.context": LambdaContext(invocation),
        }

    async def _conclude(
        self, invocation: Invocation, answer: Answer, failure: Failure | None
    ) -> None:
        if not answer.over.is_set():
            failure = failure or (UNFINISHED if answer.was_sent else SILENT)
        if failure is not None and not answer.was_cut:
            log_failure("invocation_failed", failure, requestId=invocation.request_id)
            if not answer.was_sent:
                await self._refuse(invocation, failure)
            elif not answer.over.is_set():
                await answer.fail(failure)
        await answer.settle()

    async def _refuse(self, invocation: Invocation, failure: Failure) -> None:
        try:
            await self.api.error(invocation, failure)
        except RuntimeApiError as error:
            log("answer_refused", requestId=invocation.request_id, reason=str(error))


async def _outcome(running: asyncio.Task[None], deadline_at: float) -> Failure | None:
    """How the application ended, or did not in time."""
    left_seconds = deadline_at - time.time()
    await asyncio.wait({running}, timeout=max(0, left_seconds - BACKSTOP_SECONDS))
    if not running.done():
        running.cancel()
        await asyncio.wait({running}, timeout=GRACE_SECONDS)
        return OUT_OF_TIME
    if running.cancelled():
        return Failure.of(asyncio.CancelledError("The application cancelled itself."))
    error = running.exception()
    if isinstance(error, UnsupportedEvent):
        return Failure("Runtime.UnsupportedEvent", str(error), [])
    return None if error is None else Failure.of(error)


def _export_trace(trace_id: str | None) -> None:
    """Where X-Ray's SDKs look for it; one process has only one."""
    os.environ.pop("_X_AMZN_TRACE_ID", None)
    if trace_id is not None:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
