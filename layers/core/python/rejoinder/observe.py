"""What a deployed function writes: a line of JSON for each record, and metrics made of the same.

The core says what happens by the stdlib logger `rejoinder`, with fields in `extra`. Here they pass
an allow-list; nothing that a client or a model said is on it. Metrics are lines, too (CloudWatch's
embedded metric format), in the namespace `Rejoinder` under the dimension `service`; errors are
counted under `service` and `code` besides.
"""

import logging
import sys
from collections.abc import Mapping
from hashlib import sha256
from traceback import format_tb
from types import TracebackType

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.logging.types import LogRecord
from aws_lambda_powertools.metrics import MetricUnit

NAMESPACE = "Rejoinder"
SERVICE = "rejoinder"  # unless the stack has a name of its own
LONGEST = 200  # characters of a value
MAX_CAUSES = 5
FAULTLESS = frozenset({"ok", "abandoned"})  # who leaves does not say that anything is wrong

SHOWN = frozenset(
    {
        *("timestamp", "level", "message", "stack", "function", "cold_start", "xray_trace_id"),
        *("location", "exception", "exception_name"),
        *("request_id", "method", "route", "status", "code", "outcome", "duration_ms", "tenant"),
        *("provider", "model", "first_delta_ms", "reason", "service", "why"),
        *("input_tokens", "cached_tokens", "output_tokens", "cost_usd"),
        *("response_id", "message_id", "kind", "attempt", "subject", "webhook"),
    }
)
SUMMARIES = frozenset({"request", "job"})  # one for each time that the function is called
GIVEN_UP = frozenset({"job_given_up", "unreadable_job", "webhook_given_up"})  # if they are errors

# Libraries that would tell of requests if the operator asked for more than warnings.
TALKATIVE = ("httpcore", "httpx", "mangum")

type ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


def observe(env: Mapping[str, str]) -> None:
    """Write the core's log to standard output, and its metrics; once, or once more."""
    service = env.get("POWERTOOLS_SERVICE_NAME") or SERVICE
    lines = Lines()
    lines.setFormatter(Discreet(stack=service, function=env.get("AWS_LAMBDA_FUNCTION_NAME")))
    logger = logging.getLogger("rejoinder")
    logger.handlers = [lines, Measuring(service)]
    logger.setLevel(env.get("AWS_LAMBDA_LOG_LEVEL") or logging.INFO)
    logger.propagate = False  # AWS's runtime would write all of it again, as it came
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class Lines(logging.Handler):
    """Standard output, whatever that is by now."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(f"{self.format(record)}\n")


class Discreet(LambdaPowertoolsFormatter):
    """Powertools' JSON, of which only known fields remain, and of tenants a digest."""

    def __init__(self, *, stack: str, function: str | None) -> None:
        super().__init__(
            use_rfc3339=True,
            utc=True,
            serialize_stacktrace=False,
            stack=stack,
            function=function,
        )
        self._is_cold = True

    def serialize(self, log: LogRecord) -> str:
        shown = {
            name: value[:LONGEST] if isinstance(value, str) and name != "exception" else value
            for name, value in log.items()
            if name in SHOWN
        }
        if tenant := shown.get("tenant"):
            shown["tenant"] = sha256(str(tenant).encode()).hexdigest()[:12]
        if shown["message"] in SUMMARIES:
            shown["cold_start"], self._is_cold = self._is_cold, False
        return self.json_serializer(shown)

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802, logging's own name
        """Where it happened; not what it says, which may be a client's words."""
        told: list[str] = []
        error = ei[1]
        while error is not None and len(told) < MAX_CAUSES:
            told.append("".join([*format_tb(error.__traceback__), type(error).__qualname__]))
            error = error.__cause__ or error.__context__
        return "\nwhile handling\n".join(told)


class Measuring(logging.Handler):
    """Metrics, derived from summaries of requests and of upstream calls, and from jobs given up."""

    def __init__(self, service: str) -> None:
        super().__init__(logging.INFO)
        self._service = service
        self._metrics = Metrics(namespace=NAMESPACE, service=service)

    def emit(self, record: logging.LogRecord) -> None:
        fields = vars(record)
        match record.getMessage():
            case "request":
                self._write(Requests=1, DurationMs=fields["duration_ms"])
                self._write_failure("Errors", fields["outcome"])
            case "upstream_call":
                self._write(
                    TimeToFirstToken=fields["first_delta_ms"],
                    InputTokens=fields["input_tokens"],
                    OutputTokens=fields["output_tokens"],
                    CostUsd=fields["cost_usd"],
                )
                self._write_failure("UpstreamErrors", fields["outcome"])
            case message if message in GIVEN_UP and record.levelno >= logging.ERROR:
                self._write(GivenUp=1)

    def _write(self, **values: float | None) -> None:
        """One line for all of them; of what did not happen there is none."""
        happened = {name: value for name, value in values.items() if value}
        for name, value in happened.items():
            self._metrics.add_metric(name=name, unit=_unit_of(name), value=value)
        if happened:
            self._metrics.flush_metrics()

    def _write_failure(self, name: str, outcome: str) -> None:
        """One line, counted twice: among those of its code, and among all of them."""
        if outcome not in FAULTLESS:
            self._metrics.add_dimensions(service=self._service, code=outcome)
            self._write(**{name: 1})


def _unit_of(name: str) -> MetricUnit:
    if name in ("DurationMs", "TimeToFirstToken"):
        return MetricUnit.Milliseconds
    return MetricUnit.NoUnit if name == "CostUsd" else MetricUnit.Count
