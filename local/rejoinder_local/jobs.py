"""The embedded job queue: a table beside the responses, in the same file."""

import asyncio
from contextlib import suppress
from uuid import uuid4

from msgspec.json import decode, encode

from rejoinder.errors import Conflict
from rejoinder.storage.jobs import Depth, Job, NewJob
from rejoinder_local.database import Database


class SQLiteQueue:
    """A `JobQueue` in one file. Every claim has an owner's name of its own: a fencing token."""

    def __init__(self, database: Database) -> None:
        self._db = database.db
        self._clock = database.clock
        self._sent = asyncio.Event()

    async def send(self, job: NewJob, *, delay_seconds: float = 0.0) -> None:
        now = self._clock()
        self._db.execute(
            "INSERT INTO jobs (kind, tenant, subject, content, sent_at, available_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (job.kind, job.tenant, job.subject, encode(job.content), now, now + delay_seconds),
        )
        self._sent.set()

    async def wait(self, seconds: float) -> None:
        """Return when a job was sent, or after that time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._sent.wait()
        self._sent.clear()

    async def claim(self, *, lease_seconds: float) -> Job | None:
        now, owner = self._clock(), uuid4().hex
        row = self._db.execute(
            "UPDATE jobs SET owner = ?, available_at = ? WHERE job ="
            " (SELECT job FROM jobs WHERE available_at <= ? ORDER BY available_at, job LIMIT 1)"
            " RETURNING job, kind, tenant, subject, content, attempt",
            (owner, now + lease_seconds, now),
        ).fetchone()
        if row is None:
            return None
        job, kind, tenant, subject, content, attempt = row
        return Job(str(job), kind, tenant, subject, decode(content), attempt, owner)

    async def renew(self, job: Job, *, lease_seconds: float) -> None:
        if not self._own(job, "UPDATE jobs SET available_at = ?", self._clock() + lease_seconds):
            raise Conflict

    async def done(self, job: Job) -> None:
        self._own(job, "DELETE FROM jobs")

    async def retry(self, job: Job, *, delay_seconds: float) -> None:
        change = "UPDATE jobs SET owner = NULL, attempt = attempt + 1, available_at = ?"
        self._own(job, change, self._clock() + delay_seconds)

    async def give_back(self, job: Job) -> None:
        """Let it be claimed at once, as if nobody had."""
        self._own(job, "UPDATE jobs SET owner = NULL, available_at = ?", self._clock())

    async def depth(self) -> Depth:
        now = self._clock()
        waiting, oldest, running = self._db.execute(
            "SELECT count(*) FILTER (WHERE available_at <= ?1),"
            " min(sent_at) FILTER (WHERE available_at <= ?1),"
            " count(*) FILTER (WHERE available_at > ?1 AND owner IS NOT NULL) FROM jobs",
            (now,),
        ).fetchone()
        return Depth(waiting, running, now - oldest if oldest is not None else 0.0)

    async def waiting(self, tenant: str) -> int:
        count: int = self._db.execute(
            "SELECT count(*) FROM jobs WHERE tenant = ? AND kind = 'run' AND owner IS NULL",
            (tenant,),
        ).fetchone()[0]
        return count

    def has(self, tenant: str, subject: str) -> bool:
        """Whether there is a run of this response to be done."""
        found = self._db.execute(
            "SELECT 1 FROM jobs WHERE kind = 'run' AND tenant = ? AND subject = ?",
            (tenant, subject),
        )
        return found.fetchone() is not None

    def release(self) -> None:
        """After a start: what the last process had in hand can be claimed at once."""
        self._db.execute("UPDATE jobs SET available_at = 0 WHERE owner IS NOT NULL")

    def _own(self, job: Job, change: str, *values: float) -> bool:
        """Make a change to a job that is still its owner's; False if it is not."""
        done = self._db.execute(
            f"{change} WHERE job = ? AND owner = ?", (*values, int(job.id), job.owner)
        )
        return done.rowcount == 1
