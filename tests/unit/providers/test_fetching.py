"""What a stranger's URL may make us fetch, and what it may not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from ipaddress import ip_address

import httpx
import pytest

from rejoinder.errors import InvalidRequest
from rejoinder.providers.fetching import Fetcher, Policy, is_public

type Answer = Callable[[httpx.Request], httpx.Response]

PUBLIC = "93.184.215.14"


class Scripted(httpx.AsyncBaseTransport):
    """Answers by a function, and remembers who was asked."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer(request)


class Chunks(httpx.AsyncByteStream):
    """A body in two pieces."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data[:1]
        yield self._data[1:]


def answering(status: int = 200, data: bytes = b"data", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(status, headers=named, stream=Chunks(data))


def known(**hosts: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    async def resolve(host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(0)
        if host.replace(".", "_") not in hosts:
            raise OSError("no such host")
        return hosts[host.replace(".", "_")].split()

    return resolve


async def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    transport = Scripted(answering(content_type="image/png; charset=x"))
    fetcher = Fetcher(transport, resolve=known(pics_example=PUBLIC))

    fetched = await fetcher.fetch("https://user:secret@pics.example/a.png?b=c")

    (request,) = transport.requests
    assert (fetched.media_type, fetched.data) == ("image/png", b"data")
    assert (request.url.host, request.headers["host"]) == (PUBLIC, "pics.example")
    assert request.extensions["sni_hostname"] == "pics.example"
    assert request.url.raw_path == b"/a.png?b=c"
    assert "secret" not in str(request.url) + str(request.headers)


@pytest.mark.parametrize(
    "url",
    [
        "http://pics.example/a.png",
        "https://pics.example:8443/a.png",
        "https://127.0.0.1/a.png",
        "https://[::1]/a.png",
        "https://[::ffff:10.0.0.1]/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://inside.example/a.png",
        "https://both.example/a.png",
        "https://unknown.example/a.png",
        "https:///a.png",
        "file:///etc/passwd",
        "https://a\x00b/",
    ],
)
async def test_what_may_not_be_fetched_is_not(url: str) -> None:
    transport = Scripted(answering())
    hosts = known(pics_example=PUBLIC, inside_example="10.1.2.3", both_example=f"{PUBLIC} ::1")

    with pytest.raises(InvalidRequest):
        await Fetcher(transport, resolve=hosts).fetch(url)

    assert transport.requests == []


@pytest.mark.parametrize("target", ["https://inside.example/", "http://pics.example/", "/loop"])
async def test_each_redirect_is_looked_at_again(target: str) -> None:
    transport = Scripted(answering(302, location=target))
    hosts = known(pics_example=PUBLIC, inside_example="192.168.0.1")

    with pytest.raises(InvalidRequest):
        await Fetcher(transport, resolve=hosts).fetch("https://pics.example/a.png")

    assert len(transport.requests) == (4 if target == "/loop" else 1)


async def test_each_url_that_fails_is_told_with_its_parameter() -> None:
    hosts = known(pics_example=PUBLIC)
    fetcher = Fetcher(Scripted(answering()), resolve=hosts)

    with pytest.raises(InvalidRequest) as refused:
        await fetcher.all({"https://pics.example/": "input[0]", "https://nobody.example/": "mine"})

    assert refused.value.param == "mine"


async def test_a_redirect_to_elsewhere_in_public_is_followed() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["host"] == "pics.example":
            return answering(301, location="https://cdn.example/b.png")(request)
        return answering(data=b"there")(request)

    hosts = known(pics_example=PUBLIC, cdn_example="1.1.1.1")

    fetched = await Fetcher(Scripted(answer), resolve=hosts).fetch("https://pics.example/a.png")

    assert fetched.data == b"there"


@pytest.mark.parametrize(
    "answer", [answering(404), answering(data=b"x" * 11)], ids=["missing", "large"]
)
async def test_failures_and_large_files_are_refused(answer: Answer) -> None:
    policy = Policy(max_bytes=10)
    fetcher = Fetcher(Scripted(answer), policy, known(pics_example=PUBLIC))

    with pytest.raises(InvalidRequest):
        await fetcher.fetch("https://pics.example/a.png")


async def test_who_is_too_slow_is_left() -> None:
    async def never(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    fetcher = Fetcher(Scripted(answering()), Policy(timeout_seconds=0.01), never)

    with pytest.raises(InvalidRequest):
        await fetcher.fetch("https://pics.example/a.png")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:1::1", False),
    ],
)
def test_an_address_is_public_or_not(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public
