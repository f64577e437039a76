"""The statuses of a response."""

from rejoinder.schema.response import Response, Status


def is_live(status: Status) -> bool:
    return Response(id="resp_1", created_at=5, model="m", status=status).is_live


def test_what_has_ended_is_live_no_more() -> None:
    ended: list[Status] = ["completed", "incomplete", "failed", "cancelled"]

    assert is_live("queued")
    assert is_live("in_progress")
    assert not any(is_live(status) for status in ended)
