"""The embedded response store: SQLite, one file, written before anything is sent.

All calls run on the event loop's thread: a write takes some 30 µs, less than handing it to
another thread would. Nothing waits for the disk: with WAL and `synchronous=NORMAL` a commit
survives the death of the process (a power cut may cost the last moments). Checkpoints and
sweeps, which do wait, run in a thread with a connection of their own.
"""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from time import time

from msgspec.json import Decoder, encode

from rejoinder.engine.encoding import split_frames
from rejoinder.engine.lifecycle import LIVE
from rejoinder.errors import Conflict, NotFound
from rejoinder.schema.items import JSON, Item
from rejoinder.schema.request import restored
from rejoinder.schema.response import Response
from rejoinder.schema.tools import Tool
from rejoinder.storage.base import Conversation, StoredResponse, Taken
from rejoinder_local.database import Database

_decode_response = Decoder(Response).decode
_decode_items: Callable[[bytes], list[Item]] = Decoder(list[JSON]).decode
_decode_tools: Callable[[bytes], list[Tool]] = Decoder(list[JSON]).decode

_VISIBLE = "tenant = ? AND id = ? AND deleted_at IS NULL AND expires_at > ?"


class SQLiteStore:
    """A `ResponseStore` in one file."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time) -> None:
        self.database = Database(path, clock=clock)
        self._clock = clock
        self._db = self.database.db

    def close(self) -> None:
        """Write everything into the one file and let go of it."""
        self.database.close()

    async def begin(self, stored: StoredResponse, frames: Sequence[bytes]) -> None:
        response, tenant = stored.response, stored.tenant
        with self.database.transaction():
            row = self._db.execute(
                "INSERT INTO responses (tenant, id, status, expires_at, body)"
                " VALUES (?, ?, ?, ?, ?)",
                (tenant, response.id, response.status, stored.expires_at, _packed(response)),
            ).lastrowid
            self._db.execute(
                "INSERT INTO contexts VALUES (?, ?, ?, ?, ?)",
                (
                    row,
                    _packed(stored.history),
                    _packed(stored.input),
                    _packed(stored.tools),
                    _packed(stored.request) if response.background else None,
                ),
            )
            self._index(tenant, row, [*stored.input, *response.output])
            self._append(row, frames, first_number=0, is_final=not response.is_live)

    async def record(
        self,
        tenant: str,
        response: Response,
        frames: Sequence[bytes],
        *,
        first_number: int,
        writer: str = "",
    ) -> None:
        if (
            response.is_live
            and not _ends_item(frames)
            and self._append_live(tenant, response, frames, first_number, writer)
        ):
            return
        with self.database.transaction():
            row = self._written(tenant, response.id, writer)
            self._append(row, frames, first_number=first_number, is_final=not response.is_live)
            self._update(row, response)
            if not response.is_live:
                self._index(tenant, row, response.output)

    async def take_over(self, tenant: str, response_id: str, writer: str) -> Taken:
        with self.database.transaction():
            row, status = self._row(tenant, response_id, error=Conflict)
            if status not in LIVE:
                raise Conflict
            self._db.execute("UPDATE responses SET writer = ? WHERE row = ?", (writer, row))
        expires_at, is_followed, request = self._db.execute(
            "SELECT expires_at, is_followed, request FROM responses JOIN contexts"
            " ON row = response WHERE row = ?",
            (row,),
        ).fetchone()
        history, own, tools = self._context(row)
        stored = StoredResponse(
            tenant,
            self._get(tenant, response_id),
            history,
            own,
            tools,
            expires_at,
            restored(zlib.decompress(request)) if request else None,
        )
        frames = await self.frames(tenant, response_id, after=-1)
        return Taken(stored, writer, frames, bool(is_followed))

    async def rewind(
        self, tenant: str, response: Response, *, next_number: int, writer: str
    ) -> None:
        kept = (await self.frames(tenant, response.id, after=-1))[:next_number]
        with self.database.transaction():
            row = self._written(tenant, response.id, writer)
            self._db.execute("DELETE FROM batches WHERE response = ?", (row,))
            self._append(row, kept, first_number=0, is_final=False)
            self._update(row, response)

    async def mark_followed(self, tenant: str, response_id: str) -> None:
        self._db.execute(
            "UPDATE responses SET is_followed = 1 WHERE tenant = ? AND id = ?",
            (tenant, response_id),
        )

    async def writer(self, tenant: str, response_id: str) -> str | None:
        found = self._db.execute(
            f"SELECT writer, status FROM responses WHERE {_VISIBLE}",
            (tenant, response_id, self._clock()),
        ).fetchone()
        return str(found[0]) if found is not None and found[1] in LIVE else None

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
        with self.database.transaction():
            row, _ = self._row(tenant, response_id)
            self._db.execute(
                "UPDATE responses SET deleted_at = ? WHERE row = ?", (int(self._clock()), row)
            )

    async def sweep(self) -> int:
        return await self.database.sweep()

    def unfinished(self) -> list[tuple[str, str]]:
        """Tenant and id of every live response: after a start, those that a crash cut off."""
        rows = self._db.execute(
            "SELECT tenant, id FROM responses WHERE status IN ('queued', 'in_progress')"
            " AND deleted_at IS NULL AND expires_at > ?",
            (self._clock(),),
        )
        return [(tenant, response_id) for tenant, response_id in rows]

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

    def _written(self, tenant: str, response_id: str, writer: str) -> int:
        """The row of a live response, for its writer."""
        found = self._db.execute(
            f"SELECT row, status, writer FROM responses WHERE {_VISIBLE}",
            (tenant, response_id, self._clock()),
        ).fetchone()
        if found is None or found[1] not in LIVE or found[2] != writer:
            raise Conflict
        return int(found[0])

    def _update(self, row: int, response: Response) -> None:
        self._db.execute(
            "UPDATE responses SET status = ?, body = ? WHERE row = ?",
            (response.status, _packed(response), row),
        )

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
        self,
        tenant: str,
        response: Response,
        frames: Sequence[bytes],
        first_number: int,
        writer: str,
    ) -> bool:
        """Most batches add words and nothing else: one statement, its condition inside."""
        added = self._db.execute(
            f"INSERT INTO batches SELECT row, ?, 0, ? FROM responses WHERE {_VISIBLE}"
            " AND status = ? AND writer = ?",
            (
                first_number + len(frames) - 1,
                b"".join(frames),
                tenant,
                response.id,
                self._clock(),
                response.status,
                writer,
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


def _packed(content: JSON) -> bytes:
    return zlib.compress(encode(content), 1)


def _ends_item(frames: Sequence[bytes]) -> bool:
    return any(frame.startswith(b"event: response.output_item.done\n") for frame in frames)


def _not_found(response_id: str) -> NotFound:
    return NotFound(f"No response {response_id!r} is stored for this account.", param="response_id")
