"""A stored response being made: told from its first delta to its end, whatever comes between.

A run is told by one task and seen to its end by another, so no reader's going away can stop it,
and what stops it never stops its end. What it tells is read from its recording by whoever wants
it; when that is also in the store, the recorder knows.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from logging import getLogger

from rejoinder.endings import DELETED, NOT_STORED, Ending, failed, silent
from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.encoding import frames_of
from rejoinder.engine.pipeline import Deltas, respond
from rejoinder.engine.recording import Recording
from rejoinder.engine.recovery import resumed
from rejoinder.errors import Conflict, GatewayError, Interrupted
from rejoinder.keeping import Keeper
from rejoinder.recorder import recorder_for
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.response import Response

log = getLogger("rejoinder")


@dataclass(frozen=True, slots=True)
class Told:
    """Its end was told, and is kept if it could be."""


@dataclass(frozen=True, slots=True)
class Unkept:
    """It ended, or has to, but the store does not know: present readers must learn of an end."""

    error: GatewayError


@dataclass(frozen=True, slots=True)
class Untold:
    """It came to nothing, and no end was told: who has seen nothing of it raises this."""

    failure: BaseException


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Its job makes it again, or has ended it: who rejoins it finds the rest."""


type Outcome = Told | Unkept | Untold | HandedOver


class Run:
    """The making of one response.

    `earlier` are the events told before, by whoever queued it; in the foreground there are none.
    """

    def __init__(
        self,
        keeper: Keeper,
        assembler: ResponseAssembler,
        deltas: Deltas,
        earlier: Sequence[bytes] = (),
    ) -> None:
        self.recording = Recording(earlier)
        self._keeper = keeper
        self._recorder = recorder_for(keeper, self.recording)
        self._assembler = assembler
        self._deltas = deltas
        self._ending: Ending = silent  # what is told when it is stopped
        self._telling = asyncio.create_task(self._tell_all())
        self.task = asyncio.create_task(self._make())

    async def response(self) -> Response:
        """The response when it has ended.

        Raises:
            GatewayError: if it failed, before or after its first event.
        """
        async for _ in self.recording.follow():
            pass
        if self._assembler.failure is not None:
            raise self._assembler.failure
        return self._assembler.response

    def promise(self) -> None:
        """A reader has its status line: whatever happens now is told in events."""
        self._assembler.promise()

    def stop(self, ending: Ending) -> None:
        """End it as `ending` says, soon, and close the connection to the upstream.

        One that is stopped already ends as it was told first.
        """
        if not self._telling.cancelling():
            self._ending = ending
            self._telling.cancel()

    async def _make(self) -> None:
        beating = asyncio.create_task(self._beat())
        failure: BaseException | None = None
        try:
            failure = await self._close(await self._outcome())
        finally:
            await self._recorder.close()
            await beating
            self.recording.end(failure)

    async def _tell_all(self) -> None:
        async with aclosing(respond(self._assembler, self._deltas)) as events:
            async for told in events:
                await self._tell(told)
                await asyncio.sleep(0)  # a burst must not keep its readers waiting

    async def _tell(self, told: Sequence[StreamEvent]) -> None:
        frames = frames_of(told)
        try:
            await self._recorder.tell(
                frames, first_number=told[0].sequence_number, response=self._assembler.kept
            )
        except Exception as error:
            if await self._keeper.has_successor():
                raise Interrupted from error  # what another will tell begins where we stand
            if not self._assembler.is_finished or self._assembler.failure is not None:
                self.recording.append(frames)  # present readers need the whole story
            raise

    async def _beat(self) -> None:
        """Be heard of while it is told; who is refused may not go on."""
        try:
            await self._recorder.beat()
        except Conflict:
            self._give_up(DELETED)
        except Exception:
            log.exception("response_not_recorded")
            self._give_up(NOT_STORED)

    def _give_up(self, error: GatewayError) -> None:
        self.stop(silent if self._keeper.maker.has_job else failed(error))

    async def _outcome(self) -> Outcome:
        """What became of it, when its telling has ended, broken, or been stopped."""
        await asyncio.wait({self._telling})
        if self._telling.cancelled():
            outcome = await self._stopped()
        elif (failure := self._telling.exception()) is not None:
            outcome = self._broken(failure)
        else:
            return Told()
        return Told() if self.recording.is_whole else outcome

    async def _stopped(self) -> Outcome:
        """Tell the end that was asked for; nothing, if nothing was told or promised before."""
        is_begun = self._assembler.must_tell  # before the ending, which begins whatever it ends
        told = self._ending(self._assembler)
        if is_begun and told:
            try:
                await self._tell(told)
            except (Conflict, Interrupted):
                pass
            except Exception:
                log.exception("response_not_recorded")
        await self._recorder.close()  # a write that was not waited for may show its events yet
        failure = self._assembler.failure or NOT_STORED
        has_end = is_begun and self._assembler.is_finished
        return self._left_to_us(Unkept(failure) if has_end else Untold(failure))

    def _broken(self, failure: BaseException) -> Outcome:
        match failure:
            case Conflict():  # without a successor: it is gone
                log.info("response_gone", extra={"response_id": self._keeper.stored.response.id})
                return Unkept(DELETED)
            case GatewayError():  # of the upstream, before anything was told, or of the store
                error = failure
            case _:  # the store failed: the readers must still learn of the end
                log.error("response_not_recorded", exc_info=failure)
                error = NOT_STORED
        return self._left_to_us(Unkept(error) if self._assembler.must_tell else Untold(failure))

    def _left_to_us(self, outcome: Outcome) -> Outcome:
        """The outcome in the foreground, where nobody else will end it."""
        return HandedOver() if self._keeper.maker.has_job else outcome

    async def _close(self, outcome: Outcome) -> BaseException | None:
        """Give readers the end that they lack; gives what those who saw nothing are to raise."""
        match outcome:
            case Told():
                return None
            case Unkept(error):
                self._tell_unkept(error)
                return None
            case Untold(failure):
                await self._keeper.leave(self._keeper.stored.response)
                return failure
            case HandedOver():
                return Interrupted()

    def _tell_unkept(self, error: GatewayError) -> None:
        """An end that cannot be kept; never one that is not true."""
        if self._assembler.is_finished:
            self._assembler = resumed(self._keeper.stored.response, self.recording.frames)
            self._assembler.promise()
        self.recording.append(frames_of(self._assembler.fail(error)))
