"""Context windows and list prices of well-known models: data, with a date.

Prices are US dollars per million tokens as the vendors' price pages had them in November 2026
(input, input read from the cache, output); long-context and batch rates are not told apart. They
serve the log's `cost_usd` and GET /v1/models. `[models."…"]` in the settings corrects them.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

from rejoinder.providers.base import ModelFacts
from rejoinder.schema.items import JSON
from rejoinder.schema.response import Usage

MILLION = 1_000_000


def _model(window: int, given: float, cached: float, said: float) -> Mapping[str, JSON]:
    return {
        "context_window_tokens": window,
        "input_usd_per_million": given,
        "cached_input_usd_per_million": cached,
        "output_usd_per_million": said,
    }


# The first pattern that fits a model's name holds; a name may have its vendor and region before it.
CATALOGUE: Mapping[str, Mapping[str, JSON]] = {
    "gpt-3.5-turbo*": _model(16_385, 0.5, 0.5, 1.5),
    "gpt-4o-mini*": _model(128_000, 0.15, 0.075, 0.6),
    "gpt-4o*": _model(128_000, 2.5, 1.25, 10),
    "gpt-4.1-nano*": _model(1_047_576, 0.1, 0.025, 0.4),
    "gpt-4.1-mini*": _model(1_047_576, 0.4, 0.1, 1.6),
    "gpt-4.1*": _model(1_047_576, 2, 0.5, 8),
    "gpt-4-turbo*": _model(128_000, 10, 10, 30),
    "o3-mini*": _model(200_000, 1.1, 0.55, 4.4),
    "o4-mini*": _model(200_000, 1.1, 0.275, 4.4),
    "o3": _model(200_000, 2, 0.5, 8),
    "o3-20*": _model(200_000, 2, 0.5, 8),
    "gpt-5-nano*": _model(272_000, 0.05, 0.005, 0.4),
    "gpt-5-mini*": _model(272_000, 0.25, 0.025, 2),
    "gpt-5": _model(272_000, 1.25, 0.125, 10),
    "gpt-5-20*": _model(272_000, 1.25, 0.125, 10),
    "gpt-5.1": _model(272_000, 1.25, 0.125, 10),
    "gpt-5.2": _model(272_000, 1.75, 0.175, 14),
    "gpt-5.4-mini*": _model(272_000, 0.75, 0.075, 4.5),
    "gpt-5.4": _model(1_050_000, 2.5, 0.25, 15),
    "gpt-5.5": _model(1_050_000, 5, 0.5, 30),
    "gpt-5.6-sol": _model(922_000, 4, 0.4, 20),
    "gpt-6-sol": _model(922_000, 2, 0.2, 10),
    "gpt-6-luna": _model(922_000, 0.1, 0.01, 0.5),
    "gpt-6-astra": _model(922_000, 10, 1, 50),
    "gpt-6.1-sol": _model(922_000, 2, 0.1, 10),
    "claude-haiku-4-5*": _model(200_000, 1, 0.1, 5),
    "claude-sonnet-4-6*": _model(1_000_000, 3, 0.3, 15),
    "claude-sonnet-4-5*": _model(200_000, 3, 0.3, 15),
    "claude-opus-4-5*": _model(200_000, 5, 0.5, 25),
    "claude-opus-4-6*": _model(1_000_000, 5, 0.5, 25),
    "claude-opus-4-7*": _model(1_000_000, 5, 0.5, 25),
    "claude-sonnet-5": _model(1_000_000, 2, 0.2, 10),
    "claude-opus-5": _model(1_000_000, 5, 0.5, 25),
    "nova-micro*": _model(128_000, 0.035, 0.0088, 0.14),
    "nova-lite*": _model(300_000, 0.06, 0.015, 0.24),
    "nova-pro*": _model(300_000, 0.8, 0.2, 3.2),
    "nova-premier*": _model(1_000_000, 2.5, 0.625, 12.5),
    "nova-2-lite*": _model(1_000_000, 0.3, 0.075, 2.5),
    "gpt-oss-20b*": _model(128_000, 0.07, 0.07, 0.3),
    "gpt-oss-120b*": _model(128_000, 0.15, 0.15, 0.6),
}


@lru_cache(maxsize=1024)
def listed(model: str) -> Mapping[str, JSON]:
    """What the catalogue says of a model; nothing, if it does not know it."""
    names = [model, model.rpartition("/")[2], *_tails(model)]
    for pattern, facts in CATALOGUE.items():
        if any(fnmatchcase(name, pattern) for name in names):
            return facts
    return {}


def cost_usd(facts: ModelFacts, usage: Usage) -> float | None:
    """What a call cost at list prices; None if they are not known: unknown is not free."""
    given, said = facts.input_usd_per_million, facts.output_usd_per_million
    if given is None or said is None:
        return None
    cached = usage.input_tokens_details.cached_tokens
    read = facts.cached_input_usd_per_million
    fresh_usd = (usage.input_tokens - cached) * given
    cached_usd = cached * (given if read is None else read)
    return round((fresh_usd + cached_usd + usage.output_tokens * said) / MILLION, 8)


def _tails(model: str) -> list[str]:
    """`us.anthropic.claude-…` without its region, and without its vendor."""
    parts = model.split(".")
    return [".".join(parts[n:]) for n in (1, 2) if all(map(str.isalpha, parts[:n]))]
