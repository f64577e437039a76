"""From a provider's settings to its service.

What the registry must know of a dialect is data, which is here at once; the code that speaks it
is loaded when somebody is asked, for a process that only reads never asks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from rejoinder.providers.anthropic.models import CLAUDE, UNKNOWN
from rejoinder.providers.base import ModelFacts, Provider
from rejoinder.providers.bedrock.signing import ApiKey, SigV4, configured_region, endpoint_of
from rejoinder.providers.deferred import Deferred
from rejoinder.providers.openai.models import OPENAI, PLAIN_MODELS
from rejoinder.providers.refusals import error_for_status
from rejoinder.providers.registry import FLAVOURS, Changes, Registry, Service
from rejoinder.providers.upstream import ErrorFor, Upstream
from rejoinder.settings import ProviderSettings, SettingsError

if TYPE_CHECKING:
    from rejoinder.providers.fetching import Fetcher


def _bearer(key: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {key}"}


def _x_api_key(key: str) -> Mapping[str, str]:
    return {"x-api-key": key}


@dataclass(frozen=True, slots=True)
class Spoken:
    """The code of a dialect: its provider, its refusals, its headers."""

    provider: "Callable[[Upstream, Fetcher], Provider]"
    error_for: ErrorFor = error_for_status
    headers: Mapping[str, str] = field(default_factory=dict)


def _anthropic() -> Spoken:
    from rejoinder.providers.anthropic.provider import HEADERS, Anthropic
    from rejoinder.providers.anthropic.refusals import error_for_status

    return Spoken(lambda upstream, _: Anthropic(upstream), error_for_status, HEADERS)


def _chat_completions() -> Spoken:
    from rejoinder.providers.chat_completions.provider import ChatCompletions

    return Spoken(ChatCompletions)


def _openai() -> Spoken:
    from rejoinder.providers.openai.provider import OpenAIResponses
    from rejoinder.providers.openai.refusals import error_for_status

    return Spoken(lambda upstream, _: OpenAIResponses(upstream), error_for_status)


def _demo() -> Provider:
    from rejoinder.providers.demo.provider import Demo

    return Demo()


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is known of one before it is spoken: how to load it, who we are, its models."""

    load: Callable[[], Spoken]
    credentials: Callable[[str], Mapping[str, str]] = _bearer
    facts: ModelFacts | None = None  # those of its flavour, unless it has its own
    known: Changes = field(default_factory=dict)  # pattern of names → what differs
    models_path: str = "/models"


DIALECTS: Mapping[str, Dialect] = {
    "anthropic": Dialect(_anthropic, _x_api_key, UNKNOWN, CLAUDE, "/models?limit=1000"),
    "chat_completions": Dialect(_chat_completions),
    "openai": Dialect(_openai, facts=OPENAI, known=PLAIN_MODELS),
}


def service_of(
    name: str,
    settings: ProviderSettings,
    transport: httpx.AsyncBaseTransport,
    env: Mapping[str, str],
) -> Service:
    """One provider as a service of the registry.

    Raises:
        SettingsError: if its key, or the region of Bedrock, is missing from the environment.
    """
    facts, patterns = FLAVOURS[settings.flavour], settings.models
    if settings.dialect == "demo":
        return Service(name, "demo", Deferred(_demo), facts, patterns)
    if settings.dialect == "bedrock":
        return Service(name, "bedrock", _bedrock(name, settings, transport, env), facts, patterns)
    dialect = DIALECTS[settings.dialect]
    _key_of(name, settings, env)  # what is missing is told before anybody is asked
    return Service(
        name,
        settings.dialect,
        Deferred(lambda: _loaded(name, settings, transport, env)),
        dialect.facts or facts,
        patterns,
        known=dialect.known,
    )


def _loaded(
    name: str,
    settings: ProviderSettings,
    transport: httpx.AsyncBaseTransport,
    env: Mapping[str, str],
) -> Provider:
    from rejoinder.providers.fetching import Fetcher

    upstream = upstream_of(name, settings, transport, env)
    return DIALECTS[settings.dialect].load().provider(upstream, Fetcher(transport))


def upstream_of(
    name: str,
    settings: ProviderSettings,
    transport: httpx.AsyncBaseTransport,
    env: Mapping[str, str],
) -> Upstream:
    """The connection to one provider's server.

    Raises:
        SettingsError: if its key is missing from the environment.
    """
    key = _key_of(name, settings, env)
    dialect = DIALECTS[settings.dialect]
    credentials = dialect.credentials(key) if key else {}
    spoken = dialect.load()
    return Upstream(
        transport,
        settings.base_url,
        headers={**spoken.headers, **credentials, **settings.headers},
        timeout_seconds=settings.timeout_seconds,
        error_for=spoken.error_for,
    )


def load_all(registry: Registry) -> None:
    """Load every dialect that is spoken here, so that no request waits for it."""
    for service in registry.services.values():
        if isinstance(service.provider, Deferred):
            _ = service.provider.loaded


def region_of(settings: ProviderSettings, env: Mapping[str, str]) -> str | None:
    """Where Bedrock is asked, if anybody says so."""
    return settings.region or configured_region(env, settings.aws_profile)


def _bedrock(
    name: str,
    settings: ProviderSettings,
    transport: httpx.AsyncBaseTransport,
    env: Mapping[str, str],
) -> Deferred:
    """The connection to Bedrock: with an API key if there is one, else with AWS credentials."""
    region = region_of(settings, env)
    if not region:
        raise SettingsError(f"Provider {name!r} wants a region: set 'region' or AWS_REGION.")
    key = _key_of(name, settings, env) or env.get("AWS_BEARER_TOKEN_BEDROCK", "")
    access = ApiKey() if key else SigV4(region, env, settings.aws_profile)

    def load() -> Provider:
        from rejoinder.providers.bedrock.models import profile_of
        from rejoinder.providers.bedrock.provider import Bedrock
        from rejoinder.providers.bedrock.refusals import error_for_status
        from rejoinder.providers.fetching import Fetcher

        upstream = Upstream(
            transport,
            settings.base_url or endpoint_of(region, env),
            headers={**(_bearer(key) if key else {}), **settings.headers},
            timeout_seconds=settings.timeout_seconds,
            error_for=error_for_status,
            sign=access.sign,
        )
        profile = settings.inference_profile or profile_of(region)
        return Bedrock(upstream, access, Fetcher(transport), profile=profile)

    return Deferred(load)


def _key_of(name: str, settings: ProviderSettings, env: Mapping[str, str]) -> str:
    if not settings.api_key_env:
        return settings.api_key
    if key := env.get(settings.api_key_env, ""):
        return key
    raise SettingsError(
        f"Provider {name!r} wants its key from {settings.api_key_env}, which is not set."
    )
