"""Checks of streams: how soon, how evenly, how long, how large, how many."""

from base64 import urlsafe_b64encode
from bisect import bisect
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from itertools import accumulate, pairwise
from random import Random
from statistics import median
from time import perf_counter, sleep

import httpx

from infra.smoke.endpoint import Endpoint, Error, Refusal, ok, read_as
from infra.smoke.outcome import Outcome, absent, expected, judged, require

WARM_MS = 1500  # to the first event; more is worth a look
RUNS = 5
WORDS = "one two three four five six seven eight nine ten " * 6
PACE_SECONDS = 0.03  # of the demo
JOINED = 2.0  # words that arrive together: more was not as believed
BEAT_SECONDS = 20.0  # heartbeats are sent every 15 seconds at most
BURST_BYTES = 6 * 1024 * 1024  # what Lambda lets pass without a limit
LONG_NAMES = [f"parameter_{number:02}".ljust(64, "x") for number in range(32)]
LONG_HEADER = 900  # characters; none of ours has more than 1,000


def first_event(endpoint: Endpoint) -> Outcome:
    """How soon a stream begins: the first may find a cold function."""
    begun = [endpoint.tell("Hello!", leave=lambda _: True) for _ in range(1 + RUNS)]
    first, *warm = (heard.frames[0].at * 1000 for heard in begun)
    headers_ms = median(heard.opened_at for heard in begun[1:]) * 1000
    fact = (
        f"{first:.0f} ms to the first event of the first stream, then {median(warm):.0f} ms "
        f"(of which {headers_ms:.0f} ms to the headers)"
    )
    return judged(fact, is_expected=median(warm) < WARM_MS)


def pacing(endpoint: Endpoint) -> Outcome:
    """Whether words arrive as they are said, one by one and never in halves."""
    heard = endpoint.tell(WORDS)
    heard.completed()
    times = [frame.at for frame in heard.deltas]
    took, pace = times[-1] - times[0], PACE_SECONDS * (len(times) - 1)
    require(took > pace / 3, f"{len(times)} words came within {took:.2f} s: something buffers")
    arrivals = heard.arrivals
    gaps_ms = [(after - before) * 1000 for before, after in pairwise(arrivals)]
    fact = (
        f"{len(times)} words at {len(arrivals)} moments over {took:.1f} s, "
        f"{median(gaps_ms):.0f} ms apart, at most {max(gaps_ms):.0f} ms; "
        f"{heard.cut_reads} reads ended inside an event"
    )
    return judged(fact, is_expected=len(times) < JOINED * len(arrivals) and not heard.cut_reads)


def headers(endpoint: Endpoint) -> Outcome:
    """What a stream's head says: nothing is compressed, our request id comes back."""
    given = {"X-Request-Id": "smoke-1", "accept-encoding": "gzip"}
    unknown = dict.fromkeys(LONG_NAMES, 1)  # named in a header, as far as it may be long
    request = {"input": "Hello!", "store": False, **unknown}
    told = endpoint.tell(request, leave=lambda _: True, headers=given).headers
    require(told["content-type"].startswith("text/event-stream"), f"it is {told['content-type']}")
    require("content-encoding" not in told, f"it is encoded: {told.get('content-encoding')}")
    echo = told.get("x-request-id")
    require(echo == "smoke-1", f"x-request-id is {echo!r}, not ours")
    length = len(told.get("x-ignored-parameters", ""))
    whole = ok(endpoint.ask("GET", "/models", headers=given)).headers
    fact = (
        f"x-request-id comes back, no gzip, a header of {length} bytes passes; "
        f"content-length: {told.get('content-length', 'none')} of a stream, "
        f"{whole.get('content-length', 'none')} of JSON; "
        f"content-encoding of JSON: {whole.get('content-encoding', 'none')}"
    )
    is_expected = length > LONG_HEADER and "content-length" not in told
    return judged(fact, is_expected=is_expected)


def silence(endpoint: Endpoint) -> Outcome:
    """Whether a stream and a JSON answer live through a silence of the model."""
    seconds = endpoint.extent.silence_seconds
    wish = f"Be silent for {seconds:g} seconds."
    with ThreadPoolExecutor(2) as pool:
        began = perf_counter()
        telling = pool.submit(endpoint.tell, wish)
        making = pool.submit(endpoint.make, {"input": wish})
        making.result()
        took = perf_counter() - began
        heard = telling.result()
    heard.completed()
    gap = heard.longest_gap_seconds
    require(gap < BEAT_SECONDS, f"no byte of a silent stream for {gap:.0f} s")
    return expected(
        f"of {seconds:g} s: {len(heard.comments)} heartbeats, at most {gap:.1f} s without a byte; "
        f"as JSON after {took:.1f} s"
    )


def large(endpoint: Endpoint) -> Outcome:
    """Whether more passes than Lambda buffers, at which rate, and whether all of it is kept."""
    text = urlsafe_b64encode(Random(5).randbytes(endpoint.extent.large_bytes * 3 // 4)).decode()
    call = {"type": "function_call", "call_id": "call_1", "name": "read", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": text}
    heard = endpoint.tell({"input": [call, output]})
    is_whole = text in heard.completed().output_text
    require(is_whole, "a large stream's text is not whole")
    began = perf_counter()
    reply = ok(endpoint.ask("GET", f"/responses/{heard.id}"))
    took = perf_counter() - began
    require(text in reply.text, "a large response is not kept whole")
    size = sum(size for _, size in heard.reads) / 1e6
    return expected(
        f"a stream of {size:.1f} MB at {_rates(heard.reads)}; "
        f"JSON of {len(reply.content) / 1e6:.1f} MB in {took:.1f} s"
    )


def _rates(reads: Sequence[tuple[float, int]]) -> str:
    """While nothing limits, and afterwards."""
    times = [at for at, _ in reads]
    came = [*accumulate(size for _, size in reads)]
    last = len(reads) - 1
    limit = min(bisect(came, BURST_BYTES), last)
    said = _rate(came[limit], times[limit] - times[0])
    if limit == last:
        return said
    later = _rate(came[last] - came[limit], times[last] - times[limit])
    return f"{said}, {later} after {BURST_BYTES / 1e6:.1f} MB"


def _rate(size: int, seconds: float) -> str:
    return f"{size / 1e6 / max(seconds, 1e-3):.1f} MB/s"


def concurrency(endpoint: Endpoint) -> Outcome:
    """How many streams an account may have at once: new ones may have very few."""
    number = endpoint.extent.streams_at_once
    asked = {"model": "demo", "input": "Be silent for 2 seconds.", "stream": True, "store": False}

    def ask(_: int) -> httpx.Response:
        return endpoint.ask("POST", "/responses", json=asked)

    with ThreadPoolExecutor(number) as pool:
        replies = list(pool.map(ask, range(number)))
    refused = [reply for reply in replies if reply.status_code != HTTPStatus.OK]
    errors = {_error_of(reply).code for reply in refused}
    fact = f"{number - len(refused)} of {number} streams at once were served"
    if not refused:
        return expected(fact)
    told = ", ".join(sorted({f"{reply.status_code}" for reply in refused} | set(map(str, errors))))
    may_wait = all("retry-after" in reply.headers for reply in refused)
    is_throttled = all(reply.status_code == HTTPStatus.TOO_MANY_REQUESTS for reply in refused)
    require(is_throttled, f"{fact}; the others: {told}")
    waiting = "with" if may_wait else "without"
    return judged(f"{fact}; the others: {told}, {waiting} retry-after", is_expected=False)


def idle(endpoint: Endpoint) -> Outcome:
    """Whether all goes on after nobody has asked for a while, and how much later it begins."""
    seconds = endpoint.extent.idle_seconds
    if not seconds:
        return absent("not asked: it takes minutes (--idle 10)")
    heard = [endpoint.tell("Hello!"), endpoint.tell("Hello!")]
    sleep(seconds)
    heard.append(endpoint.tell("Hello!"))
    for each in heard:
        each.completed()
    _, before, after = (each.frames[0].at * 1000 for each in heard)
    return expected(
        f"{before:.0f} ms to the first event, {after:.0f} ms after {seconds / 60:g} minutes "
        "in which nobody asked (on a new connection)"
    )


def _error_of(reply: httpx.Response) -> Error:
    return read_as(reply, Refusal).error


def other_model(endpoint: Endpoint) -> Outcome:
    """Whether a real model answers, where one was named (MODEL=…)."""
    if endpoint.model == "demo":
        return absent("no MODEL was named")
    request = {"model": endpoint.model, "input": "Name a city, in one word."}
    heard = endpoint.tell(request)
    city = heard.completed().output_text.strip()
    require(bool(city), "the model said nothing")
    first = next((frame.at for frame in heard.deltas), 0.0)
    by = heard.headers.get("x-upstream-model", "?")
    return expected(f"{by}: first word after {first * 1000:.0f} ms, {len(city)} characters")
