"""The checks, in the order in which they run; docs/deploy.md cites them by these names."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from infra.smoke import contexts, kept, refusals, streams
from infra.smoke.endpoint import Endpoint, is_from_gateway, ok, read_as
from infra.smoke.outcome import Outcome, expected


class About(Struct, frozen=True):
    """What an endpoint tells of itself."""

    version: str


def reach(endpoint: Endpoint) -> Outcome:
    """Whether it answers, and what it is. If this breaks, nothing else is asked."""
    first = ok(endpoint.ask("GET", f"{endpoint.root_url}/health"))
    about = ok(endpoint.ask("GET", "/responses"))
    ok(endpoint.ask("GET", "/models"))
    version = read_as(about, About).version
    where = f" in {endpoint.region}" if endpoint.region else ""
    what = f"API Gateway{where}" if is_from_gateway(first) else "no API Gateway"
    times = [reply.elapsed.total_seconds() * 1000 for reply in (first, about)]
    return expected(f"version {version}, {what}; {times[0]:.0f} ms at first, then {times[1]:.0f}")


CHECKS: Mapping[str, Callable[[Endpoint], Outcome]] = {
    "reach": reach,
    "first-event": streams.first_event,
    "pacing": streams.pacing,
    "headers": streams.headers,
    "silence": streams.silence,
    "large": streams.large,
    "disconnect": kept.disconnect,
    "rejoin": kept.rejoin,
    "background": kept.background,
    "background-stream": kept.background_stream,
    "cancel": kept.cancel,
    "delete": kept.delete,
    "idempotency": kept.idempotency,
    "conversation": contexts.conversation,
    "input-tokens": contexts.input_tokens,
    "compact": contexts.compact,
    "openai-prefix": contexts.other_prefix,
    "error-401": refusals.unauthorized,
    "error-404": refusals.unknown_url,
    "error-404-stream": refusals.unknown_response,
    "error-405": refusals.wrong_method,
    "error-426": refusals.upgrade,
    "root": refusals.root,
    "pages": refusals.pages,
    "body-5mb": refusals.body(5 * refusals.MEGABYTE),
    "body-of-quotes": refusals.body(4_400_000, '"'),
    "body-11mb": refusals.body(11 * refusals.MEGABYTE),
    "long-headers": refusals.long_headers,
    "head": refusals.head,
    "paths": refusals.paths,
    "odd-bytes": refusals.odd_bytes,
    "concurrency": streams.concurrency,
    "model": streams.other_model,
    "idle": streams.idle,
}
