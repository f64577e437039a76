"""Files behind https URLs that clients give us, fetched for upstreams that want bytes.

A URL of a stranger's may lead into our own network, so: https only, public addresses only, each
name resolved once and the connection made to the address that was looked at, each redirect
looked at in the same way, and limits on size, time and media types.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urljoin

import httpx

from rejoinder.errors import InvalidRequest, TooLarge

type Address = IPv4Address | IPv6Address
type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]  # host, port → addresses

MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
MAX_AT_ONCE = 8
NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file."""

    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """What is posted."""

    headers: Mapping[str, str]
    body: bytes


class Unfetched(InvalidRequest):
    """What a URL leads to was not to be had; `why` is the same without advice to clients."""

    def __init__(self, url: str, why: str) -> None:
        shown = url if len(url) <= 100 else f"{url[:97]}…"
        super().__init__(
            f"{shown!r} was not fetched: {why}. Send the file itself as a data URL instead.",
            code="failed_to_download_image",
            param="input",  # until somebody knows better
        )
        self.why = why


def is_public(address: Address) -> bool:
    """Whether an address is of the open internet, also when it is wrapped in another."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _translated(address)
        if address.teredo is not None:
            return False
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may be fetched. Tests admit the loopback by a policy of their own."""

    schemes: frozenset[str] = frozenset({"https"})
    ports: frozenset[int] | None = frozenset({443})  # None: any
    admits: Callable[[Address], bool] = is_public
    max_bytes: int = 20 * 1024 * 1024
    max_bytes_in_all: int = 50 * 1024 * 1024  # of one request's files
    timeout_seconds: float = 15.0


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class _Allowance:
    """How many bytes the files of one request may still have together."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._left = max_bytes

    def spend(self, size: int) -> None:
        """Take some of it.

        Raises:
            TooLarge: if there is not so much left.
        """
        self._left -= size
        if self._left < 0:
            raise TooLarge(
                f"The files behind the URLs of this request have more than {self._max_bytes:,} "
                "bytes together. Send fewer of them, or smaller ones.",
                param="input",
            )


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches over a transport of its own connections; nothing of ours is sent along."""

    transport: httpx.AsyncBaseTransport
    policy: Policy = field(default_factory=Policy)
    resolve: Resolve = resolved

    async def all(self, params: Mapping[str, str]) -> dict[str, Fetched]:
        """The files behind URLs, each given with the parameter that held it, a few at a time.

        Raises:
            Unfetched: naming the parameter, if one may not, or cannot be had; the others are
                left then.
            TooLarge: if together they are.
        """
        allowance = _Allowance(self.policy.max_bytes_in_all)
        turns = asyncio.Semaphore(MAX_AT_ONCE)

        async def named(url: str, param: str) -> Fetched:
            async with turns:
                try:
                    return await self._fetched(url, allowance)
                except Unfetched as error:
                    raise error.with_param(param) from error

        try:
            async with asyncio.TaskGroup() as group:
                tasks = {url: group.create_task(named(url, param)) for url, param in params.items()}
        except ExceptionGroup as errors:  # the first made all others stop
            raise errors.exceptions[0] from None
        return {url: task.result() for url, task in tasks.items()}

    async def _fetched(self, url: str, allowance: _Allowance) -> Fetched:
        try:
            async with asyncio.timeout(self.policy.timeout_seconds):
                return await self._followed(url, allowance)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise Unfetched(url, "it could not be downloaded") from error
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise Unfetched(url, "it is no valid URL") from error

    async def send(self, url: str, sent: Sent) -> int:
        """POST something; the status of the answer. A redirect is an answer, not a way to go.

        Raises:
            Unfetched: if it may not be sent there, or does not arrive.
        """
        try:
            async with asyncio.timeout(self.policy.timeout_seconds):
                response = await self._transport_response(url, sent)
                await response.aclose()
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise Unfetched(url, "it could not be reached") from error
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise Unfetched(url, "it is no valid URL") from error
        return response.status_code

    async def _followed(self, url: str, allowance: _Allowance) -> Fetched:
        at = url
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = await self._transport_response(at)
            except Unfetched as error:  # a client is told about its own URL only
                raise Unfetched(url, error.why) from error
            try:
                if response.status_code not in REDIRECTS:
                    return await self._read(url, response, allowance)
                at = urljoin(at, response.headers.get("location", ""))
            finally:
                await response.aclose()
        raise Unfetched(url, "it redirects too often")

    async def _transport_response(self, url: str, sent: Sent | None = None) -> httpx.Response:
        asked = httpx.URL(url)
        port = asked.port or {"https": 443, "http": 80}.get(asked.scheme, 0)
        if asked.scheme not in self.policy.schemes or not asked.host:
            raise Unfetched(url, "only https URLs are fetched")
        if self.policy.ports is not None and port not in self.policy.ports:
            raise Unfetched(url, "only the ordinary port is used")
        address = await self._address(url, asked.host, port)
        request = httpx.Request(
            "GET" if sent is None else "POST",
            asked.copy_with(host=address, username=None, password=None),
            content=None if sent is None else sent.body,
            headers={
                "host": asked.netloc.decode("ascii").rpartition("@")[2],
                "accept": "*/*",
                "accept-encoding": "identity",
                "connection": "close",  # what was checked for one name is no other's
                "user-agent": "rejoinder",
                **({} if sent is None else sent.headers),
            },
            extensions={
                "sni_hostname": asked.host,
                "timeout": dict.fromkeys(
                    ("connect", "read", "write", "pool"), self.policy.timeout_seconds
                ),
            },
        )
        return await self.transport.handle_async_request(request)

    async def _address(self, url: str, host: str, port: int) -> str:
        """The address to connect to: all that the name has must be admitted."""
        try:
            found = [str(ip_address(host))]
        except ValueError:
            found = list(await self.resolve(host, port))
        if not found or not all(self.policy.admits(ip_address(each)) for each in found):
            raise Unfetched(url, "its address is not public")
        return found[0]

    async def _read(self, url: str, response: httpx.Response, allowance: _Allowance) -> Fetched:
        if response.status_code != httpx.codes.OK:
            raise Unfetched(url, f"its server answered with status {response.status_code}")
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        data = bytearray()
        async for chunk in stream:
            data += chunk
            if len(data) > self.policy.max_bytes:
                raise Unfetched(url, f"it has more than {self.policy.max_bytes:,} bytes")
            allowance.spend(len(chunk))
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Fetched(media_type, bytes(data))


def _translated(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address within one of the prefix that every translator unwraps (RFC 6052).

    Of 64:ff9b:1::/48 (RFC 8215) each network unwraps parts of its own choice: it is not public.
    """
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in NAT64 else None
