"""What a server has kept, seen from outside: its file, read by another process."""

import json
import sqlite3
import zlib
from contextlib import closing
from typing import Any

from tests.server import Server

type JSON = Any

TABLES = "responses", "contexts", "batches", "items"


def kept(server: Server, model: str) -> list[JSON]:
    """The responses of a model that are kept, deleted ones too, as their rows hold them."""
    with closing(_opened(server)) as db:
        rows = db.execute("SELECT status, body FROM responses ORDER BY row").fetchall()
    responses = [(status, json.loads(zlib.decompress(body))) for status, body in rows]
    assert all(status == response["status"] for status, response in responses)
    return [response for _, response in responses if response["model"] == model]


def statuses(server: Server) -> list[str]:
    """The statuses of all responses that are kept."""
    with closing(_opened(server)) as db:
        return [status for (status,) in db.execute("SELECT status FROM responses")]


def counts(server: Server) -> dict[str, int]:
    """The number of rows of each table."""
    with closing(_opened(server)) as db:
        return {
            table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES
        }


def file_of(server: Server) -> bytes:
    """All bytes of the store, those of the log beside the file included."""
    return b"".join(path.read_bytes() for path in sorted(server.data.glob("responses.sqlite3*")))


def _opened(server: Server) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{server.data}/responses.sqlite3?mode=ro", uri=True, timeout=10)
