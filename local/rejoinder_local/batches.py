"""The recorded events of the embedded store, in batches keyed by the number of their last one."""

import sqlite3
import zlib
from collections.abc import Sequence

from rejoinder.engine.encoding import split_frames


class Batches:
    """All batches of one file; a response is named by its row."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def after(self, row: int, number: int) -> list[bytes]:
        """The events numbered above `number`."""
        found: list[bytes] = []
        for last_number, is_compressed, joined in self._db.execute(
            "SELECT last_number, is_compressed, frames FROM batches"
            " WHERE response = ? AND last_number > ? ORDER BY last_number",
            (row, number),
        ):
            batch = split_frames(zlib.decompress(joined) if is_compressed else joined)
            first_number = last_number - len(batch) + 1
            found += batch[max(0, number + 1 - first_number) :]
        return found

    def append(
        self, row: int | None, frames: Sequence[bytes], *, first_number: int, is_final: bool
    ) -> None:
        """Add a batch; the last one brings all of them into one, compressed."""
        joined, last_number = b"".join(frames), first_number + len(frames) - 1
        if is_final:
            joined = zlib.compress(self._taken_before(row, first_number) + joined, 1)
        self._db.execute(
            "INSERT INTO batches VALUES (?, ?, ?, ?)", (row, last_number, is_final, joined)
        )

    def _taken_before(self, row: int | None, number: int) -> bytes:
        """All events before a number, out of their batches; none if the numbers have a gap."""
        earlier = self._db.execute(
            "SELECT last_number, frames FROM batches WHERE response = ? ORDER BY last_number",
            (row,),
        ).fetchall()
        if not earlier or earlier[-1][0] != number - 1:
            return b""
        self.remove(row)
        return b"".join(part for _, part in earlier)

    def remove(self, row: int | None) -> None:
        """Forget all of a response."""
        self._db.execute("DELETE FROM batches WHERE response = ?", (row,))
