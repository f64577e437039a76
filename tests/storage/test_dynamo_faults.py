"""What befalls a store whose requests are lost, refused, or cut off by the process's death."""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence

import httpx
import pytest

from rejoinder.aws.responses import DynamoStore
from rejoinder.engine.deltas import BlockEnded, Delta, Started, TextDelta, ToolCallDelta
from rejoinder.engine.encoding import frames_of
from rejoinder.engine.recovery import resumed
from rejoinder.errors import Conflict, GatewayError, NotFound, Unavailable
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.response import Response
from tests.storage.contract import ACME, HOUR, NOW, Clock, Run, check_hidden, message, whole_run
from tests.storage.faults import Dying, Fault, Losing, Overloaded, Throttled
from tests.storage.moto_server import Aws
from tests.storage.test_dynamo import noise

type Seen = tuple[Response, list[bytes]] | None
type Act = Callable[[DynamoStore, "Told"], Awaitable[object]]

SMALL, LARGE = 10, 200_000  # the latter goes to the bucket


class Told(Run):
    """A run that knows what is to be seen when its last write has been carried out.

    What could not be recorded is recorded with what comes next, as a recorder does it.
    """

    intended: Seen = None
    waiting: Sequence[bytes] = ()

    def made_in(self, store: DynamoStore) -> "Told":
        """Go on with another store."""
        self._store = store
        return self

    async def begin_with(self, *deltas: Delta) -> None:
        await self._begin(self.begin(*deltas))

    async def enqueue_it(self) -> None:
        await self._begin(self.enqueue())

    async def _begin(self, beginning: Awaitable[Run]) -> None:
        try:
            await beginning
        finally:
            self.intended = self.response, list(self.frames)

    async def _record(self, told: Sequence[StreamEvent]) -> None:
        self.waiting = [*self.waiting, *frames_of(told)]
        self.intended = self.response, [*self.frames, *self.waiting]
        await self._store.record(
            ACME,
            self.response,
            self.waiting,
            first_number=len(self.frames),
            writer=self._writer,
        )
        self.frames += self.waiting
        self.waiting = ()


@dataclasses.dataclass(frozen=True)
class Scene:
    """Something that a store is asked to do, after something else."""

    before: Sequence[Act]
    act: Act


async def begun(_: DynamoStore, run: Told) -> None:
    await run.begin_with(TextDelta(0, "Once"))


async def begun_large(_: DynamoStore, run: Told) -> None:
    await run.begin_with(TextDelta(0, noise(LARGE)))


async def queued(_: DynamoStore, run: Told) -> None:
    await run.enqueue_it()


async def said(_: DynamoStore, run: Told) -> None:
    await run.say(TextDelta(0, " upon"))


async def said_large(_: DynamoStore, run: Told) -> None:
    await run.say(TextDelta(0, noise(LARGE)))


async def started(_: DynamoStore, run: Told) -> None:
    await run.say(Started())


async def item_ended(_: DynamoStore, run: Told) -> None:
    await run.say(BlockEnded(0), ToolCallDelta(1, "{", "call_a", "look"))


async def ended(_: DynamoStore, run: Told) -> None:
    await run.end()


async def taken(store: DynamoStore, run: Told) -> None:
    await store.take_over(ACME, run.response.id, "one")
    run.taken_by("one")


async def claimed(store: DynamoStore, run: Told) -> None:
    await store.take_over(ACME, run.response.id, "one", hold_seconds=30)
    run.taken_by("one")


async def held(store: DynamoStore, run: Told) -> None:
    await store.hold(ACME, run.response.id, "", seconds=30)


async def rewound(store: DynamoStore, run: Told) -> None:
    response = run.response
    run.intended = response, run.frames[:2]
    await store.rewind(ACME, response, next_number=2, writer="")


async def deleted(store: DynamoStore, run: Told) -> None:
    run.intended = None
    await store.delete(ACME, run.response.id)


SCENES = {
    "begin": Scene([], begun),
    "begin, large": Scene([], begun_large),
    "queue": Scene([], queued),
    "words": Scene([begun], said),
    "words, large": Scene([begun], said_large),
    "start": Scene([queued], started),
    "item": Scene([begun], item_ended),
    "end": Scene([begun, said], ended),
    "end, large": Scene([begun_large], ended),
    "take over": Scene([begun, said], taken),
    "claim": Scene([queued], claimed),
    "words, after a claim": Scene([queued, claimed, started], said),
    "hold": Scene([begun], held),
    "rewind": Scene([queued, started, said], rewound),
    "delete, live": Scene([begun, said], deleted),
    "delete, large": Scene([begun_large, ended], deleted),
}


@pytest.fixture
def store(aws: Aws, clock: Clock) -> DynamoStore:
    return store_of(aws, clock)


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoinder.aws.exchange.WAITS_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr("rejoinder.aws.records.WAITS_SECONDS", (0.0,) * 6)


def store_of(
    aws: Aws, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> DynamoStore:
    """A store of the same table, as another process has it."""
    aws = Aws(aws.endpoint, transport or aws.transport, aws.credentials, name=aws.name)
    return DynamoStore(aws.dynamodb, aws.bucket, aws.table, clock=clock)


async def seen(store: DynamoStore, response_id: str) -> Seen:
    try:
        response = await store.get(ACME, response_id)
    except NotFound:
        await check_hidden(store, response_id)
        return None
    await store.continued(ACME, response_id)
    await store.input_items(ACME, response_id)
    return response, await store.frames(ACME, response_id, after=-1)


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
@pytest.mark.parametrize("is_fresh", [True, False], ids=["a new process", "the same process"])
async def test_a_process_may_die_between_any_two_requests(
    aws: Aws, store: DynamoStore, clock: Clock, scene: Scene, is_fresh: bool
) -> None:
    is_done, cut = False, 0
    while not is_done:
        dying = Dying(aws.transport)
        mortal = store_of(aws, clock, dying)
        first = store if is_fresh else mortal
        run = Told(first, f"resp_{cut}", own=[message(f"msg_{cut}")])
        for act in scene.before:
            await act(first, run)
        run.made_in(mortal)
        before = await seen(store, f"resp_{cut}")
        dying.lives_for = cut

        try:
            await scene.act(mortal, run)
            is_done = True
        except Unavailable:
            cut += 1

        found = await seen(store, run.response.id)
        assert found == run.intended if is_done else found in (before, run.intended)
        await check_another_goes_on(store, run, found)
    assert cut > 0


async def check_another_goes_on(store: DynamoStore, run: Told, found: Seen) -> None:
    response_id = run.response.id
    if found is not None and found[0].is_live:
        taken = await store.take_over(ACME, response_id, "next")
        assert (taken.stored.response, taken.frames) == found
        assembler = resumed(taken.stored.response, taken.frames)
        told = frames_of(assembler.fail(GatewayError("It broke.", code="server_error")))
        await store.record(
            ACME, assembler.response, told, first_number=len(taken.frames), writer="next"
        )
        assert await seen(store, response_id) == (assembler.response, [*taken.frames, *told])
    elif found is None:
        with pytest.raises(Conflict):
            await store.take_over(ACME, response_id, "next")
    else:
        item = found[0].output[0]
        assert await store.item(ACME, item["id"]) == item


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("is_live", [True, False])
async def test_a_deletion_that_was_cut_off_is_done_by_the_next(
    aws: Aws, store: DynamoStore, clock: Clock, size: int, is_live: bool
) -> None:
    cut, is_done = 0, False
    while not is_done:
        response_id = f"resp_{cut}"
        run = await Run(store, response_id, own=[message("msg_own", noise(size))]).begin(
            TextDelta(0, "Hi")
        )
        if not is_live:
            await run.end()
        dying = Dying(aws.transport)
        dying.lives_for = cut
        try:
            await store_of(aws, clock, dying).delete(ACME, response_id)
            is_done = True
        except Unavailable:
            cut += 1

        try:
            await store.delete(ACME, response_id)
        except NotFound:
            assert cut > 0
        else:
            assert cut == 1  # nothing had been done

        left = [item for item in await aws.items() if item["sk"] != {"S": "META"}]
        assert left == []
        assert await aws.bucket.delete_prefix("") == 0
    assert cut >= 3


async def test_a_deletion_that_was_cut_off_is_done_by_a_sweep(
    aws: Aws, store: DynamoStore, clock: Clock
) -> None:
    await whole_run(store, "resp_1", own=[message("msg_own", noise(LARGE))])
    dying = Dying(aws.transport)
    dying.lives_for = 1
    with pytest.raises(Unavailable):
        await store_of(aws, clock, dying).delete(ACME, "resp_1")

    assert await store.sweep() == 1

    assert await aws.items() == []
    assert await aws.bucket.delete_prefix("") == 0


async def test_what_a_dead_process_left_expires_with_its_response(
    aws: Aws, store: DynamoStore, clock: Clock
) -> None:
    for cut in range(3):
        dying = Dying(aws.transport)
        dying.lives_for = cut
        mortal = store_of(aws, clock, dying)
        with pytest.raises(Unavailable):
            await Run(mortal, f"resp_{cut}", own=[message("msg_own", noise(LARGE))]).begin()
    expirations = {item["expires_at"]["N"] for item in await aws.items()}
    assert expirations == {str(NOW + HOUR)}
    clock.now += HOUR

    await store.sweep()

    assert await aws.items() == []
    assert await aws.bucket.delete_prefix("") == 1  # one that no record points to: for lifecycle


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
@pytest.mark.parametrize("fault", [Losing, Throttled, Overloaded])
async def test_requests_may_be_lost_refused_and_left_undone(
    aws: Aws, store: DynamoStore, clock: Clock, scene: Scene, fault: Fault
) -> None:
    unlucky = store_of(aws, clock, fault(aws.transport))
    run = Told(unlucky, own=[message("msg_own")])

    for act in (*scene.before, scene.act):
        await act(unlucky, run)

    found = await seen(store, run.response.id)
    assert found == run.intended
    await check_another_goes_on(store, run, found)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_store_that_was_away_costs_no_attempt(
    aws: Aws, store: DynamoStore, clock: Clock, size: int
) -> None:
    run = await Run(store, own=[message("msg_own", noise(size))]).enqueue()
    is_done, cut = False, 0
    while not is_done:
        dying = Dying(aws.transport)
        dying.lives_for = cut
        try:
            taken = await store_of(aws, clock, dying).take_over(
                ACME, run.response.id, f"worker {cut}", hold_seconds=30
            )
            is_done = True
        except Unavailable:
            cut += 1
            clock.now += 30

    assert cut == (2 if size == SMALL else 3)  # the table; the bucket; the table once more
    assert taken.attempt == 1


async def test_an_attempt_whose_reply_was_lost_is_counted_once(aws: Aws, clock: Clock) -> None:
    store = store_of(aws, clock, Losing(aws.transport))
    run = await Run(store).enqueue()
    attempts = []

    for writer in ("one", "two"):
        taken = await store.take_over(ACME, run.response.id, writer, hold_seconds=30)
        attempts.append(taken.attempt)
        clock.now += 30

    assert attempts == [1, 2]


@pytest.mark.parametrize("carried_out", [0, 1, 2])
@pytest.mark.parametrize("acts", [(said, ended), (said, said, item_ended), (ended,)])
@pytest.mark.parametrize("is_large", [False, True])
async def test_what_could_not_be_recorded_is_recorded_with_what_comes_next(
    aws: Aws, clock: Clock, carried_out: int, acts: Sequence[Act], is_large: bool
) -> None:
    dying = Dying(aws.transport, is_heard=False)
    store = store_of(aws, clock, dying)
    run = Told(store)
    await begun(store, run)
    dying.lives_for = carried_out + is_large
    with pytest.raises(Unavailable):
        await (said_large if is_large else said)(store, run)
    assert run.waiting
    dying.lives_for = 1_000

    for act in acts:
        await act(store, run)
        assert await seen(store, run.response.id) == run.intended

    for after in range(-1, len(run.frames)):
        assert await store.frames(ACME, run.response.id, after=after) == run.frames[after + 1 :]


async def test_an_end_whose_reply_never_came_is_an_end(aws: Aws, clock: Clock) -> None:
    dying = Dying(aws.transport, is_heard=False)
    store = store_of(aws, clock, dying)
    run = Told(store)
    await begun(store, run)
    dying.lives_for = 2
    with pytest.raises(Unavailable):
        await run.end()
    dying.lives_for = 1_000

    with pytest.raises(Conflict):
        await run.fail()

    assert await store.get(ACME, run.response.id) == run.response


async def test_a_table_that_stays_too_busy_is_not_available(
    aws: Aws, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rejoinder.aws.records.WAITS_SECONDS", (0.0,))
    store = store_of(aws, clock, Overloaded(aws.transport))

    with pytest.raises(Unavailable):
        await Run(store, own=[message("msg_own")]).begin()

    assert await seen(store, "resp_1") is None


async def test_two_processes_that_lose_replies_never_mix(aws: Aws, clock: Clock) -> None:
    one, two = (store_of(aws, clock, Losing(aws.transport)) for _ in range(2))
    run = Told(one)
    await begun(one, run)
    await two.take_over(ACME, run.response.id, "two")
    other = Told(two).beside(run).taken_by("two")
    await other.say(TextDelta(0, "two"))

    for late in (run.say(TextDelta(0, "one")), run.end()):
        with pytest.raises(Conflict):
            await late
    await other.end()

    assert await seen(one, run.response.id) == (other.response, other.frames)
