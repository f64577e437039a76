"""What a deployment costs: list prices of us-east-1 without free tiers, as a formula.

The provider of the models is paid by itself. Prices as of November 2026; look them up again before
you rely on them. What Lambda takes while it waits for the model is most of every bill.
"""

from dataclasses import dataclass
from math import ceil

MILLION = 1_000_000

LAMBDA_GB_SECOND = 0.0000133334  # arm64
LAMBDA_REQUEST = 0.20 / MILLION
GATEWAY_REQUEST = 3.50 / MILLION  # for each 10 MB of a streamed answer
GATEWAY_REQUEST_KB = 10 * 1024
TABLE_WRITE_UNIT = 0.625 / MILLION
TABLE_READ_UNIT = 0.125 / MILLION
QUEUE_CALL = 0.40 / MILLION
LOG_KB = 0.50 / (1024 * 1024)
EGRESS_KB = 0.09 / (1024 * 1024)

MONTHLY_SECRET = 0.40
MONTHLY_ALARM_METRIC = 0.10  # for each metric of an alarm
FREE_ALARM_METRICS = 10  # of an account
MONTHLY_DASHBOARD = 3.00  # three of an account are free
MONTHLY_FIREWALL = 5.00 + 3 * 1.00  # the ACL and its three rules
MONTHLY_KEY = 1.00  # a KMS key of one's own
MONTH_SECONDS = 730 * 3600
SNAPSHOT_GB_SECOND = 0.0000015046  # kept; https://aws.amazon.com/lambda/pricing, "SnapStart"


@dataclass(frozen=True, slots=True)
class Request:
    """What one request takes. `wall_seconds` include all waiting for the model."""

    wall_seconds: float
    answer_kb: float
    write_units: int
    read_units: int = 2
    queue_calls: int = 0
    polls: int = 0  # by clients that wait for it
    log_kb: float = 1.6

    def cost(self, memory_mb: int) -> float:
        """In US dollars."""
        return (
            self.wall_seconds * memory_mb / 1024 * LAMBDA_GB_SECOND
            + LAMBDA_REQUEST * (1 + self.polls)
            + GATEWAY_REQUEST * (self.polls + max(1, ceil(self.answer_kb / GATEWAY_REQUEST_KB)))
            + TABLE_WRITE_UNIT * self.write_units
            + TABLE_READ_UNIT * self.read_units
            + QUEUE_CALL * self.queue_calls
            + LOG_KB * self.log_kb
            + EGRESS_KB * self.answer_kb
        )


# Stored responses. Their units are counted by tests/storage/test_capacity.py; a minute is four
# times the 15 seconds of there.
TYPICAL = {
    "JSON answers of 2 s": Request(2, answer_kb=4, write_units=8),
    "streams of 15 s": Request(15, answer_kb=120, write_units=17),
    "background answers of 60 s": Request(
        60, answer_kb=8, write_units=45, read_units=80, queue_calls=3, polls=6
    ),
}


def per_thousand(memory_mb: int) -> dict[str, float]:
    """Dollars for 1,000 requests of each typical kind."""
    return {name: 1000 * request.cost(memory_mb) for name, request in TYPICAL.items()}


@dataclass(frozen=True, slots=True)
class Idle:
    """A stack that nobody uses, and what it has."""

    alarm_metrics: int
    has_firewall: bool = False
    has_own_key: bool = False
    snapshots_gb: float = 0.0  # of SnapStart: the memory of each version that has one

    @property
    def monthly(self) -> float:
        """Dollars a month, before free tiers."""
        return (
            MONTHLY_SECRET
            + MONTHLY_ALARM_METRIC * self.alarm_metrics
            + MONTHLY_DASHBOARD
            + MONTHLY_FIREWALL * self.has_firewall
            + MONTHLY_KEY * self.has_own_key
            + SNAPSHOT_GB_SECOND * MONTH_SECONDS * self.snapshots_gb
        )

    @property
    def monthly_free_tier(self) -> float:
        """The same, where nothing else of the account uses its free dashboards and alarms."""
        free_metrics = min(self.alarm_metrics, FREE_ALARM_METRICS)
        return self.monthly - MONTHLY_ALARM_METRIC * free_metrics - MONTHLY_DASHBOARD
