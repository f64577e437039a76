"""The promises of a job queue: at least once, one owner at a time, never forever.

See docs/decisions/0007-background-is-at-least-once.md.

A job says what to do in a few words; what it works on is in the response store. Whoever claims
one holds a lease and renews it while at work. A job whose lease runs out is claimed again; by
its owner's name the store refuses what a late owner still writes.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from rejoinder.schema.items import JSON

type Kind = Literal["run", "webhook"]


@dataclass(frozen=True, slots=True)
class NewJob:
    """Something to be done."""

    kind: Kind
    tenant: str
    subject: str  # a response's id, or a webhook's name
    content: JSON = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job in the hands of one owner.

    `attempt` is 1, and one more for each time that an owner gave it back to be tried again. What
    was lost with its owner, or on its way, is not counted: what is begun too often ends where it
    is counted (`Taken.attempt`), or in the dead letters of the queue.
    """

    id: str
    kind: Kind
    tenant: str
    subject: str
    content: JSON
    attempt: int
    owner: str


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits: jobs that could be claimed now, and the age of the oldest (0.0 if unknown)."""

    waiting: int
    running: int
    oldest_age_seconds: float


class JobQueue(Protocol):
    """Keeps jobs until they are done."""

    async def send(self, job: NewJob, *, delay_seconds: float = 0.0) -> None:
        """Keep a job; it can be claimed after the delay."""
        ...

    async def claim(self, *, lease_seconds: float) -> Job | None:
        """The oldest job that nobody has, for as long as the lease; None if there is none."""
        ...

    async def renew(self, job: Job, *, lease_seconds: float) -> None:
        """Hold a job for longer.

        Raises:
            Conflict: if the lease ran out and somebody else has the job, or may have it.
        """
        ...

    async def done(self, job: Job) -> None:
        """Forget a job, unless somebody else has it by now."""
        ...

    async def retry(self, job: Job, *, delay_seconds: float) -> None:
        """Give a job back, to be tried again after the delay, unless somebody else has it."""
        ...

    async def depth(self) -> Depth:
        """How much waits and runs."""
        ...

    async def waiting(self, tenant: str) -> int:
        """How many of a tenant's runs wait for a worker."""
        ...
