"""What a server has kept, as its file holds it, and what must be true of it at all times."""

import json
import sqlite3
import zlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rejoinder.engine.encoding import split_frames
from tests.faults.folding import TERMINAL, folded
from tests.faults.wire import event_of

type JSON = Any

LIVE = ("queued", "in_progress")
FIRST_EVENTS = 2  # of a background response, told by who queued it


@dataclass(frozen=True, slots=True)
class Kept:
    """A response that is kept and not deleted."""

    status: str
    response: JSON
    frames: list[bytes]

    @property
    def is_live(self) -> bool:
        """Whether it is still to end."""
        return self.status in LIVE

    @property
    def has_output(self) -> bool:
        """Whether more is told than that it waits."""
        return len(self.frames) > FIRST_EVENTS

    def check(self) -> None:
        """Its events are whole, end at most once, and tell what it is."""
        events = [event_of(frame) for frame in self.frames]
        assert self.status == self.response["status"]
        assert [event["sequence_number"] for event in events] == [*range(len(events))]
        ends = [event["type"] for event in events if event["type"] in TERMINAL]
        assert len(ends) == (not self.is_live)
        if not self.is_live:
            assert folded(self.frames) == self.response


def kept(data: Path) -> Mapping[str, Kept]:
    """All responses by their ids."""
    with closing(_opened(data)) as db:
        db.execute("BEGIN")
        rows = db.execute(
            "SELECT row, id, status, body FROM responses WHERE deleted_at IS NULL ORDER BY row"
        ).fetchall()
        return {
            response_id: Kept(status, json.loads(zlib.decompress(body)), _frames(db, row))
            for row, response_id, status, body in rows
        }


def only(data: Path) -> Kept:
    """The only response that is kept, and it is in order."""
    [found] = kept(data).values()
    found.check()
    return found


def statuses(data: Path) -> Mapping[str, str]:
    """The status of each response."""
    with closing(_opened(data)) as db:
        return dict(db.execute("SELECT id, status FROM responses WHERE deleted_at IS NULL"))


def jobs(data: Path) -> list[tuple[str, str, int]]:
    """Kind, subject and attempt of each job that is not done."""
    with closing(_opened(data)) as db:
        return db.execute("SELECT kind, subject, attempt FROM jobs").fetchall()


def attempts(data: Path) -> Mapping[str, int]:
    """How often a worker began each response."""
    with closing(_opened(data)) as db:
        return dict(db.execute("SELECT id, attempts FROM responses WHERE deleted_at IS NULL"))


def is_quiet(data: Path) -> bool:
    """Whether everything has ended and nothing is left to be done."""
    return not jobs(data) and not set(statuses(data).values()) & set(LIVE)


def _frames(db: sqlite3.Connection, row: int) -> list[bytes]:
    batches = db.execute(
        "SELECT is_compressed, frames FROM batches WHERE response = ? ORDER BY last_number", (row,)
    )
    return [
        frame
        for is_compressed, joined in batches
        for frame in split_frames(zlib.decompress(joined) if is_compressed else joined)
    ]


def _opened(data: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{data}/responses.sqlite3?mode=ro", uri=True, timeout=10)
