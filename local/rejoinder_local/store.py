"""The embedded response store: SQLite, one file, written before anything is sent.

All calls run on the event loop's thread: a write takes some 30 µs, less than handing it to
another thread would. Nothing waits for the disk: with WAL and `synchronous=NORMAL` a commit
survives the death of the process (a power cut may cost the last moments). Checkpoints and
sweeps, which do wait, run in a thread with a connection of their own.
"""

import asyncio
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from time import time

from msgspec.json import Decoder, encode

from rejoinder.engine.encoding import split_frames
from rejoinder.errors import Conflict, NotFound
from rejoinder.schema.items import JSON, Item
from rejoinder.schema.response import Response
from rejoinder.schema.tools import Tool
from rejoinder.storage.base import Conversation, StoredResponse

SWEEP_BATCH = 200  # responses removed in one transaction: the writers wait no longer than that
CHECKPOINT_BYTES = 4 * 1024 * 1024

_decode_response = Decoder(Response).decode
_decode_items: Callable[[bytes], list[Item]] = Decoder(list[JSON]).decode
_decode_tools: Callable[[bytes], list[Tool]] = Decoder(list[JSON]).decode

_VISIBLE = "tenant = ? AND id = ? AND deleted_at IS NULL AND expires_at > ?"


class SQLiteStore:
    """A `ResponseStore` in one file."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time) -> None:
        self._path = path
        self._clock = clock
        self._db = _connect(path)
        self._db.executescript(files(__package__).joinpath("schema.sql").read_text())

    def close(self) -> None:
        """Write everything into the one file and let go of it."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    async def begin(self, stored: StoredResponse, frames: Sequence[bytes]) -> None:
        response, tenant = stored.response, stored.tenant
        with self._transaction():
            row = self._db.execute(
                "INSERT INTO responses (tenant, id, status, expires_at, body)"
                " VALUES (?, ?, ?, ?, ?)",
                (tenant, response.id, response.status, stored.expires_at, _packed(response)),
            ).lastrowid
            self._db.execute(
                "INSERT INTO contexts VALUES (?, ?, ?, ?)",
                (row, _packed(stored.history), _packed(stored.input), _packed(stored.tools)),
            )
            self._index(tenant, row, [*stored.input, *response.output])
            self._append(row, frames, first_number=0, is_final=not response.is_live)

    async def record(
        self, tenant: str, response: Response, frames: Sequence[bytes], *, first_number: int
    ) -> None:
        if not _ends_item(frames) and self._append_live(tenant, response, frames, first_number):
            return
        with self._transaction():
            row, status = self._row(tenant, response.id, error=Conflict)
            if status not in ("queued", "in_progress"):
                raise Conflict
            self._append(row, frames, first_number=first_number, is_final=not response.is_live)
            self._db.execute(
                "UPDATE responses SET status = ?, body = ? WHERE row = ?",
                (response.status, _packed(response), row),
            )
            if not response.is_live:
                self._index(tenant, row, response.output)

    async def get(self, tenant: str, response_id: str) -> Response:
        return self._get(tenant, response_id)

    async def frames(self, tenant: str, response_id: str, *, after: int) -> list[bytes]:
        row, _ = self._row(tenant, response_id)
        found: list[bytes] = []
        for last_number, is_compressed, joined in self._db.execute(
            "SELECT last_number, is_compressed, frames FROM batches"
            " WHERE response = ? AND last_number > ? ORDER BY last_number",
            (row, after),
        ):
            batch = split_frames(zlib.decompress(joined) if is_compressed else joined)
            first_number = last_number - len(batch) + 1
            found += batch[max(0, after + 1 - first_number) :]
        return found

    async def conversation(self, tenant: str, response_id: str) -> Conversation:
        response = self._get(tenant, response_id)
        row, _ = self._row(tenant, response_id)
        history, own, tools = self._context(row)
        return Conversation(response, [*history, *own, *response.output], tools)

    async def input_items(self, tenant: str, response_id: str) -> list[Item]:
        row, _ = self._row(tenant, response_id)
        return self._context(row)[1]

    async def item(self, tenant: str, item_id: str) -> Item:
        found = self._db.execute(
            "SELECT responses.id FROM items JOIN responses ON row = response"
            " WHERE items.tenant = ? AND items.id = ? AND deleted_at IS NULL AND expires_at > ?"
            " ORDER BY response DESC LIMIT 1",
            (tenant, item_id, self._clock()),
        ).fetchone()
        if found is None:
            raise NotFound(
                f"No item {item_id!r} is stored for this account.", code="item_not_found"
            )
        own = await self.input_items(tenant, found[0])
        output: list[Item] = self._get(tenant, found[0]).output
        return next(item for item in (*own, *output) if item["id"] == item_id)

    async def delete(self, tenant: str, response_id: str) -> None:
        with self._transaction():
            row, _ = self._row(tenant, response_id)
            self._db.execute(
                "UPDATE responses SET deleted_at = ? WHERE row = ?", (int(self._clock()), row)
            )

    async def sweep(self) -> int:
        return await asyncio.to_thread(self._sweep)

    async def checkpoint(self) -> None:
        """Move what was written into the file itself, if the log beside it has grown."""
        log = self._path.with_name(f"{self._path.name}-wal")
        if log.exists() and log.stat().st_size > CHECKPOINT_BYTES:
            await asyncio.to_thread(self._checkpoint)

    def _checkpoint(self) -> None:
        db = _connect(self._path)
        try:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            db.close()

    def unfinished(self) -> list[tuple[str, str]]:
        """Tenant and id of every live response: after a start, those that a crash cut off."""
        rows = self._db.execute(
            "SELECT tenant, id FROM responses WHERE status IN ('queued', 'in_progress')"
            " AND deleted_at IS NULL AND expires_at > ?",
            (self._clock(),),
        )
        return [(tenant, response_id) for tenant, response_id in rows]

    def _sweep(self) -> int:
        now, removed = self._clock(), 0
        db = _connect(self._path)
        try:
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

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk has rolled it back already
                self._db.execute("ROLLBACK")
            raise

    def _row(
        self, tenant: str, response_id: str, *, error: type[Exception] | None = None
    ) -> tuple[int, str]:
        found = self._db.execute(
            f"SELECT row, status FROM responses WHERE {_VISIBLE}",
            (tenant, response_id, self._clock()),
        ).fetchone()
        if found is None:
            raise error or _not_found(response_id)
        return found[0], found[1]

    def _get(self, tenant: str, response_id: str) -> Response:
        found = self._db.execute(
            f"SELECT body FROM responses WHERE {_VISIBLE}", (tenant, response_id, self._clock())
        ).fetchone()
        if found is None:
            raise _not_found(response_id)
        return _decode_response(zlib.decompress(found[0]))

    def _context(self, row: int) -> tuple[list[Item], list[Item], list[Tool]]:
        history, own, tools = self._db.execute(
            "SELECT history, input, tools FROM contexts WHERE response = ?", (row,)
        ).fetchone()
        return (
            _decode_items(zlib.decompress(history)),
            _decode_items(zlib.decompress(own)),
            _decode_tools(zlib.decompress(tools)),
        )

    def _append_live(
        self, tenant: str, response: Response, frames: Sequence[bytes], first_number: int
    ) -> bool:
        """Most batches add words and nothing else: one statement, its condition inside."""
        if not response.is_live:
            return False
        added = self._db.execute(
            f"INSERT INTO batches SELECT row, ?, 0, ? FROM responses WHERE {_VISIBLE}"
            " AND status = ?",
            (
                first_number + len(frames) - 1,
                b"".join(frames),
                tenant,
                response.id,
                self._clock(),
                response.status,
            ),
        ).rowcount
        return added > 0

    def _append(
        self, row: int | None, frames: Sequence[bytes], *, first_number: int, is_final: bool
    ) -> None:
        """Add a batch; the last one brings all of them into one, compressed."""
        joined, last_number = b"".join(frames), first_number + len(frames) - 1
        if is_final:
            earlier = self._db.execute(
                "SELECT frames FROM batches WHERE response = ? ORDER BY last_number", (row,)
            ).fetchall()
            self._db.execute("DELETE FROM batches WHERE response = ?", (row,))
            joined = zlib.compress(b"".join([*(part for (part,) in earlier), joined]), 1)
        self._db.execute(
            "INSERT INTO batches VALUES (?, ?, ?, ?)", (row, last_number, is_final, joined)
        )

    def _index(self, tenant: str, row: int | None, items: Sequence[Item]) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO items VALUES (?, ?, ?)",
            [(tenant, item["id"], row) for item in items],
        )


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=10.0, autocommit=True)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten, not only forgotten
    db.execute("PRAGMA wal_autocheckpoint = 0")
    return db


def _packed(content: JSON) -> bytes:
    return zlib.compress(encode(content), 1)


def _ends_item(frames: Sequence[bytes]) -> bool:
    return any(frame.startswith(b"event: response.output_item.done\n") for frame in frames)


def _not_found(response_id: str) -> NotFound:
    return NotFound(f"No response {response_id!r} is stored for this account.", param="response_id")
