"""Events as they come off the network, in whichever pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoinder.errors import Unavailable
from rejoinder.providers.server_sent import MAX_EVENT_BYTES, EventDecoder

LINES = ("data: x", "data:y", "data:", "event: e", ": c", "id: 1", " ", "")
ENDS = ("\n", "\r\n", "\r")
SAID = st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from(ENDS)), max_size=12).map(
    lambda lines: "".join(line + end for line, end in lines).encode()
)


def payloads(*pieces: bytes) -> list[bytes]:
    decoder = EventDecoder()
    return [*(each for piece in pieces for each in decoder.feed(piece)), *decoder.flush()]


@given(SAID, st.sets(st.integers(0, 90)))
def test_events_are_the_same_wherever_they_are_cut(said: bytes, cuts: set[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(said)), len(said)]

    pieces = [said[begin:end] for begin, end in pairwise(places)]

    assert payloads(*pieces) == payloads(said)


@given(SAID)
def test_events_are_the_same_whatever_ends_their_lines(said: bytes) -> None:
    plain = said.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    assert payloads(said) == payloads(plain)


def test_events_that_come_together_are_told_together() -> None:
    decoder = EventDecoder()

    assert decoder.feed(b"data: a\n\nevent: e\ndata: b\n\ndata: c") == [b"a", b"b"]
    assert decoder.feed(b"\r") == []
    assert decoder.feed(b"\n\r\ndata: d\n") == [b"c"]
    assert decoder.flush() == [b"d"]


def test_a_large_event_in_many_pieces_is_told_whole() -> None:
    pieces = [b"x" * 1024] * (16 * 1024)

    (payload,) = payloads(b"data: ", *pieces, b"\n", b"\n")

    assert len(payload) == 16 * 1024 * 1024


def test_an_event_that_is_too_large_is_not_waited_for() -> None:
    decoder = EventDecoder()
    decoder.feed(b"x" * MAX_EVENT_BYTES)

    with pytest.raises(Unavailable, match="32 MB"):
        decoder.feed(b"x")
