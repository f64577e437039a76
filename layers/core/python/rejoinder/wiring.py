"""Settings → gateway → application: the only place that puts the parts together."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from rejoinder.announcing import Announcer
from rejoinder.background import Background, Limits
from rejoinder.gateway import Gateway
from rejoinder.idempotency import Idempotency
from rejoinder.providers.base import Provider
from rejoinder.providers.chat_completions import ChatCompletions
from rejoinder.providers.demo import Demo
from rejoinder.providers.fetching import Fetcher, Policy
from rejoinder.providers.registry import FLAVOURS, GENERIC, Registry, Service
from rejoinder.providers.upstream import Upstream
from rejoinder.runs import Runs
from rejoinder.sealing import Sealer
from rejoinder.settings import (
    BackgroundSettings,
    ProviderSettings,
    Settings,
    SettingsError,
)
from rejoinder.storage.base import ResponseStore
from rejoinder.storage.deliveries import DeliveryLog
from rejoinder.storage.idempotency import IdempotencyKeys
from rejoinder.storage.jobs import JobQueue
from rejoinder.turns import Turns
from rejoinder.webhooks import Webhook

PROVIDERS: Mapping[str, Callable[[Upstream], Provider]] = {
    "chat_completions": ChatCompletions,
}


@dataclass(frozen=True, slots=True)
class Stores:
    """Where everything is kept: one machine's file, or the tables and queues of a cloud."""

    responses: ResponseStore
    jobs: JobQueue
    keys: IdempotencyKeys
    deliveries: DeliveryLog


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
    store, runs = stores.responses, Runs()
    turns = Turns(registry, store, sealer, settings.retention_seconds, settings.retries)
    background = Background(
        store,
        stores.jobs,
        turns,
        runs,
        _announcer(settings, stores, transport),
        _limits(settings.background),
    )
    idempotency = Idempotency(stores.keys, store, runs)
    return Gateway(registry, store, idempotency, turns, runs, background)


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
    provider: Provider
    if settings.dialect == "demo":
        provider = Demo()
    else:
        provider = PROVIDERS[settings.dialect](upstream_of(name, settings, transport, env))
    return Service(name, settings.dialect, provider, FLAVOURS[settings.flavour], settings.models)


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
    key = settings.api_key
    if settings.api_key_env:
        key = env.get(settings.api_key_env, "")
        if not key:
            raise SettingsError(
                f"Provider {name!r} wants its key from {settings.api_key_env}, which is not set."
            )
    bearer = {"authorization": f"Bearer {key}"} if key else {}
    return Upstream(
        transport,
        settings.base_url,
        headers=bearer | settings.headers,
        timeout_seconds=settings.timeout_seconds,
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
