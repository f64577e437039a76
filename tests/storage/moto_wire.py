"""moto's services behind connections that are kept, as those of AWS are.

moto's own server closes each connection after one request, and looks at each for the folders of
its services: of a test against a table that was the larger part.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from threading import Thread
from typing import Any, override

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

from tests.storage.atomic import make_atomic


class Connection(MotoRequestHandler):
    """One client's connection: requests with a length, answers with one."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together

    @override
    def handle(self) -> None:
        sys.settrace(None)  # coverage is of the product, and would take half of the time here
        super().handle()

    @override
    def run_wsgi(self) -> None:
        environ = self.make_environ()
        length = int(self.headers.get("Content-Length", 0))
        environ["wsgi.input"] = BytesIO(self.rfile.read(length))
        pieces, status, headers = run_wsgi_app(self.server.app, environ)
        body = b"".join(pieces)
        headers.setdefault("Content-Length", str(len(body)))
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    @override
    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Nobody reads it."""


class Services(DomainDispatcherApplication):
    """All services; each host is looked up once."""

    @override
    @cache  # noqa: B019, one for a process
    def get_backend_for_host(self, host: str | None) -> Any:
        return super().get_backend_for_host(host)


@contextmanager
def serving() -> Iterator[str]:
    """moto's server on a free port of the loopback; its address."""
    make_atomic()
    services = Services(create_backend_app)
    server = make_server("127.0.0.1", 0, services, threaded=True, request_handler=Connection)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
