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

from rejoinder.errors import Conflict, Held, NotFound
from rejoinder.schema.items import JSON, Item
from rejoinder.schema.request import restored
from rejoinder.schema.response import LIVE, Response
from rejoinder.schema.tools import Tool
from rejoinder.storage.base import ContinuedResponse, StoredResponse, Taken
from rejoinder_local.batches import Batches
from rejoinder_local.database import Database
from rejoinder_local.items import ItemIndex

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
        self._batches = Batches(self._db)
        self._items = ItemIndex(self._db)

    def close(self) -> None:
        """Write everything into the one file and let go of it."""
        self.database.close()

    @property
    def batch_seconds(self) -> float:
        return 0.0

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
            self._items.add(tenant, row, [*stored.input, *response.output])
            self._batches.append(row, frames, first_number=0, is_final=not response.is_live)

    async def record(
        self,
        tenant: str,
        response: Response,
        frames: Sequence[bytes],
        *,
        first_number: int,
        writer: str = "",
    ) -> bool:
        if (
            response.is_live
            and not _ends_item(frames)
            and self._append_live(tenant, response, frames, first_number, writer)
        ):
            return False
        with self.database.transaction():
            row = self._written(tenant, response.id, writer)
            self._batches.append(
                row, frames, first_number=first_number, is_final=not response.is_live
            )
            self._update(row, response)
            if not response.is_live:
                self._items.add(tenant, row, response.output)
        return False  # who follows reads each event as soon as it is told

    async def take_over(
        self, tenant: str, response_id: str, writer: str, *, hold_seconds: float | None = None
    ) -> Taken:
        with self.database.transaction():
            row, status = self._row(tenant, response_id, error=Conflict)
            if status not in LIVE:
                raise Conflict
            if hold_seconds is not None:
                self._check_held(row, writer)
            expires_at, is_followed, attempt = self._db.execute(
                "UPDATE responses SET writer = ?1, held_until = ?2,"
                " attempts = attempts + (?3 AND writer != ?1) WHERE row = ?4"
                " RETURNING expires_at, is_followed, attempts",
                (writer, self._clock() + (hold_seconds or 0), hold_seconds is not None, row),
            ).fetchone()
        (request,) = self._db.execute(
            "SELECT request FROM contexts WHERE response = ?", (row,)
        ).fetchone()
        stored = StoredResponse(
            tenant,
            self._get(tenant, response_id),
            *self._context(row),
            expires_at,
            restored(zlib.decompress(request)) if request else None,
        )
        frames = await self.frames(tenant, response_id, after=-1)
        return Taken(stored, writer, frames, bool(is_followed), attempt)

    async def hold(self, tenant: str, response_id: str, writer: str, *, seconds: float) -> None:
        with self.database.transaction():
            row, now = self._written(tenant, response_id, writer), self._clock()
            self._db.execute(
                "UPDATE responses SET held_until = ? WHERE row = ?", (now + seconds, row)
            )

    def let_go(self, tenant: str, response_id: str, writer: str) -> None:
        """Stop holding a response that was not made: it was no attempt."""
        self._db.execute(
            "UPDATE responses SET held_until = 0, attempts = attempts - 1"
            " WHERE tenant = ? AND id = ? AND writer = ?",
            (tenant, response_id, writer),
        )

    async def silent_seconds(self, tenant: str, response_id: str) -> float:  # noqa: ARG002
        return 0.0  # `recover` ends what was cut off

    def release(self) -> None:
        """After a start: nobody is at work any more."""
        self._db.execute("UPDATE responses SET held_until = 0 WHERE held_until > 0")

    async def rewind(
        self, tenant: str, response: Response, *, next_number: int, writer: str
    ) -> None:
        with self.database.transaction():
            row = self._written(tenant, response.id, writer)
            kept = self._batches.after(row, -1)[:next_number]
            self._batches.remove(row)
            self._batches.append(row, kept, first_number=0, is_final=False)
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
        return self._batches.after(row, after)

    async def continued(self, tenant: str, response_id: str) -> ContinuedResponse:
        response = self._get(tenant, response_id)
        row, _ = self._row(tenant, response_id)
        history, own, tools = self._context(row)
        return ContinuedResponse(response, [*history, *own, *response.output], tools)

    async def input_items(self, tenant: str, response_id: str) -> list[Item]:
        row, _ = self._row(tenant, response_id)
        return self._context(row)[1]

    async def item(self, tenant: str, item_id: str) -> Item:
        response_id = self._items.response_of(tenant, item_id, now=self._clock())
        own = await self.input_items(tenant, response_id)
        output: list[Item] = self._get(tenant, response_id).output
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

    def _check_held(self, row: int, writer: str) -> None:
        found = self._db.execute(
            "SELECT 1 FROM responses WHERE row = ? AND held_until > ? AND writer != ?",
            (row, self._clock(), writer),
        ).fetchone()
        if found is not None:
            raise Held

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


def _packed(content: JSON) -> bytes:
    return zlib.compress(encode(content), 1)


def _ends_item(frames: Sequence[bytes]) -> bool:
    return any(frame.startswith(b"event: response.output_item.done\n") for frame in frames)


def _not_found(response_id: str) -> NotFound:
    return NotFound(f"No response {response_id!r} is stored for this account.", param="response_id")
