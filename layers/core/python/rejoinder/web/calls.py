"""What an endpoint is given, and what it may answer."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import inf

from starlette.requests import Request

from rejoinder.errors import InvalidRequest
from rejoinder.gateway import Gateway
from rejoinder.settings import Settings
from rejoinder.web.messages import EventStream, Json, Text, body_of
from rejoinder.web.prometheus import Instrument

DEADLINE = "rejoinder.deadline"  # of the scope: when the process will be stopped, Unix seconds
ENDING_SECONDS = 10.0  # for the last words, and for keeping them
MAX_NAMED = 1000  # characters of a header that names what was left out

_PATH = re.compile(r"[\w.\[\]-]+", re.ASCII)  # of a parameter, if a header can carry it

type Answer = Json | Text | EventStream
type Measured = Callable[[], Sequence[Instrument]]  # what the process has counted so far


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request for an endpoint."""

    gateway: Gateway
    settings: Settings
    tenant: str
    http: Request
    measured: Measured

    @property
    def ends_at(self) -> float:
        """When an answer must have come to its end, in Unix seconds: before the function does."""
        ends_at = self.http.scope.get("extensions", {}).get(DEADLINE, inf)
        return float(ends_at) - ENDING_SECONDS

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            TooLarge: if it has more bytes than the settings allow.
            UnsupportedMediaType: if it says that it is not plain JSON.
        """
        return await body_of(self.http, max_bytes=self.settings.max_body_bytes)


type Endpoint = Callable[[Call], Awaitable[Answer]]


def told_by_headers(
    call: Call, ignored_parameters: Sequence[str], ignored_tools: Sequence[str] = ()
) -> dict[str, str]:
    """What was left out of the request: contract D1 and D2.

    Raises:
        InvalidRequest: if the settings want that instead.
    """
    headers: dict[str, str] = {}
    if ignored_parameters:
        if call.settings.unknown_parameters == "reject":
            name = ignored_parameters[0]
            raise InvalidRequest(
                f"Unknown parameter of this endpoint: {name!r}; leave it out.",
                code="unknown_parameter",
                param=name,
            )
        told = _joined([*filter(_PATH.fullmatch, ignored_parameters)])
        headers |= {"X-Ignored-Parameters": told} if told else {}
    if ignored_tools:
        headers["X-Ignored-Tools"] = _joined(ignored_tools)
    return headers


def _joined(names: Sequence[str]) -> str:
    """As many of them as a header should hold."""
    joined = ", ".join(names)
    if len(joined) <= MAX_NAMED:
        return joined
    return joined[:MAX_NAMED].rpartition(", ")[0] or joined[:MAX_NAMED]
