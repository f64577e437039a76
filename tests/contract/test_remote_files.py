"""Files and images behind URLs, for chat servers that want to be given the bytes.

Everything is real but the open internet, whose addresses are answered by this module.
"""

import base64
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import convert

from rejoinder.errors import Unavailable
from rejoinder.sealing import Sealer
from rejoinder.settings import Settings
from rejoinder.web.app import App
from rejoinder.web.auth import KeyRing, digest_of
from rejoinder.wiring import build_gateway
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore
from rejoinder_local.stores import stores_of
from rejoinder_local.transport import LocalTransport
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_parts import TINY_PDF, TINY_PNG

type JSON = Any
type Answer = Callable[[httpx.Request], httpx.Response]

HOST = "93.184.215.14"  # example.com's, once; as an address it needs no resolver
PDF = base64.b64decode(TINY_PDF.partition(",")[2])
PNG = base64.b64decode(TINY_PNG.partition(",")[2])
MEGABYTE = b"\0" * 1024 * 1024


class Body(httpx.AsyncByteStream):
    """A body in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def answering(*pieces: bytes, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(status, headers=named, stream=Body(*pieces))


def silent(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("nothing came", request=request)


INTERNET: Mapping[str, Answer] = {
    "/report.pdf": answering(PDF, content_type="application/pdf"),
    "/download": answering(PDF, content_type="application/octet-stream"),
    "/pixel": answering(PNG, content_type="text/plain"),
    "/moved": answering(status=302, location="/report.pdf"),
    "/inwards": answering(status=302, location="https://169.254.169.254/latest/meta-data"),
    "/downgraded": answering(status=301, location=f"http://{HOST}/report.pdf"),
    "/around": answering(status=302, location="/around"),
    "/large": answering(*[MEGABYTE] * 21, content_type="application/pdf"),
    "/login": answering(b"<html>", content_type="text/html; charset=utf-8"),
    "/missing": answering(b"no", status=404),
    "/silent": silent,
}


class Network(httpx.AsyncBaseTransport):
    """The loopback, and an internet of one host."""

    def __init__(self) -> None:
        self._loopback = LocalTransport()
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != HOST:
            return await self._loopback.handle_async_request(request)
        self.asked.append(request.url.path)
        return INTERNET[request.url.path](request)

    async def aclose(self) -> None:
        await self._loopback.aclose()


class Door:
    """A client in front, a strict model server behind."""

    def __init__(self, http: httpx.AsyncClient, upstream: ChatUpstream, network: Network) -> None:
        self._http = http
        self.upstream = upstream
        self.network = network

    async def post(self, given: JSON, model: str = "far/m", **fields: JSON) -> httpx.Response:
        body = {"model": model, "input": given, **fields}
        return await self._http.post("/v1/responses", json=body)

    async def seen(self, *parts: JSON, model: str = "far/m") -> JSON:
        """The content parts that the model server was sent."""
        answer = await self.post([{"role": "user", "content": [*parts]}], model)
        assert answer.status_code == 200, answer.text
        return self.upstream.requests[-1].body["messages"][-1]["content"]

    async def refused(self, given: JSON, **fields: JSON) -> JSON:
        """The error of a request of which the model server never hears."""
        before = len(self.upstream.requests)
        answer = await self.post(given, **fields)
        assert answer.status_code == 400, answer.text
        assert len(self.upstream.requests) == before
        return answer.json()["error"]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    store, network = SQLiteStore(tmp_path / "responses.sqlite3"), Network()
    stores = stores_of(store, SQLiteQueue(store.database))
    with ChatUpstream(flavour="generic") as upstream:
        providers = {
            "far": {"base_url": upstream.base_url},
            "near": {"base_url": upstream.base_url, "flavour": "local"},
        }
        settings = convert({"retries": 0, "providers": providers}, Settings)
        gateway = build_gateway(settings, stores, network, Sealer(bytes(32)), {})
        app = App(gateway, KeyRing({digest_of("sk-me"): "me"}), settings)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://rejoinder",
            headers={"authorization": "Bearer sk-me"},
        ) as http:
            yield Door(http, upstream, network)
            await gateway.runs.drain(5, Unavailable("The test is over."))
    await network.aclose()
    store.close()


def file(path: str, **fields: JSON) -> JSON:
    return {"type": "input_file", "file_url": f"https://{HOST}{path}", **fields}


def image(path: str) -> JSON:
    return {"type": "input_image", "image_url": f"https://{HOST}{path}"}


def asking(*parts: JSON) -> JSON:
    return [{"role": "user", "content": [*parts]}]


async def test_a_file_behind_a_url_arrives_as_a_data_url(door: Door) -> None:
    parts = await door.seen(
        file("/report.pdf"), file("/download", filename="b.pdf"), file("/moved")
    )

    assert [part["file"]["filename"] for part in parts] == ["report.pdf", "b.pdf", "moved"]
    assert {part["file"]["file_data"] for part in parts} == {TINY_PDF}


async def test_a_file_that_is_an_image_arrives_as_an_image(door: Door) -> None:
    (part,) = await door.seen(file("/pixel"))

    assert part == {"type": "image_url", "image_url": {"url": TINY_PNG, "detail": "auto"}}


async def test_a_server_that_fetches_images_is_given_the_url(door: Door) -> None:
    (part,) = await door.seen(image("/pixel"))

    assert part["image_url"]["url"] == f"https://{HOST}/pixel"
    assert door.network.asked == []


async def test_a_server_that_cannot_is_given_the_image(door: Door) -> None:
    (part,) = await door.seen(image("/pixel"), model="near/m")

    assert part["image_url"]["url"] == TINY_PNG


@pytest.mark.parametrize(
    "called",
    [
        {"type": "function_call", "name": "read", "arguments": "{}"},
        {"type": "custom_tool_call", "name": "read", "input": "it"},
    ],
)
async def test_what_a_tool_gives_back_may_hold_urls_too(door: Door, called: JSON) -> None:
    result = {"type": f"{called['type']}_output", "call_id": "c", "output": [file("/report.pdf")]}
    other = called | {"call_id": "d"}
    plain = result | {"call_id": "d", "output": "Nothing."}

    answer = await door.post([called | {"call_id": "c"}, other, result, plain])

    assert answer.status_code == 200, answer.text
    (part,) = door.upstream.requests[-1].body["messages"][-1]["content"]
    assert part["file"]["file_data"] == TINY_PDF


async def test_what_earlier_turns_pointed_to_is_fetched_again(door: Door) -> None:
    first = await door.post(asking(file("/report.pdf")))

    second = await door.post("And?", previous_response_id=first.json()["id"])

    assert second.status_code == 200, second.text
    assert door.network.asked == ["/report.pdf", "/report.pdf"]


async def test_a_url_that_is_there_twice_is_fetched_once(door: Door) -> None:
    await door.seen(file("/report.pdf"), file("/report.pdf"))

    assert door.network.asked == ["/report.pdf"]


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/a.pdf",
        "https://10.0.0.1/a.pdf",
        "https://[::1]/a.pdf",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/a.pdf",
        f"https://{HOST}:8443/report.pdf",
        f"https://{HOST}/inwards",
        f"https://{HOST}/downgraded",
        f"https://{HOST}/around",
        f"https://{HOST}/large",
        f"https://{HOST}/missing",
        f"https://{HOST}/silent",
    ],
)
async def test_what_may_not_be_fetched_is_refused_and_named(door: Door, url: str) -> None:
    text = {"type": "input_text", "text": "What is this?"}

    error = await door.refused(asking(text, {"type": "input_file", "file_url": url}))

    assert error["code"] == "failed_to_download_image"
    assert error["param"] == "input[0].content[1].file_url"
    assert url[:90] in error["message"]


async def test_a_plain_http_url_is_refused_before_anything_is_fetched(door: Door) -> None:
    part = {"type": "input_file", "file_url": f"http://{HOST}/report.pdf"}

    error = await door.refused(asking(part))

    assert (error["code"], error["param"]) == ("invalid_value", "input[0].content[0].file_url")
    assert door.network.asked == []


async def test_a_file_of_a_type_that_nobody_reads_is_refused(door: Door) -> None:
    error = await door.refused(asking(file("/login", filename="report.pdf")))

    assert error["code"] == "unsupported_value"
    assert error["param"] == "input[0].content[0].file_url"
    assert "text/html" in error["message"]


async def test_an_image_that_is_none_is_refused(door: Door) -> None:
    error = await door.refused(asking(image("/report.pdf")), model="near/m")

    assert error["code"] == "invalid_image_format"
    assert error["param"] == "input[0].content[0].image_url"


async def test_the_place_of_a_url_is_told_as_the_client_counts(door: Door) -> None:
    receipt = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    called = {"type": "function_call", "call_id": "c", "name": "read", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c", "output": [file("/login")]}

    error = await door.refused([receipt, called, result])

    assert error["param"] == "input[2].output[0].file_url"


async def test_a_url_of_an_earlier_turn_is_no_parameter_of_this_one(door: Door) -> None:
    items = asking(image("/silent"))  # `far` takes the URL as it is
    first = await door.post(items)
    again = first.json()["id"]

    error = await door.refused("And?", model="near/m", previous_response_id=again)

    assert error["param"] == "input"
