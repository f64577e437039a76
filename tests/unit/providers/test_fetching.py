"""What a stranger's URL may make us fetch, and what it may not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from ipaddress import ip_address

import httpx
import pytest

from rejoinder.errors import InvalidRequest, TooLarge
from rejoinder.providers.fetching import MAX_AT_ONCE, Fetched, Fetcher, Policy, is_public

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


async def fetched(fetcher: Fetcher, url: str) -> Fetched:
    return (await fetcher.all({url: "input"}))[url]


async def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    transport = Scripted(answering(content_type="image/png; charset=x"))
    fetcher = Fetcher(transport, resolve=known(pics_example=PUBLIC))

    file = await fetched(fetcher, "https://user:secret@pics.example/a.png?b=c")

    (request,) = transport.requests
    assert (file.media_type, file.data) == ("image/png", b"data")
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
        await fetched(Fetcher(transport, resolve=hosts), url)

    assert transport.requests == []


@pytest.mark.parametrize("target", ["https://inside.example/", "http://pics.example/", "/loop"])
async def test_each_redirect_is_looked_at_again(target: str) -> None:
    transport = Scripted(answering(302, location=target))
    hosts = known(pics_example=PUBLIC, inside_example="192.168.0.1")

    with pytest.raises(InvalidRequest):
        await fetched(Fetcher(transport, resolve=hosts), "https://pics.example/a.png")

    assert len(transport.requests) == (4 if target == "/loop" else 1)


async def test_each_url_that_fails_is_told_with_its_parameter() -> None:
    hosts = known(pics_example=PUBLIC)
    fetcher = Fetcher(Scripted(answering()), resolve=hosts)

    with pytest.raises(InvalidRequest) as refused:
        await fetcher.all({"https://pics.example/": "input[0]", "https://nobody.example/": "mine"})

    assert refused.value.param == "mine"


class Crowded(httpx.AsyncBaseTransport):
    """Counts how many ask at a time; answers after a while, of `/bad` at once that it is none."""

    def __init__(self) -> None:
        self.most = self.now = self.begun = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.begun += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if request.url.path == "/bad":
                return answering(404)(request)
            for _ in range(10):
                await asyncio.sleep(0)
            return answering()(request)
        finally:
            self.now -= 1


async def test_only_a_few_files_are_fetched_at_a_time() -> None:
    transport = Crowded()
    fetcher = Fetcher(transport, resolve=known(pics_example=PUBLIC))

    found = await fetcher.all({f"https://pics.example/{n}": "input" for n in range(50)})

    assert len(found) == 50
    assert transport.most == MAX_AT_ONCE


async def test_what_nobody_wants_any_more_is_not_fetched() -> None:
    transport = Crowded()
    fetcher = Fetcher(transport, resolve=known(pics_example=PUBLIC))
    urls = ["https://pics.example/bad", *(f"https://pics.example/{n}" for n in range(50))]

    with pytest.raises(InvalidRequest, match="status 404"):
        await fetcher.all(dict.fromkeys(urls, "input[0]"))

    assert transport.now == 0
    assert transport.begun <= MAX_AT_ONCE


async def test_files_that_are_too_large_together_are_refused() -> None:
    policy = Policy(max_bytes=10, max_bytes_in_all=25)
    fetcher = Fetcher(Scripted(answering(data=b"x" * 10)), policy, known(pics_example=PUBLIC))

    two = await fetcher.all({f"https://pics.example/{n}": "input" for n in range(2)})
    with pytest.raises(TooLarge, match="25 bytes together"):
        await fetcher.all({f"https://pics.example/{n}": "input" for n in range(3)})

    assert len(two) == 2


async def test_a_redirect_to_elsewhere_in_public_is_followed() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["host"] == "pics.example":
            return answering(301, location="https://cdn.example/b.png")(request)
        return answering(data=b"there")(request)

    hosts = known(pics_example=PUBLIC, cdn_example="1.1.1.1")

    file = await fetched(Fetcher(Scripted(answer), resolve=hosts), "https://pics.example/a.png")

    assert file.data == b"there"


@pytest.mark.parametrize(
    "answer", [answering(404), answering(data=b"x" * 11)], ids=["missing", "large"]
)
async def test_failures_and_large_files_are_refused(answer: Answer) -> None:
    policy = Policy(max_bytes=10)
    fetcher = Fetcher(Scripted(answer), policy, known(pics_example=PUBLIC))

    with pytest.raises(InvalidRequest):
        await fetched(fetcher, "https://pics.example/a.png")


async def test_who_is_too_slow_is_left() -> None:
    async def never(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    fetcher = Fetcher(Scripted(answering()), Policy(timeout_seconds=0.01), never)

    with pytest.raises(InvalidRequest):
        await fetched(fetcher, "https://pics.example/a.png")


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
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::808:808", False),
        ("64:ff9b:1:a00:0:500:808:808", False),
        ("2002:7f00:1::", False),
        ("2001:0:1::1", False),
    ],
)
def test_an_address_is_public_or_not(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public
