"""What every `JobQueue`, `IdempotencyKeys` and `DeliveryLog` must do, for all that keep them.

A queue joins by a subclass of `QueueContract` with the fixtures `queue`, which makes an empty
one, and `time`, by which its time passes; keys and logs likewise.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rejoinder.errors import Conflict
from rejoinder.storage.deliveries import Delivery, DeliveryLog
from rejoinder.storage.idempotency import IdempotencyKeys, Remembered
from rejoinder.storage.jobs import Depth, Job, JobQueue, NewJob
from tests.storage.contract import ACME, HOUR, NOW, OTHER, Clock

type JSON = Any
type Pass = Callable[[float], Awaitable[None]]

LEASE_SECONDS = 30.0


def a_run(number: int = 1, tenant: str = ACME) -> NewJob:
    return NewJob("run", tenant, f"resp_{number}")


async def claimed(queue: JobQueue, lease_seconds: float = LEASE_SECONDS) -> Job:
    """The next job, which must be there."""
    job = await queue.claim(lease_seconds=lease_seconds)
    assert job is not None
    return job


async def claimed_subjects(queue: JobQueue) -> list[str]:
    """What can be claimed now, in its order."""
    found: list[str] = []
    while (job := await queue.claim(lease_seconds=LEASE_SECONDS)) is not None:
        found.append(job.subject)
    return found


class QueueContract:
    """The promises of `rejoinder.storage.jobs`, one by one."""

    # What is sent is claimed.

    async def test_an_empty_queue_gives_nothing(self, queue: JobQueue) -> None:
        assert await queue.claim(lease_seconds=LEASE_SECONDS) is None
        assert await queue.depth() == Depth(waiting=0, running=0, oldest_age_seconds=0.0)
        assert await queue.waiting(ACME) == 0

    @pytest.mark.parametrize(
        "sent",
        [
            NewJob("run", ACME, "resp_1"),
            NewJob("webhook", OTHER, "mine", {"id": "evt_1", "data": {"id": "resp_1"}}),
            NewJob("webhook", "Tromsø 🌌", "a 'name'", {"text": '"quoted"\u2028'}),
        ],
        ids=["run", "webhook", "unicode"],
    )
    async def test_a_job_is_claimed_as_it_was_sent(self, queue: JobQueue, sent: NewJob) -> None:
        await queue.send(sent)

        job = await claimed(queue)

        found = NewJob(job.kind, job.tenant, job.subject, job.content)
        assert found == sent
        assert job.attempt == 1
        assert job.owner

    async def test_jobs_are_claimed_in_the_order_in_which_they_were_sent(
        self, queue: JobQueue
    ) -> None:
        for number in range(5):
            await queue.send(a_run(number))

        assert await claimed_subjects(queue) == [f"resp_{number}" for number in range(5)]

    async def test_the_same_may_be_sent_twice(self, queue: JobQueue) -> None:
        await queue.send(a_run())
        await queue.send(a_run())

        first, second = await claimed(queue), await claimed(queue)

        assert first.subject == second.subject
        assert first.id != second.id
        assert first.owner != second.owner

    async def test_a_delayed_job_is_claimed_after_the_delay(
        self, queue: JobQueue, time: Pass
    ) -> None:
        await queue.send(a_run(1), delay_seconds=10)
        await queue.send(a_run(2))

        assert await claimed_subjects(queue) == ["resp_2"]
        await time(9)
        assert await claimed_subjects(queue) == []
        await time(1)
        assert await claimed_subjects(queue) == ["resp_1"]

    # Leases.

    async def test_a_claimed_job_is_nobody_elses_while_the_lease_lasts(
        self, queue: JobQueue, time: Pass
    ) -> None:
        await queue.send(a_run())
        await claimed(queue)

        await time(LEASE_SECONDS - 1)

        assert await queue.claim(lease_seconds=LEASE_SECONDS) is None

    async def test_a_job_whose_lease_ran_out_is_claimed_again(
        self, queue: JobQueue, time: Pass
    ) -> None:
        await queue.send(a_run())
        first = await claimed(queue)
        await time(LEASE_SECONDS)

        second = await claimed(queue)

        assert (second.id, second.subject) == (first.id, first.subject)
        assert second.owner != first.owner
        assert (first.attempt, second.attempt) == (1, 1)  # nobody knows that it was tried

    async def test_a_renewed_lease_lasts_from_then_on(self, queue: JobQueue, time: Pass) -> None:
        await queue.send(a_run())
        job = await claimed(queue)
        await time(LEASE_SECONDS - 1)

        await queue.renew(job, lease_seconds=LEASE_SECONDS)

        await time(LEASE_SECONDS - 1)
        assert await queue.claim(lease_seconds=LEASE_SECONDS) is None
        await time(1)
        assert (await claimed(queue)).id == job.id

    async def test_a_lease_can_be_renewed_again_and_again(
        self, queue: JobQueue, time: Pass
    ) -> None:
        await queue.send(a_run())
        job = await claimed(queue)

        for _ in range(20):
            await time(LEASE_SECONDS / 2)
            await queue.renew(job, lease_seconds=LEASE_SECONDS)

        assert await queue.claim(lease_seconds=LEASE_SECONDS) is None

    # A late owner.

    async def test_a_late_owner_cannot_renew(self, queue: JobQueue, time: Pass) -> None:
        late, _ = await self._twice_claimed(queue, time)

        with pytest.raises(Conflict):
            await queue.renew(late, lease_seconds=LEASE_SECONDS)

    async def test_what_a_late_owner_calls_done_is_not(self, queue: JobQueue, time: Pass) -> None:
        late, owned = await self._twice_claimed(queue, time)

        await queue.done(late)

        await queue.renew(owned, lease_seconds=LEASE_SECONDS)
        assert (await queue.depth()).running == 1

    async def test_what_a_late_owner_gives_back_stays_where_it_is(
        self, queue: JobQueue, time: Pass
    ) -> None:
        late, owned = await self._twice_claimed(queue, time)

        await queue.retry(late, delay_seconds=0)

        assert await queue.claim(lease_seconds=LEASE_SECONDS) is None
        await queue.renew(owned, lease_seconds=LEASE_SECONDS)

    # The end of a job.

    async def test_a_job_that_is_done_never_comes_again(self, queue: JobQueue, time: Pass) -> None:
        await queue.send(a_run())
        job = await claimed(queue)

        await queue.done(job)
        await queue.done(job)

        await time(2 * LEASE_SECONDS)
        assert await queue.claim(lease_seconds=LEASE_SECONDS) is None
        with pytest.raises(Conflict):
            await queue.renew(job, lease_seconds=LEASE_SECONDS)

    async def test_a_job_is_tried_again_after_the_delay(self, queue: JobQueue, time: Pass) -> None:
        await queue.send(a_run())
        await queue.retry(await claimed(queue), delay_seconds=60)

        await time(59)
        assert await queue.claim(lease_seconds=LEASE_SECONDS) is None
        await time(1)
        assert (await claimed(queue)).attempt == 2

    async def test_attempts_are_counted(self, queue: JobQueue) -> None:
        await queue.send(a_run())
        attempts = []

        for _ in range(4):
            job = await claimed(queue)
            attempts.append(job.attempt)
            await queue.retry(job, delay_seconds=0)

        assert attempts == [1, 2, 3, 4]

    async def test_one_job_does_not_hold_up_the_others(self, queue: JobQueue, time: Pass) -> None:
        for number in range(3):
            await queue.send(a_run(number))
        await queue.retry(await claimed(queue), delay_seconds=10)

        assert await claimed_subjects(queue) == ["resp_1", "resp_2"]
        await time(10)
        assert await claimed_subjects(queue) == ["resp_0"]

    # How much there is.

    async def test_the_depth_tells_what_waits_and_what_runs(
        self, queue: JobQueue, time: Pass
    ) -> None:
        for number in range(3):
            await queue.send(a_run(number))
            await time(10)
        await queue.send(a_run(3), delay_seconds=100)

        before = await queue.depth()
        job = await claimed(queue)
        during = await queue.depth()
        await queue.done(job)
        after = await queue.depth()

        assert (before.waiting, before.running) == (3, 0)
        assert (during.waiting, during.running) == (2, 1)
        assert (after.waiting, after.running) == (2, 0)

    async def test_a_job_whose_owner_is_lost_waits_again(self, queue: JobQueue, time: Pass) -> None:
        await queue.send(a_run())
        await claimed(queue)
        await time(LEASE_SECONDS)

        depth = await queue.depth()

        assert (depth.waiting, depth.running) == (1, 0)

    async def test_the_waiting_runs_of_each_tenant_are_counted(self, queue: JobQueue) -> None:
        for number in range(3):
            await queue.send(a_run(number))
        await queue.send(a_run(tenant=OTHER))
        await queue.send(NewJob("webhook", ACME, "mine", {}))

        counted = [await queue.waiting(ACME), await queue.waiting(OTHER)]
        job = await claimed(queue)
        in_hand = await queue.waiting(ACME)
        await queue.done(job)

        assert counted == [3, 1]
        assert [in_hand, await queue.waiting(ACME)] == [2, 2]
        assert await queue.waiting("nobody") == 0

    async def _twice_claimed(self, queue: JobQueue, time: Pass) -> tuple[Job, Job]:
        """A job in the hands of a late owner, and of the one who has it now."""
        await queue.send(a_run())
        late = await claimed(queue)
        await time(LEASE_SECONDS)
        return late, await claimed(queue)


class ExactQueueContract(QueueContract):
    """What a queue promises besides that looks at all of its jobs at once.

    A queue that is spread over many machines does not know how old its oldest job is, nor, of
    an owner who is late, whether somebody else has his job by now: it refuses him.
    """

    async def test_a_lease_that_ran_out_can_be_renewed_while_nobody_else_has_the_job(
        self, queue: JobQueue, time: Pass
    ) -> None:
        await queue.send(a_run())
        job = await claimed(queue)
        await time(LEASE_SECONDS + 1)

        await queue.renew(job, lease_seconds=LEASE_SECONDS)

        assert await queue.claim(lease_seconds=LEASE_SECONDS) is None

    async def test_the_depth_tells_how_long_the_oldest_has_waited(
        self, queue: JobQueue, time: Pass
    ) -> None:
        for number in range(3):
            await queue.send(a_run(number))
            await time(10)
        await queue.send(a_run(3), delay_seconds=100)

        before = await queue.depth()
        await claimed(queue)
        during = await queue.depth()

        assert before.oldest_age_seconds == pytest.approx(30, abs=2)
        assert during.oldest_age_seconds == pytest.approx(20, abs=2)


FIRST, SECOND = Remembered("digest-1", "resp_1"), Remembered("digest-2", "resp_2")


class KeysContract:
    """The promises of `rejoinder.storage.idempotency`, one by one."""

    async def test_the_first_to_come_is_remembered(self, keys: IdempotencyKeys) -> None:
        first = await keys.remember(ACME, "key", FIRST, expires_at=NOW + HOUR)

        assert first is None
        assert await keys.remember(ACME, "key", SECOND, expires_at=NOW + HOUR) == FIRST
        assert await keys.remember(ACME, "key", SECOND, expires_at=NOW + HOUR) == FIRST

    async def test_keys_differ_in_every_letter(self, keys: IdempotencyKeys) -> None:
        for key in ("key", "Key", "key ", "ke", "kéy", "k" * 255):
            assert await keys.remember(ACME, key, FIRST, expires_at=NOW + HOUR) is None

    async def test_tenants_have_keys_of_their_own(self, keys: IdempotencyKeys) -> None:
        await keys.remember(ACME, "key", FIRST, expires_at=NOW + HOUR)

        assert await keys.remember(OTHER, "key", SECOND, expires_at=NOW + HOUR) is None
        await keys.forget(OTHER, "key", FIRST.response_id)
        assert await keys.remember(ACME, "key", SECOND, expires_at=NOW + HOUR) == FIRST

    async def test_what_is_forgotten_is_free(self, keys: IdempotencyKeys) -> None:
        await keys.remember(ACME, "key", FIRST, expires_at=NOW + HOUR)

        await keys.forget(ACME, "key", FIRST.response_id)
        await keys.forget(ACME, "key", FIRST.response_id)

        assert await keys.remember(ACME, "key", SECOND, expires_at=NOW + HOUR) is None
        assert await keys.remember(ACME, "key", FIRST, expires_at=NOW + HOUR) == SECOND

    async def test_a_key_that_stands_for_another_response_by_now_is_not_forgotten(
        self, keys: IdempotencyKeys
    ) -> None:
        await keys.remember(ACME, "key", FIRST, expires_at=NOW + HOUR)

        await keys.forget(ACME, "key", SECOND.response_id)

        assert await keys.remember(ACME, "key", SECOND, expires_at=NOW + HOUR) == FIRST

    async def test_how_long_a_response_is_waited_for_is_remembered(
        self, keys: IdempotencyKeys
    ) -> None:
        reserved = Remembered("digest-1", "resp_1", reserved_until=NOW + 60.25)
        await keys.remember(ACME, "key", reserved, expires_at=NOW + HOUR)

        assert await keys.remember(ACME, "key", SECOND, expires_at=NOW + HOUR) == reserved

    async def test_a_key_is_free_from_the_second_at_which_it_expires(
        self, keys: IdempotencyKeys, clock: Clock
    ) -> None:
        await keys.remember(ACME, "key", FIRST, expires_at=NOW + HOUR)

        clock.now = NOW + HOUR - 1
        assert await keys.remember(ACME, "key", SECOND, expires_at=NOW + 2 * HOUR) == FIRST
        clock.now = NOW + HOUR
        assert await keys.remember(ACME, "key", SECOND, expires_at=NOW + 2 * HOUR) is None
        assert await keys.remember(ACME, "key", FIRST, expires_at=NOW + 2 * HOUR) == SECOND


def delivery(attempt: int, tenant: str = ACME, outcome: str = "200") -> Delivery:
    event = {"id": "evt_1", "object": "event", "data": {"id": "resp_1"}}
    return Delivery(tenant, "mine", event, attempt, NOW + attempt, outcome)


class DeliveriesContract:
    """The promises of `rejoinder.storage.deliveries`, one by one."""

    async def test_the_newest_are_told_first(self, log: DeliveryLog) -> None:
        noted = [delivery(1, outcome="500"), delivery(2, outcome="it could not be reached")]
        for each in [*noted, delivery(3)]:
            await log.note(each, expires_at=NOW + HOUR)

        assert await log.deliveries(ACME, limit=10) == [delivery(3), *reversed(noted)]
        assert await log.deliveries(ACME, limit=1) == [delivery(3)]

    async def test_tenants_see_their_own(self, log: DeliveryLog) -> None:
        await log.note(delivery(1), expires_at=NOW + HOUR)
        await log.note(delivery(1, OTHER), expires_at=NOW + HOUR)

        assert await log.deliveries(OTHER, limit=10) == [delivery(1, OTHER)]
        assert await log.deliveries("nobody", limit=10) == []

    async def test_what_has_expired_is_not_told(self, log: DeliveryLog, clock: Clock) -> None:
        await log.note(delivery(1), expires_at=NOW + 10)
        await log.note(delivery(2), expires_at=NOW + HOUR)

        clock.now = NOW + 10

        assert await log.deliveries(ACME, limit=10) == [delivery(2)]
