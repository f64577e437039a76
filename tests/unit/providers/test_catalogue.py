import pytest

from rejoinder.providers.base import ModelFacts
from rejoinder.providers.catalogue import cost_usd, listed
from rejoinder.schema.response import InputTokensDetails, Usage


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("gpt-4o-2024-11-20", 128_000),
        ("claude-haiku-4-5-20251001", 200_000),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", 200_000),
        ("us.anthropic.claude-opus-4-6-v1", 1_000_000),
        ("eu.amazon.nova-pro-v1:0", 300_000),
        ("openai/gpt-oss-120b", 128_000),
        ("gpt-4.1-mini", 1_047_576),
    ],
)
def test_a_model_is_known_by_any_of_its_names(name: str, window: int) -> None:
    assert listed(name)["context_window_tokens"] == window


@pytest.mark.parametrize("name", ["qwen3", "gpt-4", "my.own.model", "", "o3-pro"])
def test_of_an_unknown_model_nothing_is_claimed(name: str) -> None:
    assert listed(name) == {}


def test_cached_tokens_cost_what_the_cache_costs() -> None:
    facts = ModelFacts(
        input_usd_per_million=2.0, cached_input_usd_per_million=0.5, output_usd_per_million=8.0
    )
    usage = Usage(1_000_000, InputTokensDetails(cached_tokens=400_000), 100_000)

    assert cost_usd(facts, usage) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.1 * 8)


def test_an_unknown_price_is_not_zero() -> None:
    assert cost_usd(ModelFacts(), Usage(10, InputTokensDetails(), 10)) is None
