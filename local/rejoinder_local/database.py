"""The one file: connection, transactions, checkpoints and sweeps."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from time import time

SCHEMA_VERSION = 3  # of schema.sql: counts up with every change that older files do not have
SWEEP_BATCH = 200  # responses removed in one transaction: the writers wait no longer than that
CHECKPOINT_BYTES = 4 * 1024 * 1024


class Database:
    """What the embedded store and queue share. The event loop's thread alone uses `db`."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time) -> None:
        self.path = path
        self.clock = clock
        self.db = _connect(path)
        self._prepare()

    def _prepare(self) -> None:
        found = self.db.execute("PRAGMA user_version").fetchone()[0]
        is_new = self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not is_new and found != SCHEMA_VERSION:
            self.db.close()
            raise sqlite3.DatabaseError(
                f"its form is {found}, this version of Rejoinder writes form {SCHEMA_VERSION}"
            )
        self.db.executescript(files(__package__).joinpath("schema.sql").read_text())
        self.db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        """Write everything into the one file and let go of it."""
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it, or nothing."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:  # a full disk has rolled it back already
                self.db.execute("ROLLBACK")
            raise

    async def checkpoint(self) -> None:
        """Move what was written into the file itself, if the log beside it has grown."""
        log = self.path.with_name(f"{self.path.name}-wal")
        if log.exists() and log.stat().st_size > CHECKPOINT_BYTES:
            await asyncio.to_thread(self._checkpoint)

    async def sweep(self) -> int:
        """Remove what is expired or deleted, for good; gives the number of responses."""
        return await asyncio.to_thread(self._sweep)

    def _checkpoint(self) -> None:
        db = _connect(self.path)
        try:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            db.close()

    def _sweep(self) -> int:
        now, removed = self.clock(), 0
        db = _connect(self.path)
        try:
            db.execute("DELETE FROM idempotency WHERE expires_at <= ?", (now,))
            db.execute("DELETE FROM deliveries WHERE expires_at <= ?", (now,))
            while True:
                gone = db.execute(
                    "DELETE FROM responses WHERE row IN (SELECT row FROM responses"
                    " WHERE expires_at <= ? OR deleted_at IS NOT NULL LIMIT ?)",
                    (now, SWEEP_BATCH),
                ).rowcount
                removed += gone
                if gone < SWEEP_BATCH:
                    break
            db.execute(f"PRAGMA wal_checkpoint({'TRUNCATE' if removed else 'PASSIVE'})")
        finally:
            db.close()
        return removed


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=10.0, autocommit=True)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten, not only forgotten
    db.execute("PRAGMA wal_autocheckpoint = 0")
    return db
