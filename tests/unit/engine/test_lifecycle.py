"""The statuses and the ways between them."""

from typing import get_args

from rejoinder.engine.lifecycle import LIVE, MOVES
from rejoinder.schema.response import Status
from tests.unit.engine.telling import new_response


def test_every_status_has_its_moves() -> None:
    assert set(MOVES) == set(get_args(Status.__value__))


def test_what_can_still_move_is_live_and_the_response_says_so() -> None:
    assert {status for status in MOVES if new_response(status=status).is_live} == LIVE


def test_no_move_leads_back() -> None:
    assert all("queued" not in onward for onward in MOVES.values())
    assert all(status not in onward for status, onward in MOVES.items())
