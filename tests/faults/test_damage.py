"""What is damaged, here or at a neighbour's, and what goes on all the same."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from openai import OpenAI

from tests.background.asking import ended
from tests.background.process import eventually
from tests.server import KEY, Server


def test_a_damaged_response_and_a_damaged_job_hold_nothing_up(tmp_path: Path) -> None:
    with (
        Server(tmp_path) as server,
        OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client,
    ):
        earlier = client.responses.create(model="demo", input="Hi", background=True)
        server.kill()
        damage(tmp_path / "responses.sqlite3")

        server.start()

        later = client.responses.create(model="demo", input="Hi", background=True)
        assert ended(client, earlier).status == "completed"
        assert ended(client, later).status == "completed"
        assert {"response_not_recovered", "no_job_claimed"} <= set(server.log.split())


def damage(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "INSERT INTO responses (tenant, id, status, expires_at, body)"
            " VALUES ('dev', 'resp_damaged', 'in_progress', 9e9, x'00')"
        )
        db.execute(
            "INSERT INTO jobs (kind, tenant, subject, content, sent_at, available_at)"
            " VALUES ('run', 'dev', 'resp_damaged', x'00', 0, 0)"
        )


def test_a_neighbour_whose_json_is_no_unicode_is_told(tmp_path: Path) -> None:
    with speaking_latin_1() as url:
        settings = f'[providers.old]\nbase_url = "{url}"'
        with Server(tmp_path, config_extra=settings) as server:
            eventually(lambda: "is not in OpenAI's form" in server.log)


class Latin1(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write('{"data": "é"}'.encode("latin-1"))


@contextmanager
def speaking_latin_1() -> Iterator[str]:
    """Where such a neighbour answers."""
    with HTTPServer(("127.0.0.1", 0), Latin1) as server:
        serving = Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()
