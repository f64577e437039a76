"""What this process has done so far, for Prometheus: counted from the records of the log.

No combination of labels may come without end. Routes are templates; of models and outcomes, which
clients and servers name, so many are told apart and the others are called `other`.
"""

import logging
from collections.abc import Mapping, Sequence

from rejoinder.schema.items import JSON
from rejoinder.web.prometheus import Histogram, Instrument, Tally

MOST_MODELS = 100
MOST_OUTCOMES = 50
OTHER = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})
LIMITS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

_MODEL = ("provider", "model")


class Measures(logging.Handler):
    """Listens to the log; each instrument is one metric."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._models = _Few(MOST_MODELS)
        self._outcomes = _Few(MOST_OUTCOMES)
        self._requests = Tally(
            "counter",
            "rejoinder_requests_total",
            "Requests answered.",
            ("route", "method", "status"),
        )
        self._request_seconds = Histogram(
            "rejoinder_request_duration_seconds",
            "From a request to the end of its answer.",
            ("route",),
            LIMITS_SECONDS,
        )
        self._calls = Tally(
            "counter",
            "rejoinder_upstream_calls_total",
            "Calls of model servers, each attempt by itself.",
            (*_MODEL, "outcome"),
        )
        self._first_token_seconds = Histogram(
            "rejoinder_first_token_seconds",
            "From the call of a model server to its first word.",
            _MODEL,
            LIMITS_SECONDS,
        )
        self._tokens = {
            "input_tokens": _tokens("input", "Tokens given to models, cached ones included."),
            "cached_tokens": _tokens("cached_input", "Of the input tokens, those from a cache."),
            "output_tokens": _tokens("output", "Tokens that models made, thinking included."),
        }
        self._cost_usd = Tally(
            "counter",
            "rejoinder_cost_usd_total",
            "US dollars at list prices, of models whose prices are known.",
            _MODEL,
        )

    def instruments(self) -> Sequence[Instrument]:
        """All of them, as they stand."""
        return (
            self._requests,
            self._request_seconds,
            self._calls,
            self._first_token_seconds,
            *self._tokens.values(),
            self._cost_usd,
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Count a summary of a request or of a call; other records say nothing to count."""
        match record.getMessage():
            case "request":
                self._count_request(vars(record))
            case "upstream_call":
                self._count_call(vars(record))

    def _count_request(self, fields: Mapping[str, JSON]) -> None:
        route = fields["route"] or OTHER
        method = fields["method"] if fields["method"] in METHODS else OTHER
        self._requests.add(1, route, method, f"{fields['status'] // 100}xx")
        self._request_seconds.observe(fields["duration_ms"] / 1000, route)

    def _count_call(self, fields: Mapping[str, JSON]) -> None:
        provider, model = fields["provider"], fields["model"]
        by = (provider, model if self._models.has((provider, model)) else OTHER)
        outcome = fields["outcome"]
        self._calls.add(1, *by, outcome if self._outcomes.has(outcome) else OTHER)
        if (milliseconds := fields["first_delta_ms"]) is not None:
            self._first_token_seconds.observe(milliseconds / 1000, *by)
        for name, tally in self._tokens.items():
            if tokens := fields[name]:
                tally.add(tokens, *by)
        if cost_usd := fields["cost_usd"]:
            self._cost_usd.add(cost_usd, *by)


class _Few:
    """The first of many values; those that come later are not told apart."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[object] = set()

    def has(self, value: object) -> bool:
        """Whether it is one of them."""
        if len(self._known) < self._most:
            self._known.add(value)
        return value in self._known


def _tokens(name: str, meaning: str) -> Tally:
    return Tally("counter", f"rejoinder_{name}_tokens_total", meaning, _MODEL)
