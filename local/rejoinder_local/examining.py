"""What of the settings cannot be on this machine: told all at once, at the start."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from rejoinder.destinations import dead_ends
from rejoinder.dialects import region_of
from rejoinder.mistakes import written
from rejoinder.settings import ProviderSettings, Settings
from rejoinder.webhooks import MIN_SECRET_LENGTH

DEV = "dev"  # the tenant of the key that is printed at the start


def impossible(
    settings: Settings,
    providers: Mapping[str, ProviderSettings],
    env: Mapping[str, str],
    *,
    dev_key: str,
) -> Iterator[str]:
    """Names that lead nowhere, variables that are not set, and keys that two tenants have.

    `providers`: all that are there, or may be soon.
    """
    yield from _unset(settings, env)
    yield from _twins(settings, dev_key)
    yield from dead_ends(settings, providers, may_learn=True)


def unheard_webhooks(settings: Settings) -> Iterator[str]:
    """Webhooks that nobody can cause to be called: their tenant has no key on this machine."""
    tenants = [DEV, *settings.keys]
    for name, webhook in settings.webhooks.items():
        if webhook.tenant not in tenants:
            near = get_close_matches(webhook.tenant, tenants, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(tenants)}"
            yield f"{written(('webhooks', name))}: tenant {webhook.tenant} has no key; {hint}"


def _unset(settings: Settings, env: Mapping[str, str]) -> Iterator[str]:
    for name, provider in settings.providers.items():
        at = ("providers", name)
        if provider.api_key_env and not env.get(provider.api_key_env):
            yield f"{written((*at, 'api_key_env'))} names {provider.api_key_env}, which is not set."
        if provider.dialect == "bedrock" and not region_of(provider, env):
            yield f"{written((*at, 'region'))} is missing; write it, or set AWS_REGION."
    for name, webhook in settings.webhooks.items():
        if (variable := webhook.secret_env) and len(env.get(variable, "")) < MIN_SECRET_LENGTH:
            say = (
                f"has fewer than {MIN_SECRET_LENGTH} characters"
                if env.get(variable)
                else ("is not set")
            )
            yield f"{written(('webhooks', name, 'secret_env'))} names {variable}, which {say}."


def _twins(settings: Settings, dev_key: str) -> Iterator[str]:
    owners = {dev_key: "the development key"}
    for tenant, key in settings.keys.items():
        place = written(("keys", tenant))
        if key in owners:
            yield f"{place} is {owners[key]}, too; every tenant needs its own."
        owners.setdefault(key, place)
