"""Signed requests to one AWS service, sent again while that may help.

A request whose reply was lost is sent again as well, although it may have been carried out: who
writes under a condition must know his own write when he meets it.
"""

import asyncio
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from logging import getLogger
from random import uniform
from time import time

import httpx

from rejoinder.aws.credentials import Credentials
from rejoinder.aws.replies import Reply, read
from rejoinder.aws.signing import Scope, Unsigned, signed_headers
from rejoinder.errors import Unavailable
from rejoinder.schema.items import JSON

WAITS_SECONDS = (0.05, 0.3, 1.2)  # between attempts, at most; at least half of each
CONNECT_SECONDS = 2.0
READ_SECONDS = 6.0
MAX_SKEW_SECONDS = 120.0  # of our clock; services bear five minutes

THROTTLING = frozenset(
    {
        "LimitExceededException",
        "OverLimit",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
SKEW = frozenset({"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"})

log = getLogger("rejoinder")


class AwsError(Exception):
    """A service refused a request, by a name of its own; `body` is all that it said."""

    def __init__(self, code: str, message: str, body: JSON = None, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.body = body
        self.status = status

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be accepted a little later."""
        return self.status >= 500 or self.code in THROTTLING or not self.code


type RefusalIn = Callable[[Reply], AwsError]


class Exchange:
    """Signs and sends; `refusal_in` reads what the service says when it refuses."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        credentials: Credentials,
        scope: Scope,
        endpoint: str,
        refusal_in: RefusalIn,
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._scope = scope
        self._endpoint = endpoint.rstrip("/")
        self._host = httpx.URL(endpoint).netloc.decode("ascii")
        self._refusal_in = refusal_in
        self._skew_seconds = 0.0
        others = dict.fromkeys(("read", "write", "pool"), READ_SECONDS)
        self._extensions = {"timeout": {"connect": CONNECT_SECONDS, **others}}

    async def send(self, request: Unsigned) -> Reply:
        """The reply to a request.

        Raises:
            AwsError: if the service refuses it.
            Unavailable: if the service cannot be reached, is too busy, or is broken.
        """
        waits = iter(WAITS_SECONDS)
        while True:
            try:
                return await self._accepted(request)
            except (httpx.HTTPError, AwsError, Unavailable) as error:
                if isinstance(error, AwsError) and not error.may_pass:
                    raise
                wait_seconds = next(waits, None)
                self._log(error, is_last=wait_seconds is None)
                if wait_seconds is None:
                    raise Unavailable(
                        "What this service keeps cannot be reached now; try again in a moment.",
                        code="server_error",
                    ) from error
            await asyncio.sleep(uniform(wait_seconds / 2, wait_seconds))

    async def _accepted(self, request: Unsigned) -> Reply:
        reply = await self._exchanged(request)
        if reply.status < 300:
            return reply
        refusal = self._refusal_in(reply)
        if refusal.code not in SKEW or not self._sets_the_clock_by(reply):
            raise refusal
        return await self._accepted(request)

    async def _exchanged(self, request: Unsigned) -> Reply:
        key = await self._credentials.current()
        at = time() + self._skew_seconds
        headers = signed_headers(request, self._host, key, self._scope, at=at)
        query = f"?{request.query_string}" if request.query else ""
        sent = httpx.Request(
            request.method,
            f"{self._endpoint}{request.path}{query}",
            headers={**headers, "user-agent": "rejoinder", "accept-encoding": "identity"},
            content=request.body,
            extensions=self._extensions,
        )
        return await read(await self._transport.handle_async_request(sent))

    def _sets_the_clock_by(self, reply: Reply) -> bool:
        """Sign by the service's time from now on; False if we did already."""
        if "date" not in reply.headers:
            return False
        skew_seconds = parsedate_to_datetime(reply.headers["date"]).timestamp() - time()
        if abs(skew_seconds - self._skew_seconds) < MAX_SKEW_SECONDS:
            return False
        self._skew_seconds = skew_seconds
        return True

    def _log(self, error: Exception, *, is_last: bool) -> None:
        why = error.code if isinstance(error, AwsError) else type(error).__name__
        tell = log.warning if is_last else log.info
        tell("aws_call_failed", extra={"service": self._scope.service, "why": why})
