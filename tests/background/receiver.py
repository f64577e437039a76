"""A receiver of webhooks."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.background.crashing import HOOK_PATH

type JSON = Any

POLL_SECONDS = 0.02  # how soon it sees that it shall end
SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw=="
SETTINGS = """
[webhooks.hook]
tenant = "dev"
url = "{url}"
secret = "{secret}"
may_be_local = true
"""


def settings_for(port: int) -> str:
    """What makes a server tell a receiver on this port."""
    return SETTINGS.format(url=f"http://127.0.0.1:{port}{HOOK_PATH}", secret=SECRET)


class Receiver:
    """Takes all that comes, at once."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.events: list[JSON] = []

    def __enter__(self) -> Self:
        events = self.events

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                events.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def settings(self) -> str:
        """What makes a server tell this receiver."""
        return settings_for(self._server.server_port)

    def told_of(self, response_id: str) -> set[tuple[str, str]]:
        """The id and the type of the events about a response."""
        return {
            (event["id"], event["type"])
            for event in list(self.events)
            if event["data"]["id"] == response_id
        }
