"""Streamed answers: relayed as they come, and what becomes of those that go wrong."""

import httpx
import pytest

from tests.rig.small import Small, until
from tests.rig.stack import GatewayResponse

STEP_BY_STEP = """
    import asyncio, os
    from pathlib import Path

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            raise NotImplementedError
        headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        for number in range(3):
            while not Path(os.environ["FOLDER"], f"go{number}").exists():
                await asyncio.sleep(0.005)
            more = {"more_body": number < 2}
            await send({"type": "http.response.body", "body": b"%d," % number, **more})
        Path(os.environ["FOLDER"], "done").touch()
"""
HALF = """
    import os, time
    from raw import PRELUDE

    def main(api):
        request_id, event = api.next()
        stream = api.stream(request_id, **{headers})
        stream.send(PRELUDE + b"half")
        {then}
"""
SAYS = """
    from raw import PRELUDE, PRELUDE_TYPE

    def main(api):
        while True:
            request_id, event = api.next()
            stream = api.stream(request_id, **{headers})
            for piece in {pieces}:
                stream.send(piece)
            stream.end(**{trailers})
"""


def saying(*pieces: bytes, headers: object = None, trailers: object = None) -> str:
    """A raw function that streams these pieces."""
    return SAYS.format(pieces=pieces, headers=headers or {}, trailers=trailers or {})


def half(then: str, **headers: str) -> str:
    """A raw function that streams half of an answer, and then does this."""
    return HALF.format(headers=headers, then=then)


async def until_cut(http: httpx.AsyncClient, url: str) -> bytes:
    """What arrives until the connection is cut, as it must be."""
    got = b""
    async with http.stream("GET", url) as reply:
        try:
            async for piece in reply.aiter_bytes():
                got += piece
        except httpx.RemoteProtocolError:
            return got
    pytest.fail("the stream ended well")


async def test_each_piece_arrives_before_the_next_is_made(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.asgi("steps", STEP_BY_STEP)
    await small.start()
    small.touch("go0")

    async with http.stream("GET", small.url("steps")) as reply:
        pieces = reply.aiter_text()
        first = await anext(pieces)
        small.touch("go1")
        second = await anext(pieces)
        small.touch("go2")
        rest = "".join([piece async for piece in pieces])

    assert reply.status_code == 201
    assert reply.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (first, second, rest) == ("0,", "1,", "2,")


async def test_a_function_is_not_told_that_its_client_has_gone(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.asgi("steps", STEP_BY_STEP)
    await small.start()
    small.touch("go0")

    async with http.stream("GET", small.url("steps")) as reply:
        await anext(reply.aiter_text())
    small.touch("go1")
    small.touch("go2")

    await until(lambda: (small.folder / "done").exists())


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(saying(b'{"statusCode": 200}'), id="no delimiter"),
        pytest.param(saying(b'{"statusCode": 200}' + b"\0" * 7 + b"body"), id="seven zeros"),
        pytest.param(saying(b"{'statusCode': 200}" + b"\0" * 8), id="not JSON"),
        pytest.param(saying(b"[200]" + b"\0" * 8), id="no object"),
        pytest.param(saying(b'{"statusCode": "two"}' + b"\0" * 8), id="no status"),
        pytest.param(saying(b'{"headers": {"a": {}}}' + b"\0" * 8), id="no header"),
        pytest.param(saying(b" " * 17_000 + b"{}" + b"\0" * 8), id="too long"),
        pytest.param(saying(), id="nothing"),
        pytest.param(
            saying(b"{}" + b"\0" * 8, headers={"Content_Type": "text/plain"}), id="no prelude"
        ),
    ],
)
async def test_a_stream_without_a_good_prelude_is_a_502(
    small: Small, http: httpx.AsyncClient, code: str
) -> None:
    small.raw("odd", code)
    template = '{"error":{"message":$context.error.messageString,"id":"$context.requestId"}}'
    shaped = GatewayResponse(headers={"x-why": "'gateway'"}, template=template)
    await small.start(responses={"DEFAULT_5XX": shaped})

    reply = await http.get(small.url("odd"))

    assert reply.status_code == 502
    assert reply.headers["x-why"] == "gateway"
    assert reply.json()["error"] == {
        "message": "Internal server error",
        "id": reply.headers["x-amzn-requestid"],
    }


async def test_a_prelude_may_come_in_pieces_and_with_the_body(
    small: Small, http: httpx.AsyncClient
) -> None:
    pieces = (b'{"statusCo', b'de": 202}\0\0\0', b"\0\0\0\0\0he", b"llo")
    small.raw("pieces", saying(*pieces))
    await small.start()

    reply = await http.get(small.url("pieces"))

    assert (reply.status_code, reply.text) == (202, "hello")


async def test_an_error_after_the_prelude_cuts_the_connection(
    small: Small, http: httpx.AsyncClient
) -> None:
    end = 'stream.end(Lambda_Runtime_Function_Error_Type="Runtime.Oops"); api.next()'
    small.raw("fails", half(end, Trailer="Lambda-Runtime-Function-Error-Type"))
    await small.start()

    got = await until_cut(http, small.url("fails"))

    assert got == b"half"
    assert any("Runtime.Oops" in line for line in small.lines.of("gateway"))


async def test_what_was_said_before_a_crash_arrives_and_then_the_connection_is_cut(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.raw("crashes", half('[stream.send(b"%04d" % n) for n in range(1000)]; os._exit(7)'))
    await small.start()

    got = await until_cut(http, small.url("crashes"))
    await small.is_idle("crashes")

    assert got == b"half" + b"".join(b"%04d" % number for number in range(1000))
    assert any("exit status 7" in line for line in small.lines.of("crashes"))


async def test_a_stream_is_cut_when_its_function_runs_out_of_time(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.raw("slow", half("time.sleep(60)"), timeout_seconds=0.5)
    await small.start()

    got = await until_cut(http, small.url("slow"))

    assert got == b"half"
    assert any("Task timed out after 0.50 seconds" in line for line in small.lines.of("slow"))
