"""The scripted upstream on the wire: bytes, time, and connections that end badly."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.upstreams.asking import asking, contents
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import Reply, failure, html, text
from tests.upstreams.chat_troubles import Stall
from tests.upstreams.framing import Framing

type JSON = Any

ROOT = Path(__file__).parents[2]


def reads(upstream: ChatUpstream, http: httpx.Client, reply: Reply) -> list[bytes]:
    upstream.on("m", reply)
    with http.stream(**asking(upstream)) as response:
        return list(response.iter_raw())


def test_a_frame_is_a_write_and_done_ends_the_body(
    upstream: ChatUpstream, http: httpx.Client
) -> None:
    pieces = reads(upstream, http, text("a", "b"))

    assert all(piece.startswith(b"data: ") and piece.endswith(b"\n\n") for piece in pieces)
    assert len(pieces) == 5
    assert pieces[-1] == b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "framing",
    [
        Framing(line_end="\r\n"),
        Framing(line_end="\r"),
        Framing(space=False),
        Framing(comments=True),
        Framing(joined=3),
        Framing(joined=99),
        Framing(bytes_per_write=1),
        Framing(bytes_per_write=7, joined=2, line_end="\r\n"),
        Framing(split_characters=True),
        Framing(ascii_only=True),
        Framing(chunked=False),
    ],
)
def test_the_same_words_arrive_in_every_framing(
    upstream: ChatUpstream, http: httpx.Client, framing: Framing
) -> None:
    pieces = reads(upstream, http, text("né ", "日本 ", "🙂").framed(framing))

    body = b"".join(pieces)
    plain = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert contents(plain) == "né 日本 🙂"
    assert plain.endswith(b"[DONE]\n\n")


def test_framings_are_what_they_say(upstream: ChatUpstream, http: httpx.Client) -> None:
    upstream.forget()
    split = reads(upstream, http, text("日").framed(Framing(split_characters=True)))
    upstream.forget()
    single = reads(upstream, http, text("x").framed(Framing(bytes_per_write=1)))
    upstream.forget()
    joined = reads(upstream, http, text("x", "y").framed(Framing(joined=99)))
    upstream.forget()
    commented = reads(upstream, http, text("x").framed(Framing(comments=True, space=False)))
    upstream.forget()
    pretty = reads(upstream, http, text("x").framed(Framing(pretty=True)))

    assert [piece for piece in split if piece[:1] == "日".encode()[1:2]] == [b"\x97"]
    assert {len(piece) for piece in single} == {1}
    assert len(joined) == 1
    assert commented[0].startswith(b": keep-alive\n\ndata:{")
    assert pretty[0].startswith(b'data: {\ndata:  "id"')


def test_a_surrogate_pair_may_be_split_over_two_chunks(
    upstream: ChatUpstream, http: httpx.Client
) -> None:
    reply = text("\ud83d", "\ude42").framed(Framing(ascii_only=True))

    body = b"".join(reads(upstream, http, reply))

    assert rb'"content":"\ud83d"' in body
    assert rb'"content":"\ude42"' in body


def test_done_and_the_finish_may_be_missing(upstream: ChatUpstream, http: httpx.Client) -> None:
    undone = b"".join(reads(upstream, http, text("x").without_done()))
    upstream.forget()
    endless = b"".join(reads(upstream, http, text("x").ending(None, done=False)))

    assert b'"finish_reason":"stop"' in undone
    assert b"[DONE]" not in undone
    assert b'"finish_reason":"stop"' not in endless


def test_pieces_come_at_their_pace_and_stalls_in_their_place(
    upstream: ChatUpstream, http: httpx.Client
) -> None:
    upstream.on("m", text("a", "b").paced(0.05).troubled(Stall("start", 0.1), Stall(0, 0.1)))
    began = time.monotonic()

    with http.stream(**asking(upstream)) as response:
        headers_after = time.monotonic() - began
        arrived = [time.monotonic() - began for _ in response.iter_raw()]

    assert headers_after >= 0.1
    assert arrived[0] >= 0.2
    assert arrived[2] >= 0.25


def test_one_connection_serves_many_requests(upstream: ChatUpstream, http: httpx.Client) -> None:
    upstream.on("m", text("a"), failure(500), html(502), text("b").framed(Framing(chunked=False)))
    streams = []

    for _ in range(4):
        with http.stream(**asking(upstream)) as response:
            response.read()
            streams.append(response.extensions["network_stream"])

    assert len({id(stream) for stream in streams}) == 1


def test_a_chunked_request_is_read(upstream: ChatUpstream, http: httpx.Client) -> None:
    asked = asking(upstream, stream=False)
    halves = json.dumps(asked.pop("json")).encode().split(b",", 1)
    headers = {"content-type": "application/json"}

    answer = http.request(**asked, content=iter([halves[0], b",", halves[1]]), headers=headers)

    assert answer.json()["choices"][0]["message"]["content"] == "You said: Hi"


def test_what_is_no_http_is_refused(upstream: ChatUpstream) -> None:
    with socket.create_connection(("127.0.0.1", upstream.port), timeout=5) as sock:
        sock.sendall(b"HELLO\r\n\r\n")
        got = sock.recv(65536)

    assert got.startswith(b"HTTP/1.1 400 ")


def test_odd_content_types_and_headers_can_be_sent(
    upstream: ChatUpstream, http: httpx.Client
) -> None:
    odd = text("a").served(content_type="text/plain", headers={"x-request-id": "r1"})
    upstream.on("m", odd, text("a").served(content_type=""))

    first, second = http.request(**asking(upstream)), http.request(**asking(upstream))

    assert (first.headers["content-type"], first.headers["x-request-id"]) == ("text/plain", "r1")
    assert "content-type" not in second.headers


def test_a_port_in_use_is_an_error(upstream: ChatUpstream) -> None:
    with pytest.raises(OSError, match="in use"):
        ChatUpstream(port=upstream.port).__enter__()


def test_a_human_can_run_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--flavour", "generic", "--models", "a,b", "--pace", "0"]
    command = [sys.executable, "-m", "tests.upstreams.chat_completions", *options]

    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "a, b (generic) at" in process.stdout.readline()
            body = {"model": "a", "messages": [{"role": "user", "content": "Hi"}]}
            answer = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body)
            assert "POST /v1/chat/completions a -> Text" in process.stdout.readline()
        finally:
            os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=10) == 0

    assert answer.json()["choices"][0]["message"]["content"] == "You said: Hi"
