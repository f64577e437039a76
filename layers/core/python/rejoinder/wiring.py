"""Settings → gateway → application: the only place that puts the parts together."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from rejoinder.announcing import Announcer
from rejoinder.background import Background, Limits
from rejoinder.conversations import Conversations
from rejoinder.floor import Floor
from rejoinder.gateway import Gateway
from rejoinder.idempotency import Idempotency
from rejoinder.providers import anthropic
from rejoinder.providers.anthropic.models import CLAUDE, UNKNOWN
from rejoinder.providers.anthropic.refusals import refusal as anthropic_refusal
from rejoinder.providers.base import ModelFacts, Provider
from rejoinder.providers.bedrock import Bedrock
from rejoinder.providers.bedrock.models import profile_of
from rejoinder.providers.bedrock.refusals import refuse as bedrock_refusal
from rejoinder.providers.bedrock.signing import ApiKey, SigV4, configured_region, endpoint_of
from rejoinder.providers.chat_completions import ChatCompletions
from rejoinder.providers.demo import Demo
from rejoinder.providers.fetching import Fetcher, Policy
from rejoinder.providers.openai import OpenAIResponses
from rejoinder.providers.openai.models import OPENAI, PLAIN_MODELS
from rejoinder.providers.openai.refusals import refusal as openai_refusal
from rejoinder.providers.refusals import refusal
from rejoinder.providers.registry import FLAVOURS, GENERIC, Changes, Registry, Service
from rejoinder.providers.upstream import Refuse, Upstream
from rejoinder.runs import Runs
from rejoinder.sealing import Sealer
from rejoinder.settings import (
    BackgroundSettings,
    ProviderSettings,
    Settings,
    SettingsError,
)
from rejoinder.storage.base import ResponseStore
from rejoinder.storage.conversations import ConversationStore
from rejoinder.storage.deliveries import DeliveryLog
from rejoinder.storage.idempotency import IdempotencyKeys
from rejoinder.storage.jobs import JobQueue
from rejoinder.turns import Turns
from rejoinder.webhooks import Webhook


def _bearer(key: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {key}"}


def _x_api_key(key: str) -> Mapping[str, str]:
    return {"x-api-key": key}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What it takes to speak one: its provider, its headers, its refusals, its models."""

    provider: Callable[[Upstream, Fetcher], Provider]
    credentials: Callable[[str], Mapping[str, str]] = _bearer
    headers: Mapping[str, str] = field(default_factory=dict)
    refuse: Refuse = refusal
    facts: ModelFacts | None = None  # those of its flavour, unless it has its own
    known: Changes = field(default_factory=dict)  # pattern of names → what differs
    models_path: str = "/models"


PROVIDERS: Mapping[str, Dialect] = {
    "anthropic": Dialect(
        lambda upstream, _: anthropic.Anthropic(upstream),
        _x_api_key,
        anthropic.HEADERS,
        anthropic_refusal,
        UNKNOWN,
        CLAUDE,
        "/models?limit=1000",
    ),
    "chat_completions": Dialect(ChatCompletions),
    "openai": Dialect(
        lambda upstream, _: OpenAIResponses(upstream),
        refuse=openai_refusal,
        facts=OPENAI,
        known=PLAIN_MODELS,
    ),
}


@dataclass(frozen=True, slots=True)
class Stores:
    """Where everything is kept: one machine's file, or the tables and queues of a cloud."""

    responses: ResponseStore
    jobs: JobQueue
    keys: IdempotencyKeys
    deliveries: DeliveryLog
    conversations: ConversationStore


# For webhooks of the operator's own network, when the settings say so.
LOCAL_TOO = Policy(schemes=frozenset({"http", "https"}), ports=None, admits=lambda _: True)


def build_gateway(
    settings: Settings,
    stores: Stores,
    transport: httpx.AsyncBaseTransport,
    sealer: Sealer,
    env: Mapping[str, str] = os.environ,
) -> Gateway:
    """The product, with a provider for each that the settings name, and the demo.

    Raises:
        SettingsError: if a key is wanted from the environment that is not there, or a route or
            alias leads nowhere.
    """
    services = [
        service_of(name, provider, transport, env) for name, provider in settings.providers.items()
    ]
    if "demo" not in settings.providers:
        services.append(Service("demo", "demo", Demo(), GENERIC, ("demo",)))
    registry = Registry(
        services,
        aliases=settings.aliases,
        routes=settings.routes,
        fallbacks=settings.fallbacks,
        facts={
            pattern: facts.model_dump(exclude_none=True)
            for pattern, facts in settings.models.items()
        },
    )
    _check_routes(settings, registry)
    store = stores.responses
    floor = Floor(stores.conversations, store)
    runs = Runs(floor.leave)
    turns = Turns(registry, store, floor, sealer, settings.retention_seconds, settings.retries)
    background = Background(
        store,
        stores.jobs,
        turns,
        runs,
        _announcer(settings, stores, transport),
        _limits(settings.background),
        floor,
    )
    return Gateway(
        registry,
        store,
        Idempotency(stores.keys, store, runs),
        turns,
        runs,
        background,
        Conversations(stores.conversations, store, floor),
        floor,
    )


def service_of(
    name: str,
    settings: ProviderSettings,
    transport: httpx.AsyncBaseTransport,
    env: Mapping[str, str],
) -> Service:
    """One provider as a service of the registry.

    Raises:
        SettingsError: if its key is missing from the environment.
    """
    facts = FLAVOURS[settings.flavour]
    if settings.dialect == "demo":
        return Service(name, "demo", Demo(), facts, settings.models)
    if settings.dialect == "bedrock":
        provider = bedrock_of(name, settings, transport, env)
        return Service(name, "bedrock", provider, facts, settings.models)
    dialect = PROVIDERS[settings.dialect]
    return Service(
        name,
        settings.dialect,
        dialect.provider(upstream_of(name, settings, transport, env), Fetcher(transport)),
        dialect.facts or facts,
        settings.models,
        known=dialect.known,
    )


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
    dialect = PROVIDERS[settings.dialect]
    credentials = dialect.credentials(key) if key else {}
    return Upstream(
        transport,
        settings.base_url,
        headers={**dialect.headers, **credentials, **settings.headers},
        timeout_seconds=settings.timeout_seconds,
        refuse=dialect.refuse,
    )


def bedrock_of(
    name: str,
    settings: ProviderSettings,
    transport: httpx.AsyncBaseTransport,
    env: Mapping[str, str],
) -> Provider:
    """The connection to Bedrock: with an API key if there is one, else with AWS credentials.

    Raises:
        SettingsError: if it is not said in which region, or its key is missing.
    """
    region = settings.region or configured_region(env, settings.aws_profile)
    if not region:
        raise SettingsError(f"Provider {name!r} wants a region: set 'region' or AWS_REGION.")
    key = _key_of(name, settings, env) or env.get("AWS_BEARER_TOKEN_BEDROCK", "")
    access = ApiKey() if key else SigV4(region, env, settings.aws_profile)
    upstream = Upstream(
        transport,
        settings.base_url or endpoint_of(region, env),
        headers={**(_bearer(key) if key else {}), **settings.headers},
        timeout_seconds=settings.timeout_seconds,
        refuse=bedrock_refusal,
        sign=access.sign,
    )
    profile = settings.inference_profile or profile_of(region)
    return Bedrock(upstream, access, Fetcher(transport), profile=profile)


def _key_of(name: str, settings: ProviderSettings, env: Mapping[str, str]) -> str:
    if not settings.api_key_env:
        return settings.api_key
    if key := env.get(settings.api_key_env, ""):
        return key
    raise SettingsError(
        f"Provider {name!r} wants its key from {settings.api_key_env}, which is not set."
    )


def _limits(settings: BackgroundSettings) -> Limits:
    return Limits(
        settings.lease_seconds,
        settings.deadline_seconds,
        settings.deadline_ends,
        settings.max_waiting,
    )


def _announcer(
    settings: Settings, stores: Stores, transport: httpx.AsyncBaseTransport
) -> Announcer:
    webhooks = settings.webhooks
    return Announcer(
        stores.responses,
        stores.jobs,
        stores.deliveries,
        {
            name: Fetcher(transport, LOCAL_TOO if each.may_be_local else Policy())
            for name, each in webhooks.items()
        },
        [
            Webhook(name, each.tenant, each.url, each.secret, each.outcomes)
            for name, each in webhooks.items()
        ],
        settings.retention_seconds,
    )


def _check_routes(settings: Settings, registry: Registry) -> None:
    for pattern, name in settings.routes.items():
        if name not in registry.services:
            known = ", ".join(registry.services)
            raise SettingsError(
                f"Route {pattern!r} leads to provider {name!r}, which is not there; known: {known}."
            )
