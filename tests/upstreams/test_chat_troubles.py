"""Replies of the scripted upstream that end badly, and readers who leave."""

import json
import socket
from typing import Any

import httpx
import pytest

from tests.upstreams.asking import asking, contents
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import text
from tests.upstreams.chat_troubles import Cut, End, ErrorFrame, Reset, Rubbish, Stall, Trouble, When

type JSON = Any


def read_into(pieces: list[bytes], http: httpx.Client, asked: JSON) -> None:
    with http.stream(**asked) as response:
        pieces.extend(response.iter_raw())


@pytest.mark.parametrize("when", ["start", 0, 1, 99, "finish"])
def test_a_reset_comes_in_its_place(upstream: ChatUpstream, http: httpx.Client, when: When) -> None:
    upstream.on("m", text("a", "b").troubled(Reset(when)))
    pieces: list[bytes] = []

    with pytest.raises(httpx.ReadError):
        read_into(pieces, http, asking(upstream))

    body = b"".join(pieces)
    told = {"start": "", 0: "", 1: "a", 99: "ab", "finish": "ab"}
    assert contents(body) == told[when]
    assert (b'"finish_reason":"stop"' in body) == (when == "finish")
    assert upstream.disconnects == 0


def test_a_reset_is_an_rst_and_a_cut_is_not(upstream: ChatUpstream) -> None:
    upstream.on("m", text("a").troubled(Reset(1)), text("a").troubled(Cut(1)))
    asked = asking(upstream)
    body = json.dumps(asked["json"]).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"

    def read() -> bytes:
        with socket.create_connection(("127.0.0.1", upstream.port), timeout=5) as sock:
            sock.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
            got = b""
            while piece := sock.recv(65536):
                got += piece
        return got

    with pytest.raises(ConnectionResetError):
        read()
    got = read()
    assert b'"content":"a"' in got
    assert not got.endswith(b"0\r\n\r\n")


def test_a_cut_leaves_the_body_open_and_an_end_closes_it(
    upstream: ChatUpstream, http: httpx.Client
) -> None:
    upstream.on("m", text("a", "b").troubled(Cut(1)), text("a", "b").troubled(End(1)))

    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        http.request(**asking(upstream))
    ended = http.request(**asking(upstream))

    assert contents(ended.content) == "a"
    assert b"[DONE]" not in ended.content


@pytest.mark.parametrize("trouble", [Reset("start"), Reset(1), Cut("start"), Cut(1)])
def test_troubles_also_meet_those_who_asked_for_json(
    upstream: ChatUpstream, http: httpx.Client, trouble: Trouble
) -> None:
    upstream.on("m", text("a", "b").troubled(trouble))

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        http.request(**asking(upstream, stream=False))


def test_json_may_be_cut_short_rubbish_or_an_error_with_status_200(
    upstream: ChatUpstream, http: httpx.Client
) -> None:
    troubles = End(1), Rubbish(1), ErrorFrame(1)
    upstream.on("m", *(text("a").troubled(trouble) for trouble in troubles))

    short, rubbish, error = (http.request(**asking(upstream, stream=False)) for _ in troubles)

    for broken in short, rubbish:
        with pytest.raises(json.JSONDecodeError):
            broken.json()
    assert error.status_code == 200
    assert error.json()["error"]["type"] == "server_error"


def test_a_peer_that_leaves_is_noticed_at_once(upstream: ChatUpstream, http: httpx.Client) -> None:
    upstream.on("m", text("a", "b").troubled(Stall(1, 60)))

    with http.stream(**asking(upstream)) as response:
        pieces = response.iter_raw()
        next(pieces)
        assert upstream.wait_until(lambda: upstream.open_streams == 1)

    assert upstream.wait_until(lambda: upstream.disconnects == 1)
    assert upstream.open_streams == 0


def test_a_peer_that_leaves_before_the_headers_is_noticed_too(upstream: ChatUpstream) -> None:
    upstream.on("m", text("a").troubled(Stall("start", 60)))

    with pytest.raises(httpx.ReadTimeout):
        httpx.request(**asking(upstream), timeout=0.2)

    assert upstream.wait_until(lambda: upstream.disconnects == 1)


def test_a_peer_that_reads_to_done_has_not_left(upstream: ChatUpstream) -> None:
    upstream.on("m", text("a", "b").paced(0.01))

    for _ in range(20):
        with httpx.stream(**asking(upstream)) as response:
            for line in response.iter_lines():
                if line == "data: [DONE]":
                    break

    assert upstream.wait_until(lambda: upstream.open_streams == 0)
    assert upstream.disconnects == 0


def test_stopping_does_not_wait_for_stalls(http: httpx.Client) -> None:
    with ChatUpstream() as upstream:
        upstream.on("m", text("a").troubled(Stall(0, 3600)))
        with http.stream(**asking(upstream)):
            pass

    with pytest.raises(httpx.ConnectError):
        http.request(**asking(upstream))
