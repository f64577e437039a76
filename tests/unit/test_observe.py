"""Metrics are made of what the core says: EMF lines, as CloudWatch reads them."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from rejoinder.observe import observe

type JSON = Any

UPSTREAM_CALL = {
    "first_delta_ms": None,
    "input_tokens": None,
    "output_tokens": None,
    "cost_usd": None,
}


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger("rejoinder")
    handlers, level, propagate = logger.handlers, logger.level, logger.propagate
    observe({"POWERTOOLS_SERVICE_NAME": "Mine"})
    yield logger
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)


def measured(capsys: pytest.CaptureFixture[str], metric: str) -> list[JSON]:
    """The lines that count towards a metric."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if metric in line]


def dimensions(line: JSON) -> JSON:
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    return directive["Dimensions"]


@pytest.mark.parametrize("message", ["job_given_up", "unreadable_job", "webhook_given_up"])
def test_what_is_given_up_is_counted(
    log: logging.Logger, capsys: pytest.CaptureFixture[str], message: str
) -> None:
    log.error(message, extra={"attempt": 4})

    (line,) = measured(capsys, "GivenUp")
    assert (line["service"], line["GivenUp"]) == ("Mine", [1.0])
    assert dimensions(line) == [["service"]]


def test_what_will_come_again_is_not_counted_as_given_up(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    log.warning("unreadable_job", extra={"message_id": "1"})
    log.error("job_broke", extra={"message_id": "1"})

    assert measured(capsys, "GivenUp") == []


def test_a_call_that_was_abandoned_is_no_error_of_the_models(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    log.info("upstream_call", extra={**UPSTREAM_CALL, "outcome": "abandoned"})

    assert measured(capsys, "UpstreamErrors") == []


@pytest.mark.parametrize(
    ("message", "metric", "fields"),
    [
        ("request", "Errors", {"duration_ms": 3}),
        ("upstream_call", "UpstreamErrors", UPSTREAM_CALL),
    ],
)
def test_an_error_is_counted_by_its_code_and_among_all(
    log: logging.Logger,
    capsys: pytest.CaptureFixture[str],
    message: str,
    metric: str,
    fields: JSON,
) -> None:
    log.info(message, extra={**fields, "outcome": "upstream_timeout"})

    (line,) = measured(capsys, metric)
    assert (line["service"], line["code"], line[metric]) == ("Mine", "upstream_timeout", [1.0])
    assert dimensions(line) == [["service"], ["service", "code"]]


def test_an_error_leaves_the_next_request_its_own_dimensions(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    log.info("request", extra={"duration_ms": 3.0, "outcome": "unknown_url"})
    log.info("request", extra={"duration_ms": 3.0, "outcome": "ok"})

    lines = measured(capsys, "Requests")
    assert [dimensions(line) for line in lines] == [[["service"]], [["service"]]]
    assert all("code" not in line for line in lines)
