"""Settings → gateway → application: the only place that puts the parts together."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from rejoinder.announcing import Announcer
from rejoinder.background import Background
from rejoinder.conversation_locks import ConversationLocks
from rejoinder.conversations import Conversations
from rejoinder.dialects import service_of
from rejoinder.gateway import Gateway
from rejoinder.idempotency import Idempotency
from rejoinder.providers.fetching import Fetcher, Policy
from rejoinder.providers.registry import Registry
from rejoinder.runs import Runs
from rejoinder.sealing import Sealer
from rejoinder.settings import (
    DEMO,
    BackgroundSettings,
    Settings,
    SettingsError,
    WebhookSettings,
)
from rejoinder.storage.base import ResponseStore
from rejoinder.storage.conversations import ConversationStore
from rejoinder.storage.deliveries import DeliveryLog
from rejoinder.storage.idempotency import IdempotencyKeys
from rejoinder.storage.jobs import JobQueue
from rejoinder.supervising import Limits
from rejoinder.turns import Turns
from rejoinder.webhooks import MIN_SECRET_LENGTH, Webhook


@dataclass(frozen=True, slots=True)
class Stores:
    """Where everything is kept: one machine's file, or the tables and queues of a cloud.

    `reserved_seconds`: for how long who sends an idempotency key again waits for another
    process, which may be asking its upstream; 0 where there is none.
    """

    responses: ResponseStore
    jobs: JobQueue
    keys: IdempotencyKeys
    deliveries: DeliveryLog
    conversations: ConversationStore
    reserved_seconds: float = 0.0


# For webhooks of the operator's own network, when the settings say so.
LOCAL_TOO = Policy(schemes=frozenset({"http", "https"}), ports=None, admits=lambda _: True)


def build_gateway(
    settings: Settings,
    stores: Stores,
    transport: httpx.AsyncBaseTransport,
    sealer: Sealer,
    env: Mapping[str, str] = os.environ,
    runs: Runs | None = None,
) -> Gateway:
    """The product, with a provider for each that the settings name, and the demo.

    `runs`: those of an earlier gateway of this process, which this one takes the place of.

    Raises:
        SettingsError: if a key or secret is wanted from the environment that is not there.
    """
    services = [
        service_of(name, provider, transport, env) for name, provider in settings.providers.items()
    ]
    if "demo" not in settings.providers:
        services.append(service_of("demo", DEMO, transport, env))
    registry = Registry(
        services,
        aliases=settings.aliases,
        routes=settings.routes,
        fallbacks=settings.fallbacks,
        facts={pattern: facts.said() for pattern, facts in settings.models.items()},
    )
    store = stores.responses
    locks = ConversationLocks(stores.conversations, store)
    runs = runs or Runs(locks.finish)
    turns = Turns(
        registry,
        store,
        locks,
        sealer,
        settings.retention_seconds,
        settings.retries,
        settings.patience_seconds,
    )
    background = Background(
        store,
        stores.jobs,
        turns,
        runs,
        _announcer(settings, stores, transport, env),
        _limits(settings.background),
        locks,
    )
    return Gateway(
        registry,
        store,
        Idempotency(stores.keys, store, runs, stores.reserved_seconds),
        turns,
        runs,
        background,
        Conversations(stores.conversations, store, locks),
        locks,
    )


def _limits(settings: BackgroundSettings) -> Limits:
    return Limits(
        settings.lease_seconds,
        settings.deadline_seconds,
        settings.deadline_ends,
        settings.max_waiting,
    )


def _announcer(
    settings: Settings,
    stores: Stores,
    transport: httpx.AsyncBaseTransport,
    env: Mapping[str, str],
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
            Webhook(name, each.tenant, each.url, _secret_of(name, each, env), each.outcomes)
            for name, each in webhooks.items()
        ],
        settings.retention_seconds,
    )


def _secret_of(name: str, settings: WebhookSettings, env: Mapping[str, str]) -> str:
    if not (variable := settings.secret_env):
        return settings.secret
    if not (secret := env.get(variable, "")):
        raise SettingsError(f"Webhook {name!r} wants its secret from {variable}, which is not set.")
    if len(secret) < MIN_SECRET_LENGTH:
        raise SettingsError(
            f"{variable}, the secret of webhook {name!r}, must have at least "
            f"{MIN_SECRET_LENGTH} characters."
        )
    return secret
