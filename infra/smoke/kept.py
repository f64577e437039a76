"""Checks of what is kept: leaving, rejoining, background work, deletion, idempotency."""

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from time import perf_counter
from uuid import uuid4

from infra.smoke.endpoint import Endpoint, Refusal, ok, read_as
from infra.smoke.listening import Frame, Response
from infra.smoke.outcome import Outcome, expected, judged, require
from infra.smoke.streams import WORDS

ENDS_SECONDS = 40.0
STARTS_SECONDS = 60.0  # a message, and a cold worker
STOPS_SECONDS = 20.0
SOON_SECONDS = 10.0  # for which a queue may let wait
LEFT_AT = 10  # the number of the event after which we leave

LIVE = ("queued", "in_progress")


def has_ended(status: str) -> bool:
    """Whether a status is a last one."""
    return status not in LIVE


def disconnect(endpoint: Endpoint) -> Outcome:
    """Whether a stored response goes on when its client has gone in the middle."""
    left = endpoint.tell(WORDS, leave=lambda frame: frame.is_text)
    began = perf_counter()
    ended = endpoint.until(left.id, has_ended, ENDS_SECONDS)
    require(ended.status == "completed", f"left in the middle, it is {ended.status}")
    require(WORDS.strip() in ended.output_text, "left in the middle, its text is not whole")
    return expected(f"left after one word, it was complete {perf_counter() - began:.1f} s later")


def rejoin(endpoint: Endpoint) -> Outcome:
    """Whether a stream that was left is told on from there, and replays byte for byte."""
    first = endpoint.tell(WORDS, leave=_was_last_seen)
    seen = [frame for frame in first.events if frame.event.sequence_number <= LEFT_AT]
    rest = endpoint.follow(first.id, after=LEFT_AT)
    rest.completed()
    again = endpoint.follow(first.id)
    again.completed()
    told = [frame.raw for frame in [*seen, *rest.events]]
    replayed = [frame.raw for frame in again.events]
    require(told == replayed, "a replay is not what was told, byte for byte")
    return expected(
        f"left after event {LEFT_AT}, told on after {rest.frames[0].at * 1000:.0f} ms: "
        f"{len(rest.events)} events, at most {rest.longest_gap_seconds:.1f} s apart; "
        f"the replay of all {len(replayed)} is the same byte for byte"
    )


def _was_last_seen(frame: Frame) -> bool:
    return frame.is_event and frame.event.sequence_number >= LEFT_AT


def background(endpoint: Endpoint) -> Outcome:
    """Whether a queued response is made, and how long it waits for a worker."""
    began = perf_counter()
    queued = endpoint.make({"input": "Hello!", "background": True})
    require(queued.status in LIVE, f"created in the background, it is {queued.status}")
    endpoint.until(queued.id, lambda status: status != "queued", STARTS_SECONDS)
    waited = perf_counter() - began
    ended = endpoint.until(queued.id, has_ended, ENDS_SECONDS)
    require(ended.status == "completed", f"it ended as {ended.status}")
    took = perf_counter() - began
    fact = f"waited {waited:.1f} s in the queue, complete after {took:.1f} s"
    return judged(fact, is_expected=waited < SOON_SECONDS)


def background_stream(endpoint: Endpoint) -> Outcome:
    """Whether the stream of a worker's response is told by another function as it is made."""
    heard = endpoint.tell({"input": WORDS, "background": True})
    heard.completed()
    first = heard.deltas[0].at
    arrivals = len(heard.arrivals)
    fact = (
        f"first word after {first:.1f} s; {len(heard.deltas)} words at {arrivals} moments over "
        f"{heard.deltas[-1].at - first:.1f} s, at most {heard.longest_gap_seconds:.1f} s apart"
    )
    return judged(fact, is_expected=arrivals > 1)


def cancel(endpoint: Endpoint) -> Outcome:
    """Whether a worker stops when it is told to by another function."""
    queued = endpoint.make({"input": "Be silent for 60 seconds.", "background": True})
    began = endpoint.until(queued.id, lambda status: status != "queued", STARTS_SECONDS)
    require(began.status == "in_progress", f"before it was cancelled, it is {began.status}")
    asked_at = perf_counter()
    told = read_as(ok(endpoint.ask("POST", f"/responses/{queued.id}/cancel")), Response)
    ended = endpoint.until(queued.id, has_ended, STOPS_SECONDS)
    require(ended.status == "cancelled", f"after it was cancelled, it is {ended.status}")
    took = perf_counter() - asked_at
    return expected(f"answered {told.status}; {ended.status} after {took:.1f} s")


def delete(endpoint: Endpoint) -> Outcome:
    """Whether what is deleted is gone at once, also while it is being made."""
    ended = endpoint.make({"input": "Hello!"})
    live = endpoint.tell({"input": "Be silent for 5 seconds."}, leave=lambda _: True)
    for id in (ended.id, live.id):
        ok(endpoint.ask("DELETE", f"/responses/{id}"))
        for method in ("GET", "DELETE"):
            reply = endpoint.ask(method, f"/responses/{id}")
            gone = reply.status_code == HTTPStatus.NOT_FOUND
            require(gone, f"{method} after DELETE answered {reply.status_code}")
            read_as(reply, Refusal)
    return expected("a complete response and one that was being made are gone at once")


def idempotency(endpoint: Endpoint) -> Outcome:
    """Whether a request that is sent twice at once, and once more, is one response."""
    key = {"Idempotency-Key": f"smoke-{uuid4()}"}
    request = {"input": "Be silent for 3 seconds."}
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(endpoint.make, request, headers=key) for _ in range(2)]
        ids = {each.result().id for each in both}
    ids.add(endpoint.make(request, headers=key).id)
    require(len(ids) == 1, f"one request, sent three times, made {len(ids)} responses")
    return expected("sent by two connections at once and a third time, it is one response")
