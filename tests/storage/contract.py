"""What every `ResponseStore` must do: one collection of tests for all of them.

A store joins by a subclass of `StoreContract` with a fixture `store`, which makes an empty one
on the `clock`. What has expired is told by that clock only.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import (
    BlockEnded,
    Delta,
    Finished,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.engine.encoding import TERMINAL_HEADS, frames_of
from rejoinder.engine.recovery import resumed
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import Conflict, GatewayError, Held, NotFound
from rejoinder.schema import events
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.items import Item
from rejoinder.schema.reader import read_request
from rejoinder.schema.response import Response, Usage
from rejoinder.schema.tools import Tool
from rejoinder.storage.base import ResponseStore, StoredResponse

type JSON = Any

NOW = 1_800_000_000
HOUR = 3600
ACME, OTHER = "acme", "other"
ID = "resp_1"
STOP = Finished("stop", Usage(61, output_tokens=48, total_tokens=109))
TOOL: Tool = {
    "type": "function",
    "name": "get_weather",
    "description": None,
    "parameters": {"type": "object", "properties": {}},
    "strict": False,
}
BACKGROUND = read_request(
    b'{"model": "demo", "input": "Hello.", "background": true, "stream": true,'
    b' "tools": [{"type": "function", "name": "look"}], "metadata": {"a": "b"}}'
)
UNICODE = 'Tromsø 🌌 👩\u200d👩\u200d👧 \u2028\x00 "quoted"\n\ndata: no event\n\n'


class Clock:
    """The time of day, as these tests want it."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def message(item_id: str, text: str = "Hello.") -> Item:
    """An item as a client's request brings it."""
    return {
        "id": item_id,
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_text", "text": text}],
    }


class Run:
    """A response that is made and recorded, batch by batch; it knows what the store must know."""

    def __init__(
        self,
        store: ResponseStore,
        response_id: str = ID,
        *,
        tenant: str = ACME,
        history: Sequence[Item] = (),
        own: Sequence[Item] = (),
        expires_at: int = NOW + HOUR,
    ) -> None:
        self._store = store
        self._tenant = tenant
        self._writer = ""
        response = Response(
            id=response_id, created_at=NOW, status="in_progress", model="demo", metadata={"a": "b"}
        )
        self._assembler = ResponseAssembler(response, ToolNames([]))
        self._stored = StoredResponse(
            tenant, response, list(history), list(own), [TOOL], expires_at
        )
        self.frames: list[bytes] = []

    @property
    def response(self) -> Response:
        return self._assembler.response

    async def begin(self, *deltas: Delta) -> "Run":
        """Keep it, with its first batch."""
        self.frames = frames_of(self._assembler.feed([Started(), *deltas]))
        await self._store.begin(self.as_stored(), self.frames)
        return self

    async def enqueue(self) -> "Run":
        """Keep it as one that waits for its worker."""
        self._stored = dataclasses.replace(self._stored, request=BACKGROUND)
        self._assembler.response = replace(self.response, background=True)
        self.frames = frames_of(self._assembler.enqueue())
        await self._store.begin(self.as_stored(), self.frames)
        return self

    def as_stored(self) -> StoredResponse:
        stored = self._stored
        return StoredResponse(
            self._tenant,
            self.response,
            stored.history,
            stored.input,
            stored.tools,
            stored.expires_at,
            stored.request,
        )

    def taken_by(self, writer: str) -> "Run":
        """Go on under another name."""
        self._writer = writer
        return self

    def beside(self, first: "Run") -> "Run":
        """Stand where another maker of the same response stands, as after a crash or a retry."""
        self._assembler.feed([Started()])
        self.frames = list(first.frames)
        return self

    def again(self, queued: Response, frames: Sequence[bytes]) -> "Run":
        """Stand where it stood when it was queued."""
        self._assembler.response = queued
        self._assembler.resume(next_number=len(frames), done=[], item=None)
        self.frames = list(frames)
        return self

    async def say(self, *deltas: Delta) -> None:
        """Record one more batch."""
        await self._record(self._assembler.feed(deltas))

    async def end(self) -> "Run":
        await self.say(STOP)
        return self

    async def fail(self) -> None:
        await self._record(self._assembler.fail(GatewayError("It broke.", code="server_error")))

    async def _record(self, told: Sequence[StreamEvent]) -> None:
        frames = frames_of(told)
        first_number = len(self.frames)
        await self._store.record(
            self._tenant,
            self.response,
            frames,
            first_number=first_number,
            writer=self._writer,
        )
        self.frames += frames


async def whole_run(store: ResponseStore, response_id: str = ID, **options: JSON) -> Run:
    """A response with an item of each kind, in several batches."""
    run = await Run(store, response_id, **options).begin()
    await run.say(ReasoningDelta(0, "Hm."))
    await run.say(TextDelta(1, "Hel"), TextDelta(1, "lo"))
    await run.say(TextDelta(1, "."), BlockEnded(1))
    await run.say(ToolCallDelta(2, "{}", "call_a", "get_weather"))
    return await run.end()


def readings(store: ResponseStore, response_id: str = ID) -> list[Callable[[], Awaitable[JSON]]]:
    """Every way to read something of a response of ours."""
    return [
        lambda: store.get(ACME, response_id),
        lambda: store.frames(ACME, response_id, after=-1),
        lambda: store.continued(ACME, response_id),
        lambda: store.input_items(ACME, response_id),
        lambda: store.item(ACME, "msg_own"),
    ]


async def check_hidden(store: ResponseStore, response_id: str = ID) -> None:
    for read in readings(store, response_id):
        with pytest.raises(NotFound):
            await read()
    with pytest.raises(NotFound):
        await store.delete(ACME, response_id)


class StoreContract:
    """The promises of `rejoinder.storage.base`, one by one."""

    many_batches = 2000
    many_responses = 450

    # What is written is read.

    async def test_a_response_is_there_as_soon_as_it_has_begun(self, store: ResponseStore) -> None:
        run = await Run(store).begin()

        assert await store.get(ACME, ID) == run.response
        assert await store.frames(ACME, ID, after=-1) == run.frames

    async def test_a_response_that_has_ended_is_read_with_all_that_it_has(
        self, store: ResponseStore
    ) -> None:
        run = await whole_run(store)

        found = await store.get(ACME, ID)

        assert found == run.response
        assert found.status == "completed"
        assert found.usage == Usage(61, output_tokens=48, total_tokens=109)
        assert [item["type"] for item in found.output] == ["reasoning", "message", "function_call"]

    async def test_a_response_that_failed_is_read_with_its_error(
        self, store: ResponseStore
    ) -> None:
        run = await Run(store).begin(TextDelta(0, "Once"))
        await run.fail()

        found = await store.get(ACME, ID)

        assert found == run.response
        assert found.error is not None
        assert found.error.message == "It broke."

    async def test_a_response_may_have_ended_when_it_begins(self, store: ResponseStore) -> None:
        run = await Run(store).begin(TextDelta(0, "Hi"), STOP)

        assert await store.get(ACME, ID) == run.response
        assert await store.frames(ACME, ID, after=-1) == run.frames

    async def test_a_running_response_shows_the_items_that_are_done(
        self, store: ResponseStore
    ) -> None:
        run = await Run(store).begin(TextDelta(0, "Hi"))
        await run.say(BlockEnded(0))
        await run.say(TextDelta(1, "more"))

        assert await store.get(ACME, ID) == run.response
        assert (await store.get(ACME, ID)).output_text == "Hi"

    async def test_a_queued_response_is_shown_in_progress_when_it_is(
        self, store: ResponseStore
    ) -> None:
        queued = replace(Run(store).response, status="queued", background=True)
        told = [events.Created(response=queued), events.Queued(response=queued)]
        await store.begin(StoredResponse(ACME, queued, [], [], [], NOW + HOUR), frames_of(told))
        begun = replace(queued, status="in_progress")

        await store.record(
            ACME, begun, frames_of([events.InProgress(response=begun)]), first_number=2
        )

        assert (await store.get(ACME, ID)).status == "in_progress"

    async def test_unicode_comes_back_as_it_was(self, store: ResponseStore) -> None:
        run = await Run(store, own=[message("msg_own", UNICODE)]).begin(TextDelta(0, UNICODE))
        await run.end()

        assert (await store.get(ACME, ID)).output_text == UNICODE
        assert await store.input_items(ACME, ID) == [message("msg_own", UNICODE)]
        assert await store.frames(ACME, ID, after=-1) == run.frames

    async def test_big_bodies_come_back_as_they_were(self, store: ResponseStore) -> None:
        long = "".join(f"{number:x} " for number in range(360_000))
        assert len(long) > 2_000_000
        run = await Run(store, own=[message("msg_own", long)]).begin(TextDelta(0, long))
        await run.say(TextDelta(0, long))
        await run.end()

        assert (await store.continued(ACME, ID)).items == [
            message("msg_own", long),
            *run.response.output,
        ]
        assert await store.frames(ACME, ID, after=-1) == run.frames

    # Frames.

    async def test_frames_are_read_after_any_number_while_they_are_recorded(
        self, store: ResponseStore
    ) -> None:
        run = await Run(store).begin()
        for size in (1, 3, 2, 5):
            await run.say(*(TextDelta(0, "x") for _ in range(size)))

        for after in range(-1, len(run.frames) + 2):
            assert await store.frames(ACME, ID, after=after) == run.frames[after + 1 :]

    async def test_frames_are_read_after_any_number_when_all_are_recorded(
        self, store: ResponseStore
    ) -> None:
        run = await whole_run(store)

        for after in range(-1, len(run.frames) + 2):
            assert await store.frames(ACME, ID, after=after) == run.frames[after + 1 :]

    async def test_many_batches_are_kept_in_their_order(self, store: ResponseStore) -> None:
        late = self.many_batches - 10
        run = await Run(store).begin()
        for number in range(self.many_batches):
            await run.say(TextDelta(0, f"{number} "))

        assert await store.frames(ACME, ID, after=-1) == run.frames
        assert await store.frames(ACME, ID, after=late) == run.frames[late + 1 :]
        await run.end()
        assert await store.frames(ACME, ID, after=-1) == run.frames
        assert await store.frames(ACME, ID, after=late) == run.frames[late + 1 :]

    async def test_a_reader_beside_the_writer_misses_nothing_and_sees_the_end(
        self, store: ResponseStore
    ) -> None:
        run = await Run(store).begin()

        async def write() -> None:
            for number in range(50):
                await run.say(*(TextDelta(0, f"{number} ") for _ in range(number % 4 + 1)))
                await asyncio.sleep(0)
            await run.end()

        async def read() -> list[bytes]:
            seen: list[bytes] = []
            while True:
                response = await store.get(ACME, ID)
                seen += await store.frames(ACME, ID, after=len(seen) - 1)
                if not response.is_live:
                    return seen
                await asyncio.sleep(0)

        *seen, _ = await asyncio.gather(read(), read(), write())

        assert seen == [run.frames, run.frames]

    async def test_who_sees_the_end_in_the_response_sees_it_in_the_frames(
        self, store: ResponseStore
    ) -> None:
        run = await whole_run(store)

        *others, last = await store.frames(ACME, ID, after=-1)

        assert not (await store.get(ACME, ID)).is_live
        assert last.startswith(TERMINAL_HEADS)
        assert not any(frame.startswith(TERMINAL_HEADS) for frame in others)
        assert len(others) + 1 == len(run.frames)

    # The first terminal write wins.

    async def test_nothing_is_recorded_after_the_end(self, store: ResponseStore) -> None:
        first = await Run(store).begin()
        second = Run(store).beside(first)
        await first.end()

        for late in (second.say(TextDelta(0, "late"), BlockEnded(0)), second.fail()):
            with pytest.raises(Conflict):
                await late

        assert await store.get(ACME, ID) == first.response
        assert await store.frames(ACME, ID, after=-1) == first.frames

    async def test_plain_text_is_not_recorded_after_the_end(self, store: ResponseStore) -> None:
        first = await Run(store).begin()
        second = Run(store).beside(first)
        await first.end()

        with pytest.raises(Conflict):
            await second.say(TextDelta(0, "late"))

        assert await store.frames(ACME, ID, after=-1) == first.frames

    async def test_of_two_ends_at_the_same_time_one_wins(self, store: ResponseStore) -> None:
        one = await Run(store).begin()
        two = Run(store).beside(one)

        results = await asyncio.gather(one.end(), two.fail(), return_exceptions=True)

        assert [isinstance(result, Conflict) for result in results].count(True) == 1
        winner = two if isinstance(results[0], Conflict) else one
        assert await store.get(ACME, ID) == winner.response
        assert await store.frames(ACME, ID, after=-1) == winner.frames

    async def test_nothing_is_recorded_of_a_deleted_response(self, store: ResponseStore) -> None:
        run = await Run(store).begin()
        await store.delete(ACME, ID)

        for late in (run.say(TextDelta(0, "x")), run.say(BlockEnded(0)), run.end()):
            with pytest.raises(Conflict):
                await late
        await check_hidden(store)

    async def test_nothing_is_recorded_of_an_expired_response(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        run = await Run(store).begin()
        clock.now = NOW + HOUR

        for late in (run.say(TextDelta(0, "x")), run.say(BlockEnded(0)), run.end()):
            with pytest.raises(Conflict):
                await late

    async def test_nothing_is_recorded_of_a_response_that_never_began(
        self, store: ResponseStore
    ) -> None:
        with pytest.raises(Conflict):
            await Run(store).say(Started())
        with pytest.raises(Conflict):
            await Run(store).fail()
        await check_hidden(store)

    # Writers: whoever takes a response over shuts the earlier one out.

    async def test_a_queued_response_is_taken_over_with_all_that_its_worker_needs(
        self, store: ResponseStore
    ) -> None:
        history, own = [message("msg_a")], [message("msg_own")]
        run = await Run(store, history=history, own=own).enqueue()

        taken = await store.take_over(ACME, ID, "one")

        assert taken.stored == run.as_stored()
        assert taken.stored.request == BACKGROUND
        assert (taken.writer, taken.is_followed) == ("one", False)
        assert taken.frames == run.frames

    async def test_a_running_response_is_taken_over_as_it_stands(
        self, store: ResponseStore
    ) -> None:
        run = await Run(store).begin(TextDelta(0, "Hi"))
        await run.say(BlockEnded(0), TextDelta(1, "more"))

        taken = await store.take_over(ACME, ID, "one")

        assert taken.stored.response == run.response
        assert taken.frames == run.frames
        assert taken.stored.request is None

    async def test_who_took_over_writes_on(self, store: ResponseStore) -> None:
        run = await Run(store).begin(TextDelta(0, "Hi"))
        await store.take_over(ACME, ID, "one")

        await run.taken_by("one").say(TextDelta(0, " you"))
        await run.say(BlockEnded(0))
        await run.end()

        assert await store.get(ACME, ID) == run.response
        assert await store.frames(ACME, ID, after=-1) == run.frames

    @pytest.mark.parametrize("writers", [("",), ("one",), ("one", "two", "one")])
    async def test_whoever_was_taken_over_writes_no_more(
        self, store: ResponseStore, writers: Sequence[str]
    ) -> None:
        late = await Run(store).begin()
        for writer in writers:
            if writer:
                await store.take_over(ACME, ID, writer)
                late.taken_by(writer)
        await store.take_over(ACME, ID, "last")
        before = list(late.frames)

        for writing in (late.say(TextDelta(0, "x")), late.say(BlockEnded(0)), late.end()):
            with pytest.raises(Conflict):
                await writing

        assert await store.frames(ACME, ID, after=-1) == before
        assert (await store.get(ACME, ID)).is_live

    async def test_the_writer_of_a_response_is_known_while_it_lives(
        self, store: ResponseStore
    ) -> None:
        run = await Run(store).begin()
        before = await store.writer(ACME, ID)

        await store.take_over(ACME, ID, "one")
        during = await store.writer(ACME, ID)
        await run.taken_by("one").end()

        assert (before, during) == ("", "one")
        assert await store.writer(ACME, ID) is None
        assert await store.writer(OTHER, ID) is None
        assert await store.writer(ACME, "resp_none") is None

    async def test_nobody_writes_what_is_deleted_or_expired(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        await Run(store, "resp_deleted").begin()
        await Run(store, "resp_expired", expires_at=NOW + 10).begin()
        await store.delete(ACME, "resp_deleted")
        clock.now = NOW + 10

        assert await store.writer(ACME, "resp_deleted") is None
        assert await store.writer(ACME, "resp_expired") is None

    async def test_what_is_final_or_gone_cannot_be_taken_over(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        done = await whole_run(store, "resp_done")
        await Run(store, "resp_deleted").begin()
        await Run(store, "resp_expired", expires_at=NOW + 10).begin()
        await Run(store, "resp_theirs", tenant=OTHER).begin()
        await store.delete(ACME, "resp_deleted")
        clock.now = NOW + 10

        for name in ("done", "deleted", "expired", "theirs", "never"):
            with pytest.raises(Conflict):
                await store.take_over(ACME, f"resp_{name}", "one")

        assert await store.get(ACME, "resp_done") == done.response
        assert await store.writer(OTHER, "resp_theirs") == ""

    async def test_of_two_who_take_over_the_last_is_the_writer(self, store: ResponseStore) -> None:
        run = await Run(store).begin()
        await asyncio.gather(*(store.take_over(ACME, ID, name) for name in ("one", "two")))

        writer = await store.writer(ACME, ID)

        assert writer in ("one", "two")
        with pytest.raises(Conflict):
            await run.taken_by("two" if writer == "one" else "one").end()
        await Run(store).taken_by(writer).beside(run).end()

    async def test_what_is_held_is_not_taken_over_by_another_job(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        run = await Run(store).enqueue()
        await store.take_over(ACME, ID, "one", hold_seconds=30)

        with pytest.raises(Held):
            await store.take_over(ACME, ID, "two", hold_seconds=30)
        clock.now += 29
        await store.hold(ACME, ID, "one", seconds=30)
        clock.now += 29
        with pytest.raises(Held):
            await store.take_over(ACME, ID, "two", hold_seconds=30)

        assert await store.writer(ACME, ID) == "one"
        await run.taken_by("one").say(Started())
        clock.now += 30
        await store.take_over(ACME, ID, "two", hold_seconds=30)
        assert await store.writer(ACME, ID) == "two"

    async def test_who_holds_it_takes_it_over_again(self, store: ResponseStore) -> None:
        await Run(store).enqueue()
        await store.take_over(ACME, ID, "one", hold_seconds=30)

        again = await store.take_over(ACME, ID, "one", hold_seconds=30)

        assert await store.writer(ACME, ID) == "one"
        assert again.attempt == 1

    async def test_what_is_held_is_taken_over_by_force(self, store: ResponseStore) -> None:
        await Run(store).enqueue()
        await store.take_over(ACME, ID, "one", hold_seconds=30)

        await store.take_over(ACME, ID, "two")

        with pytest.raises(Conflict):
            await store.hold(ACME, ID, "one", seconds=30)
        await store.take_over(ACME, ID, "three", hold_seconds=30)
        assert await store.writer(ACME, ID) == "three"

    async def test_who_takes_over_to_make_it_is_counted(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        await Run(store).enqueue()
        attempts = []

        for writer in ("one", "two", "three"):
            taken = await store.take_over(ACME, ID, writer, hold_seconds=30)
            attempts.append(taken.attempt)
            clock.now += 30

        assert attempts == [1, 2, 3]

    async def test_who_is_refused_or_takes_over_by_force_is_not_counted(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        await Run(store).enqueue()
        unmade = await store.take_over(ACME, ID, "end")
        await store.take_over(ACME, ID, "one", hold_seconds=30)
        for _ in range(3):
            with pytest.raises(Held):
                await store.take_over(ACME, ID, "two", hold_seconds=30)
        cancelled = await store.take_over(ACME, ID, "cancel")
        clock.now += 30

        again = await store.take_over(ACME, ID, "two", hold_seconds=30)

        assert [unmade.attempt, cancelled.attempt, again.attempt] == [0, 1, 2]

    async def test_only_the_writer_of_a_live_response_holds_it(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        await whole_run(store, "resp_done")
        await Run(store, "resp_deleted").begin()
        await Run(store, "resp_expired", expires_at=NOW + 10).begin()
        await Run(store, "resp_live").begin()
        await store.delete(ACME, "resp_deleted")
        clock.now = NOW + 10

        for name, writer in (
            ("done", ""),
            ("deleted", ""),
            ("expired", ""),
            ("never", ""),
            ("live", "another"),
        ):
            with pytest.raises(Conflict):
                await store.hold(ACME, f"resp_{name}", writer, seconds=30)
        await store.hold(ACME, "resp_live", "", seconds=30)

    async def test_nobody_is_silent_about_what_is_final_or_gone(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        await whole_run(store, "resp_done")
        await Run(store, "resp_deleted").begin()
        await store.delete(ACME, "resp_deleted")
        clock.now += 100

        for name in ("done", "deleted", "never"):
            assert await store.silent_seconds(ACME, f"resp_{name}") == 0.0

    async def test_numbers_may_be_passed_over(self, store: ResponseStore) -> None:
        run = await Run(store).begin(TextDelta(0, "Hi"))
        taken = await store.take_over(ACME, ID, "one")
        assembler = resumed(taken.stored.response, taken.frames, skipped=1000)
        told = frames_of(assembler.fail(GatewayError("It broke.", code="server_error")))

        first_number = len(run.frames) + 1000
        await store.record(ACME, assembler.response, told, first_number=first_number, writer="one")

        assert await store.frames(ACME, ID, after=-1) == run.frames + told
        assert await store.frames(ACME, ID, after=len(run.frames) - 1) == told
        assert await store.frames(ACME, ID, after=len(run.frames) + 500) == told
        assert await store.frames(ACME, ID, after=first_number) == told[1:]

    async def test_that_somebody_follows_is_told_to_who_takes_over(
        self, store: ResponseStore
    ) -> None:
        await Run(store).enqueue()
        await Run(store, "resp_2").enqueue()
        before = (await store.take_over(ACME, ID, "one")).is_followed

        await store.mark_followed(ACME, ID)
        await store.mark_followed(OTHER, "resp_2")
        await store.mark_followed(ACME, "resp_none")

        assert not before
        assert (await store.take_over(ACME, ID, "two")).is_followed
        assert not (await store.take_over(ACME, "resp_2", "one")).is_followed

    async def test_a_rewound_response_begins_anew(self, store: ResponseStore) -> None:
        run = await Run(store).enqueue()
        queued, first = run.response, list(run.frames)
        await run.say(Started())
        await run.say(TextDelta(0, "Once"), BlockEnded(0))
        await run.say(TextDelta(1, "upon"))
        await store.take_over(ACME, ID, "one")

        await store.rewind(ACME, queued, next_number=2, writer="one")

        assert await store.get(ACME, ID) == queued
        assert await store.frames(ACME, ID, after=-1) == first
        again = Run(store).taken_by("one").again(queued, first)
        await again.say(Started(), TextDelta(0, "Twice"))
        await again.end()
        assert await store.get(ACME, ID) == again.response
        assert await store.frames(ACME, ID, after=-1) == again.frames

    async def test_only_the_writer_rewinds(self, store: ResponseStore) -> None:
        run = await Run(store).enqueue()
        queued = run.response
        await run.say(Started(), TextDelta(0, "Once"))
        await store.take_over(ACME, ID, "one")

        for writer in ("", "two"):
            with pytest.raises(Conflict):
                await store.rewind(ACME, queued, next_number=2, writer=writer)

        assert await store.frames(ACME, ID, after=-1) == run.frames
        await run.taken_by("one").end()
        with pytest.raises(Conflict):
            await store.rewind(ACME, queued, next_number=2, writer="one")
        assert await store.get(ACME, ID) == run.response

    # Conversations and items.

    async def test_a_continued_response_has_history_input_and_output_oldest_first(
        self, store: ResponseStore
    ) -> None:
        history, own = [message("msg_a"), message("msg_b")], [message("msg_c"), message("msg_d")]
        run = await whole_run(store, history=history, own=own)

        found = await store.continued(ACME, ID)

        assert found.items == [*history, *own, *run.response.output]
        assert found.response == run.response
        assert found.tools == [TOOL]

    async def test_the_input_items_are_those_of_the_request_in_their_order(
        self, store: ResponseStore
    ) -> None:
        own = [message(f"msg_{name}") for name in "zay"]
        await whole_run(store, history=[message("msg_before")], own=own)

        assert await store.input_items(ACME, ID) == own

    async def test_a_child_needs_nothing_of_its_parent(self, store: ResponseStore) -> None:
        await whole_run(store, own=[message("msg_a")])
        parent = await store.continued(ACME, ID)
        child = await whole_run(store, "resp_2", history=parent.items, own=[message("msg_b")])
        await store.delete(ACME, ID)
        await store.sweep()

        assert (await store.continued(ACME, "resp_2")).items == [
            *parent.items,
            message("msg_b"),
            *child.response.output,
        ]

    async def test_an_item_is_found_by_its_id(self, store: ResponseStore) -> None:
        run = await whole_run(store, own=[message("msg_own")])

        for item in (message("msg_own"), *run.response.output):
            assert await store.item(ACME, item["id"]) == item

    async def test_an_item_of_a_failed_response_is_found_too(self, store: ResponseStore) -> None:
        run = await Run(store).begin(TextDelta(0, "Once"))
        await run.fail()
        item = run.response.output[0]

        assert await store.item(ACME, item["id"]) == item

    async def test_of_several_items_with_one_id_the_newest_is_found(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        for number in range(3):
            own = [message("msg_own", f"version {number}")]
            await whole_run(store, f"resp_{number}", own=own)
            clock.now += 1

        assert await store.item(ACME, "msg_own") == message("msg_own", "version 2")

    async def test_when_the_newest_item_is_deleted_or_expired_the_one_before_is_found(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        for number, lifetime in enumerate((HOUR, 10, HOUR)):
            own = [message("msg_own", f"version {number}")]
            await whole_run(store, f"resp_{number}", own=own, expires_at=NOW + lifetime)

        await store.delete(ACME, "resp_2")
        assert await store.item(ACME, "msg_own") == message("msg_own", "version 1")
        clock.now = NOW + 10
        assert await store.item(ACME, "msg_own") == message("msg_own", "version 0")
        await store.sweep()
        assert await store.item(ACME, "msg_own") == message("msg_own", "version 0")

    async def test_an_item_that_was_never_stored_is_not_found(self, store: ResponseStore) -> None:
        await whole_run(store, history=[message("msg_history")])

        with pytest.raises(NotFound) as refused:
            await store.item(ACME, "msg_unknown")
        assert refused.value.code == "item_not_found"

    # Deleting, expiring, sweeping.

    async def test_an_unknown_response_is_not_found(self, store: ResponseStore) -> None:
        await check_hidden(store)

    async def test_a_deleted_response_is_hidden_from_every_reader(
        self, store: ResponseStore
    ) -> None:
        await whole_run(store, own=[message("msg_own")])
        for read in readings(store):
            await read()

        await store.delete(ACME, ID)

        await check_hidden(store)

    async def test_a_running_response_can_be_deleted(self, store: ResponseStore) -> None:
        await Run(store, own=[message("msg_own")]).begin(TextDelta(0, "Hi"))

        await store.delete(ACME, ID)

        await check_hidden(store)

    async def test_deleting_one_response_leaves_the_others(self, store: ResponseStore) -> None:
        await whole_run(store)
        other = await whole_run(store, "resp_2")

        await store.delete(ACME, ID)
        await store.sweep()

        assert await store.get(ACME, "resp_2") == other.response
        assert await store.frames(ACME, "resp_2", after=-1) == other.frames

    async def test_a_response_is_hidden_from_the_second_at_which_it_expires(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        await whole_run(store, own=[message("msg_own")], expires_at=NOW + HOUR)

        clock.now = NOW + HOUR - 1
        for read in readings(store):
            await read()
        clock.now = NOW + HOUR
        await check_hidden(store)

    async def test_a_sweep_removes_what_is_deleted_or_expired_and_nothing_else(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        kept = await whole_run(store, "resp_kept", own=[message("msg_kept")])
        running = await Run(store, "resp_running").begin(TextDelta(0, "Hi"))
        await whole_run(store, "resp_deleted", own=[message("msg_own")])
        await whole_run(store, "resp_expired", expires_at=NOW + 10)
        await store.delete(ACME, "resp_deleted")
        clock.now = NOW + 10

        assert await store.sweep() == 2
        assert await store.sweep() == 0

        await check_hidden(store, "resp_deleted")
        await check_hidden(store, "resp_expired")
        assert await store.get(ACME, "resp_kept") == kept.response
        assert await store.item(ACME, "msg_kept") == message("msg_kept")
        assert await store.frames(ACME, "resp_running", after=-1) == running.frames
        await running.end()

    async def test_a_sweep_removes_any_number_of_responses(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        for number in range(self.many_responses):
            await Run(store, f"resp_{number}", expires_at=NOW + 10).begin()
        clock.now = NOW + 10

        assert await store.sweep() == self.many_responses

    async def test_a_sweep_beside_a_writer_disturbs_nothing(
        self, store: ResponseStore, clock: Clock
    ) -> None:
        for number in range(100):
            await Run(store, f"resp_{number}", expires_at=NOW + 10).begin()
        run = await Run(store, "resp_running").begin()
        clock.now = NOW + 10

        async def write() -> None:
            for number in range(100):
                await run.say(TextDelta(0, f"{number} "))
                await asyncio.sleep(0)
            await run.end()

        swept, _ = await asyncio.gather(store.sweep(), write())

        assert swept == 100
        assert await store.frames(ACME, "resp_running", after=-1) == run.frames

    # Tenants.

    async def test_tenants_never_see_each_other(self, store: ResponseStore) -> None:
        await whole_run(store, tenant=OTHER, own=[message("msg_own")])

        await check_hidden(store)
        with pytest.raises(Conflict):
            await Run(store).fail()
        assert (await store.get(OTHER, ID)).status == "completed"

    async def test_tenants_may_use_the_same_ids(self, store: ResponseStore) -> None:
        ours = await whole_run(store, own=[message("msg_own", "ours")])
        theirs = await whole_run(store, tenant=OTHER, own=[message("msg_own", "theirs")])

        assert await store.get(ACME, ID) == ours.response
        assert await store.get(OTHER, ID) == theirs.response
        assert await store.item(ACME, "msg_own") == message("msg_own", "ours")
        await store.delete(ACME, ID)
        await store.sweep()
        assert await store.frames(OTHER, ID, after=-1) == theirs.frames
        assert await store.item(OTHER, "msg_own") == message("msg_own", "theirs")
