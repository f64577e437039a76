"""Deliveries that fail are tried again for a day; the hours pass on a clock of the test's own."""

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from rejoinder.announcing import Announcer, Undelivered
from rejoinder.providers.fetching import Fetcher, Policy, is_public
from rejoinder.storage.deliveries import Delivery
from rejoinder.storage.jobs import Job
from rejoinder.webhooks import OUTCOMES, WAITS_SECONDS, Outcome, Webhook
from rejoinder.wiring import LOCAL_TOO
from rejoinder_local.deliveries import SQLiteDeliveries
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore
from tests.background.hooks import Receiver
from tests.storage.contract import ACME, ID, OTHER, Clock, Run, whole_run

type JSON = Any

LATE = 4_000_000_000
RETENTION_SECONDS = 400 * 24 * 3600
DAY_SECONDS = 24 * 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "rejoinder.db", clock=clock)
    yield store
    store.close()


class Desk:
    """An announcer over a store, and the worker's part in it."""

    def __init__(
        self,
        store: SQLiteStore,
        clock: Clock,
        transport: httpx.AsyncBaseTransport,
        *,
        url: str = "http://receiver.test/hook",
        policy: Policy = LOCAL_TOO,
        outcomes: tuple[Outcome, ...] = OUTCOMES,
    ) -> None:
        self.queue = SQLiteQueue(store.database)
        self._clock = clock
        fetcher = Fetcher(transport, policy, resolve=_resolved)
        self.announcer = Announcer(
            store,
            self.queue,
            SQLiteDeliveries(store.database),
            {"mine": fetcher},
            [Webhook("mine", ACME, url, "a secret of sixteen", outcomes)],
            RETENTION_SECONDS,
        )

    async def claimed(self) -> Job | None:
        return await self.queue.claim(lease_seconds=60)

    async def work_off(self) -> list[float]:
        """Deliver until there is nothing left; when each attempt was made, from the first on."""
        began, at = self._clock.now, []
        while (await self.queue.depth()).waiting or await self._passed():
            job = await self.claimed()
            assert job is not None
            at.append(self._clock.now - began)
            try:
                await self.announcer.deliver(job)
            except Undelivered as undelivered:
                await self.queue.retry(job, delay_seconds=undelivered.wait_seconds)
            else:
                await self.queue.done(job)
        return at

    async def logged(self) -> list[Delivery]:
        """What is logged, oldest first."""
        return (await self.announcer.log.deliveries(ACME, limit=100))[::-1]

    async def _passed(self) -> bool:
        """Let time pass until there is a job; False if there will be none."""
        for wait in WAITS_SECONDS:
            self._clock.now += wait
            if (await self.queue.depth()).waiting:
                return True
            self._clock.now -= wait
        return False


async def _resolved(host: str, _port: int) -> Sequence[str]:
    return ["10.0.0.7"] if host == "inside.test" else ["93.184.215.14"]


async def test_what_is_taken_is_told_once(store: SQLiteStore, clock: Clock) -> None:
    await whole_run(store, expires_at=LATE)
    receiver = Receiver(200)
    desk = Desk(store, clock, receiver)

    await desk.announcer.announce(ACME, ID)
    at = await desk.work_off()

    assert at == [0]
    assert [(each.attempt, each.outcome) for each in await desk.logged()] == [(1, "200")]
    assert len(receiver.told) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (500, "500"),
        (404, "404"),
        (302, "302"),
        (httpx.ConnectError("refused"), "it could not be reached"),
        (httpx.ReadTimeout("silent"), "it could not be reached"),
    ],
    ids=["broken", "gone", "moved", "not there", "silent"],
)
async def test_what_is_not_taken_is_told_again_until_it_is(
    store: SQLiteStore, clock: Clock, answer: int | Exception, outcome: str
) -> None:
    await whole_run(store, expires_at=LATE)
    receiver = Receiver(answer, answer, answer, 204)
    desk = Desk(store, clock, receiver)

    await desk.announcer.announce(ACME, ID)
    at = await desk.work_off()

    assert at == [0, 5, 35, 155]
    assert [each.outcome for each in await desk.logged()] == [outcome] * 3 + ["204"]
    assert [each.attempt for each in await desk.logged()] == [1, 2, 3, 4]
    assert len({each.headers["webhook-id"] for each in receiver.told}) == 1
    assert len({each.body for each in receiver.told}) == 1


async def test_a_receiver_that_never_takes_it_is_given_up_after_a_day(
    store: SQLiteStore, clock: Clock
) -> None:
    await whole_run(store, expires_at=LATE)
    receiver = Receiver(500)
    desk = Desk(store, clock, receiver)

    await desk.announcer.announce(ACME, ID)
    at = await desk.work_off()

    waits = [later - earlier for earlier, later in pairwise(at)]
    assert waits == [*WAITS_SECONDS]
    assert waits == sorted(waits)
    assert DAY_SECONDS < at[-1] < 2 * DAY_SECONDS
    assert len(receiver.told) == len(await desk.logged()) == len(WAITS_SECONDS) + 1
    assert (await desk.queue.depth()).waiting == 0


async def test_a_receiver_that_never_answers_is_not_waited_for(
    store: SQLiteStore, clock: Clock
) -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ReadTimeout("silent", request=request)

    await whole_run(store, expires_at=LATE)
    policy = Policy(schemes=frozenset({"http"}), ports=None, timeout_seconds=0.01)
    desk = Desk(store, clock, Silent(), policy=policy)
    await desk.announcer.announce(ACME, ID)
    job = await desk.claimed()
    assert job is not None

    with pytest.raises(Undelivered) as raised:
        await desk.announcer.deliver(job)

    assert raised.value.wait_seconds == WAITS_SECONDS[0]
    assert [each.outcome for each in await desk.logged()] == ["it could not be reached"]


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("http://receiver.test/hook", "only https URLs are fetched"),
        ("https://receiver.test:8443/hook", "only the ordinary port is used"),
        ("https://inside.test/hook", "its address is not public"),
        ("https://127.0.0.1/hook", "its address is not public"),
        ("https://169.254.169.254/latest/meta-data", "its address is not public"),
        ("https://[::1]/hook", "its address is not public"),
        ("https://[::ffff:10.0.0.1]/hook", "its address is not public"),
        ("no address", "only https URLs are fetched"),
    ],
)
async def test_nobody_inside_is_told_unless_the_settings_say_so(
    store: SQLiteStore, clock: Clock, url: str, outcome: str
) -> None:
    await whole_run(store, expires_at=LATE)
    receiver = Receiver(200)
    desk = Desk(store, clock, receiver, url=url, policy=Policy(admits=is_public))

    await desk.announcer.announce(ACME, ID)
    job = await desk.claimed()
    assert job is not None
    with pytest.raises(Undelivered):
        await desk.announcer.deliver(job)

    assert receiver.told == []
    assert [each.outcome for each in await desk.logged()] == [outcome]


async def test_an_end_that_is_announced_twice_has_one_id(store: SQLiteStore, clock: Clock) -> None:
    await whole_run(store, expires_at=LATE)
    receiver = Receiver(200)
    desk = Desk(store, clock, receiver)

    await desk.announcer.announce(ACME, ID)
    clock.now += 100
    await desk.announcer.announce(ACME, ID)
    await desk.work_off()

    assert len(receiver.told) == 2
    assert len({each.headers["webhook-id"] for each in receiver.told}) == 1
    assert len({each.body for each in receiver.told}) == 1


async def test_only_ends_of_the_tenants_own_that_it_wants_are_announced(
    store: SQLiteStore, clock: Clock
) -> None:
    await Run(store, "resp_live").begin()
    await whole_run(store, "resp_done")
    failed = await Run(store, "resp_failed").begin()
    await failed.fail()
    await (await Run(store, "resp_theirs", tenant=OTHER).begin()).fail()
    await (await Run(store, "resp_gone").begin()).fail()
    await store.delete(ACME, "resp_gone")
    receiver = Receiver(200)
    desk = Desk(store, clock, receiver, outcomes=("response.failed",))

    for name in ("live", "done", "failed", "gone", "never"):
        await desk.announcer.announce(ACME, f"resp_{name}")
    await desk.announcer.announce(OTHER, "resp_theirs")
    await desk.work_off()

    [told] = receiver.told
    assert "resp_failed" in told.body


async def test_a_webhook_that_is_no_longer_set_is_forgotten(
    store: SQLiteStore, clock: Clock
) -> None:
    await whole_run(store, expires_at=LATE)
    receiver = Receiver(200)
    desk = Desk(store, clock, receiver)
    await desk.announcer.announce(ACME, ID)
    job = await desk.claimed()
    assert job is not None
    later = Announcer(
        desk.announcer.store, desk.queue, desk.announcer.log, {}, [], RETENTION_SECONDS
    )

    await later.deliver(job)

    assert receiver.told == []
    assert await desk.logged() == []
