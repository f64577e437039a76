"""Which service a name leads to, and what is known of the model there."""

from dataclasses import dataclass

import pytest

from rejoinder.errors import InvalidRequest
from rejoinder.providers.anthropic.models import CLAUDE, UNKNOWN
from rejoinder.providers.base import ModelFacts, Provider, Turn
from rejoinder.providers.registry import GENERIC, Registry, Service


@dataclass(frozen=True)
class Nobody:
    def stream(self, turn: Turn) -> None:
        raise NotImplementedError


NOBODY: Provider = Nobody()  # type: ignore[assignment]


def registry(*more: Service) -> Registry:
    claude = Service("anthropic", "anthropic", NOBODY, UNKNOWN, ("claude-*",), known=CLAUDE)
    facts = {"claude-haiku-*": {"max_output_tokens": 7}}
    return Registry([claude, *more], facts=facts)


def facts_of(model: str) -> ModelFacts:
    return registry().route(f"anthropic/{model}").facts


@pytest.mark.parametrize("mark", ["/", "."])
def test_a_service_before_the_name_leads_to_it(mark: str) -> None:
    route = registry().route(f"anthropic{mark}claude-haiku-4-5")

    assert (route.provider_name, route.model) == ("anthropic", "claude-haiku-4-5")


def test_a_service_that_has_the_dotted_name_itself_comes_first() -> None:
    bedrock = Service("bedrock", "bedrock", NOBODY, GENERIC, ("anthropic.claude-*-v1:0",))

    assert registry(bedrock).route("anthropic.claude-3-haiku-v1:0").provider_name == "bedrock"
    assert registry(bedrock).route("anthropic.claude-haiku-4-5").provider_name == "anthropic"


@pytest.mark.parametrize("name", ["anthropic.", "anthropic/", ".claude-haiku-4-5", "anthropicx.a"])
def test_half_a_name_leads_nowhere(name: str) -> None:
    with pytest.raises(InvalidRequest, match="is not served here"):
        registry().route(name)


@pytest.mark.parametrize(
    ("model", "limit", "thinking", "enforces"),
    [
        ("claude-3-haiku-20240307", 4096, "none", "none"),
        ("claude-3-7-sonnet-20250219", 64_000, "budget", "none"),
        ("claude-sonnet-4-20250514", 64_000, "budget", "none"),
        ("claude-opus-4-1-20250805", 32_000, "budget", "plain"),
        ("claude-sonnet-4-5-20250929", 64_000, "budget", "plain"),
        ("claude-opus-4-6", 128_000, "adaptive", "plain"),
        ("claude-opus-5-5", 128_000, "adaptive", "plain"),
        ("claude-saga-7", 128_000, "adaptive", "plain"),
        ("somebody-elses-model", 4096, "none", "none"),
    ],
)
def test_facts_come_from_the_most_special_row(
    model: str, limit: int, thinking: str, enforces: str
) -> None:
    facts = facts_of(model)

    assert (facts.max_output_tokens, facts.thinking) == (limit, thinking)
    assert facts.enforces_schemas == enforces


def test_the_settings_have_the_last_word() -> None:
    assert facts_of("claude-haiku-4-5").max_output_tokens == 7


def test_the_same_facts_hold_for_the_names_that_clouds_give() -> None:
    assert facts_of("us.anthropic.claude-opus-4-6-v1:0") == facts_of("claude-opus-4-6")
