"""The endpoint that is asked, with a key and with bounds to every wait."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

import httpx
from msgspec import DecodeError, Struct
from msgspec.json import decode

from infra.smoke.listening import Frame, Heard, Response
from infra.smoke.outcome import Broken

type JSON = Any

WAITS_SECONDS = 40.0  # for a byte: heartbeats come every 15 seconds
STREAM_SECONDS = 150.0
POLL_SECONDS = 0.3
EXCERPT = 80

_REGION = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is asked for: all of it, or so little that it takes seconds."""

    silence_seconds: float = 60.0
    large_bytes: int = 3_200_000  # its JSON exceeds what Lambda buffers, its stream the 10 MB
    streams_at_once: int = 12
    idle_seconds: float = 0.0  # which takes longer than all the rest, and so has to be asked for
    is_whole: bool = True


QUICK = Extent(silence_seconds=2.0, large_bytes=200_000, streams_at_once=3, is_whole=False)


class Error(Struct, frozen=True):
    """What an error says: all four, always."""

    message: str
    type: str
    param: str | None
    code: str | None


class Refusal(Struct, frozen=True):
    """The body of an error."""

    error: Error


@dataclass(frozen=True)
class Endpoint:
    """Where a deployment, a server or the rig answers."""

    base_url: str  # with /v1
    key: str = field(repr=False)
    model: str = "demo"
    extent: Extent = Extent()
    _http: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=WAITS_SECONDS), init=False, repr=False
    )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def root_url(self) -> str:
        """The address without /v1."""
        return self.base_url.removesuffix("/v1")

    @property
    def region(self) -> str:
        """Where it is, if AWS gave it its name."""
        found = _REGION.search(self.base_url)
        return found[1] if found else ""

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        waits_seconds: float = WAITS_SECONDS,
        **body: JSON,
    ) -> httpx.Response:
        """The whole answer, whatever it is; `path` follows /v1, or is a whole URL."""
        own = self._headers(headers)
        return self._http.request(
            method, self._url(path), headers=own, timeout=waits_seconds, **body
        )

    def make(self, request: JSON, *, headers: Mapping[str, str] | None = None) -> Response:
        """Create a response, and wait for the answer."""
        waits = WAITS_SECONDS + self.extent.silence_seconds
        reply = self.ask(
            "POST", "/responses", headers=headers, waits_seconds=waits, json=self._asked(request)
        )
        return read_as(ok(reply), Response)

    def get(self, response_id: str) -> Response:
        """The response as it stands."""
        return read_as(ok(self.ask("GET", f"/responses/{response_id}")), Response)

    def until(self, response_id: str, is_so: Callable[[str], bool], seconds: float) -> Response:
        """The response, when its status is such.

        Raises:
            Broken: if that takes longer.
        """
        until = time.monotonic() + seconds
        while not is_so((response := self.get(response_id)).status):
            if time.monotonic() > until:
                raise Broken(f"still {response.status} after {seconds:.0f} s")
            time.sleep(POLL_SECONDS)
        return response

    def tell(
        self,
        request: JSON,
        *,
        leave: Callable[[Frame], bool] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Heard:
        """Create a response as a stream, and read it: to its end, or until we leave."""
        asked = self._asked(request) | {"stream": True}
        return self._listen("POST", "/responses", leave, headers, json=asked)

    def follow(self, response_id: str, *, after: int | None = None) -> Heard:
        """The stream of a response that there is already."""
        params = {"stream": "true"} | ({} if after is None else {"starting_after": str(after)})
        return self._listen("GET", f"/responses/{response_id}", None, None, params=params)

    def _listen(
        self,
        method: str,
        path: str,
        leave: Callable[[Frame], bool] | None,
        headers: Mapping[str, str] | None,
        **rest: JSON,
    ) -> Heard:
        began = time.perf_counter()
        own = self._headers(headers)
        with self._http.stream(method, self._url(path), headers=own, **rest) as reply:
            if reply.status_code != HTTPStatus.OK:
                reply.read()
            heard = Heard(ok(reply).headers, time.perf_counter() - began)
            for data in reply.iter_raw():
                now = time.perf_counter() - began
                if any(leave(frame) for frame in heard.take(now, data) if leave):
                    break
                if now > STREAM_SECONDS:
                    raise Broken(f"the stream had not ended after {STREAM_SECONDS:.0f} s")
        return heard

    def _headers(self, given: Mapping[str, str] | None) -> Mapping[str, str]:
        """Ours, unless they are given; an empty one is left out."""
        own = {"authorization": f"Bearer {self.key}", "accept-encoding": "identity"}
        return {name: value for name, value in (own | dict(given or {})).items() if value}

    def _url(self, path: str) -> str:
        return path if path.startswith("http") else self.base_url + path

    def _asked(self, request: JSON) -> JSON:
        given = {"input": request} if isinstance(request, str) else request
        return {"model": "demo"} | given


def ok(reply: httpx.Response) -> httpx.Response:
    """The answer, if it is a good one.

    Raises:
        Broken: if it is another.
    """
    if reply.status_code != HTTPStatus.OK:
        raise Broken(f"answered {reply.status_code}: {reply.text[:EXCERPT]!r}")
    return reply


def read_as[T](reply: httpx.Response, form: type[T]) -> T:
    """The JSON of an answer.

    Raises:
        Broken: if it has not that form.
    """
    try:
        return decode(reply.content, type=form)
    except DecodeError as error:
        said = f"answered {reply.status_code} in another form than the contract's"
        raise Broken(f"{said}: {reply.text[:EXCERPT]!r}") from error


def is_from_gateway(reply: httpx.Response) -> bool:
    """Whether it came through API Gateway, which adds an id of its own."""
    return "x-amzn-requestid" in reply.headers


def is_by_gateway(reply: httpx.Response) -> bool:
    """Whether API Gateway refused by itself: no function was asked."""
    return "x-amzn-errortype" in reply.headers
