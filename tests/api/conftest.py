"""A fresh application for each test, and an eye on what it writes into the log."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.api.door import SECRET, Door, opened

LOGGED = {
    "request": {
        "request_id",
        "method",
        "path",
        "route",
        "tenant",
        "status",
        "outcome",
        "duration_ms",
    },
    "request_broke": {"request_id"},
    "upstream_misaddressed": {"provider", "reason"},
    "upstream_call": {
        "request_id",
        "response_id",
        "status",
        "code",
        "provider",
        "model",
        "outcome",
        "duration_ms",
        "first_delta_ms",
        "input_tokens",
        "cached_tokens",
        "output_tokens",
        "cost_usd",
    },
}


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path) as door:
        yield door


@pytest.fixture(autouse=True)
def discreet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The log says of a request what the contract allows, and nothing of what was in it."""
    caplog.set_level(logging.DEBUG, "rejoinder")
    ordinary = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", "taskName"}
    yield
    for record in caplog.get_records("call"):
        if record.name.startswith("rejoinder"):
            assert vars(record).keys() - ordinary <= LOGGED[record.getMessage()]
            assert SECRET not in logging.Formatter().format(record) + str(vars(record))
