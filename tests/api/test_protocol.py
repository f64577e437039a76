"""Rubbish on the wire of a real server: each is answered as an API error, or not at all."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from email.parser import BytesHeaderParser
from typing import NamedTuple

import httpx
import pytest
from msgspec.json import decode, encode

from tests.api.door import JSON, SECRET
from tests.server import KEY, Server

LIMIT = 4096
BODY = encode({"model": "demo", "input": SECRET})
KEYED = f"Authorization: Bearer {KEY}\r\nContent-Type: application/json\r\n".encode()
POST = b"POST /v1/responses HTTP/1.1\r\nHost: a\r\n" + KEYED
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET /health HTTP/1.1\r\nHost: a\r\n"
UPGRADE = b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"

NO_HTTP = {
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "words": b"HELLO\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": b"GET /health HTTP/9.9\r\nHost: a\r\n\r\n",
    "an unknown method": b"BREW /v1/responses HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes beyond ASCII in the path": "GET /v1/models/é HTTP/1.1\r\n\r\n".encode(),
    "an endless path": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a header without a colon": b"GET /health HTTP/1.1\r\nHost a\r\n\r\n",
    "a folded header": GET + b"X-Note: a\r\n b\r\n\r\n",
    "a zero byte in a header": GET + b"X-Note: a\x00b\r\n\r\n",
    "carriage returns alone": b"GET /health HTTP/1.1\rHost: a\r\r",
    "a chunk without a size": CHUNKED + b"zz\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"5\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk of endless size": CHUNKED + b"f" * 40 + b"\r\n" + BODY,
    "two ways to tell the length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n" + BODY,
    "a length in words": POST + b"Content-Length: ten\r\n\r\n" + BODY,
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY,
    "an encoding that is not chunked": POST + b"Transfer-Encoding: gzip\r\n\r\n" + BODY,
    "more body than its length": POST + b"Content-Length: 5\r\n\r\n" + BODY,
}
TOO_LARGE = {
    "announced": POST + b"Content-Length: 4097\r\n\r\n" + b" " * 4097,
    "announced only": POST + b"Content-Length: 4097\r\n\r\n",
    "announced beyond all reason": POST + b"Content-Length: 99999999999\r\n\r\n",
    "announced, and leave asked": POST + b"Expect: 100-continue\r\nContent-Length: 4097\r\n\r\n",
    "in a chunk": CHUNKED + b"1001\r\n" + b" " * 4097 + b"\r\n0\r\n\r\n",
    "in chunks without end": CHUNKED + (b"400\r\n" + b" " * 1024 + b"\r\n") * 5,
}
CUT_OFF = {
    "in the first line": b"POST /v1/respo",
    "in the headers": POST,
    "before the body": POST + b"Content-Length: 60\r\n\r\n",
    "in the body": POST + f"Content-Length: {len(BODY) + 1}\r\n\r\n".encode() + BODY,
    "in a chunk": CHUNKED + b"ff\r\n" + BODY,
    "between chunks": CHUNKED + f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n",
}


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    has_closed: bool

    @property
    def error(self) -> JSON:
        assert self.headers["content-type"] == "application/json"
        assert self.headers["x-request-id"]
        error = decode(self.body)["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        return error


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("small")
    with Server(folder, config_extra=f"max_body_bytes = {LIMIT}") as server:
        yield server
        assert SECRET not in server.log
        assert KEY not in server.log.partition("Ctrl-C")[2]  # the banner shows it
        assert "Traceback" not in server.log


@pytest.fixture(autouse=True)
def unharmed(small: Server) -> Iterator[None]:
    before = kept(small)
    yield
    assert kept(small) == before
    assert httpx.get(f"{small.url}/health").status_code == 200


def kept(server: Server) -> int:
    with closing(sqlite3.connect(server.data / "responses.sqlite3")) as db:
        (number,) = db.execute("SELECT count(*) FROM responses").fetchone()
        return int(number)


def said_to(server: Server, *parts: bytes) -> Reply:
    """What the server says to some bytes: one reply, read to the end that it announces."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        for part in parts:
            wire.sendall(part)
        with wire.makefile("rb") as answers:
            status = int(answers.readline().split()[1])
            head = b"".join(iter(answers.readline, b"\r\n"))
            headers = {k.lower(): v for k, v in BytesHeaderParser().parsebytes(head).items()}
            body = answers.read(int(headers.get("content-length", "0")))
            has_closed = headers.get("connection") == "close" and answers.read() == b""
    return Reply(status, headers, body, has_closed)


@pytest.mark.parametrize("what", NO_HTTP)
def test_what_is_no_http_is_refused_and_the_line_closed(small: Server, what: str) -> None:
    reply = said_to(small, NO_HTTP[what])

    assert reply.status == 400
    assert (reply.error["type"], reply.error["code"]) == ("invalid_request_error", "invalid_http")
    assert reply.has_closed


@pytest.mark.parametrize("what", TOO_LARGE)
def test_a_body_over_the_limit_is_refused_before_its_end(small: Server, what: str) -> None:
    reply = said_to(small, TOO_LARGE[what])

    assert reply.status == 413
    assert reply.error["code"] == "request_too_large"


@pytest.mark.parametrize("what", CUT_OFF)
def test_a_request_that_is_cut_off_leaves_nothing(small: Server, what: str) -> None:
    with socket.create_connection(("127.0.0.1", small.port), timeout=10) as wire:
        wire.sendall(CUT_OFF[what])
        wire.shutdown(socket.SHUT_WR)

        assert wire.recv(1000) == b""


def test_a_request_may_come_byte_by_byte(small: Server) -> None:
    request = b"GET /v1/models/nobody HTTP/1.1\r\n" + KEYED + b"\r\n"

    reply = said_to(small, *(request[i : i + 1] for i in range(len(request))))

    assert reply.status == 404
    assert reply.error["code"] == "model_not_found"


@pytest.mark.parametrize("verb", [b"GET", b"POST"])
@pytest.mark.parametrize("path", [b"/v1/responses", b"/v1/openai/responses", b"/nowhere"])
def test_a_websocket_is_refused_at_once_without_a_key(
    small: Server, verb: bytes, path: bytes
) -> None:
    reply = said_to(small, verb + b" " + path + b" HTTP/1.1\r\n" + UPGRADE + b"\r\n")

    assert reply.status == 426
    assert reply.headers["upgrade"] == "HTTP/1.1"
    assert reply.error["code"] == "websocket_not_supported"


def test_an_upgrade_to_something_else_is_passed_over(small: Server) -> None:
    reply = said_to(small, GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")

    assert reply.status == 200


@pytest.mark.parametrize(
    "headers",
    [b"X-Big: " + b"a" * 200_000 + b"\r\n", b"".join(b"X-%d: a\r\n" % i for i in range(5000))],
    ids=["a huge one", "a great many"],
)
def test_headers_of_no_interest_do_no_harm(small: Server, headers: bytes) -> None:
    reply = said_to(small, GET + headers + b"\r\n")

    assert reply.status in (200, 431)


def test_old_http_is_answered_and_the_line_closed(small: Server) -> None:
    reply = said_to(small, b"GET /health HTTP/1.0\r\n\r\n")

    assert reply.status == 200
    assert reply.has_closed


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"POST /v1/responses HTTP/1.1\r\nHost: a\r\n", 401, "authentication_required"),
        (POST.replace(b"application/json", b"text/plain"), 415, "unsupported_media_type"),
        (POST + b"Content-Encoding: gzip\r\n", 415, "unsupported_media_type"),
        (POST.replace(b"/v1/responses", b"/v1/response"), 404, "unknown_url"),
        (POST.replace(b"POST", b"PUT"), 405, "method_not_allowed"),
        (POST.replace(b"/v1/responses", b"/v1/responses/x"), 405, "method_not_allowed"),
        (POST.replace(KEY.encode(), b"\xff\xfe"), 401, "invalid_api_key"),
    ],
    ids=["no key", "text", "compressed", "unknown url", "method", "method of an id", "odd key"],
)
def test_a_body_that_nobody_reads_does_not_confuse_the_next_request(
    small: Server, head: bytes, status: int, code: str
) -> None:
    request = head + f"Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY

    with socket.create_connection(("127.0.0.1", small.port), timeout=10) as wire:
        wire.sendall(request + GET + b"Connection: close\r\n\r\n")
        with wire.makefile("rb") as answers:
            said = answers.read()

    assert said.startswith(f"HTTP/1.1 {status} ".encode())
    assert f'"code":"{code}"'.encode() in said
    assert said.count(b"HTTP/1.1 ") == 2
    assert b'"status":"ok"' in said


def test_invalid_utf_8_is_told_as_such(small: Server) -> None:
    body = b'{"model": "demo", "input": "\xff\xfe"}'

    reply = said_to(small, POST + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    assert reply.status == 400
    assert reply.error["code"] == "invalid_json"
