"""The statuses of a response and the only ways between them (contract §3.4)."""

from collections.abc import Mapping, Set

from rejoinder.schema.response import Status

MOVES: Mapping[Status, Set[Status]] = {
    "queued": {"in_progress", "failed", "cancelled"},
    "in_progress": {"completed", "incomplete", "failed", "cancelled"},
    "completed": frozenset(),
    "incomplete": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}

LIVE: frozenset[Status] = frozenset(status for status, onward in MOVES.items() if onward)
