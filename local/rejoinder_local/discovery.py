"""Which servers are there, and which models they serve: asked at the start, never waited for."""

import asyncio
from collections.abc import Mapping

import httpx
from msgspec import DecodeError
from msgspec.json import decode

from rejoinder.errors import GatewayError
from rejoinder.providers.registry import Registry
from rejoinder.providers.upstream import Upstream
from rejoinder.settings import ProviderSettings
from rejoinder.wiring import PROVIDERS, service_of, upstream_of

LOCAL_SECONDS = 1.0
REMOTE_SECONDS = 4.0


async def discover(
    registry: Registry,
    configured: Mapping[str, ProviderSettings],
    candidates: Mapping[str, ProviderSettings],
    transport: httpx.AsyncBaseTransport,
    env: Mapping[str, str],
    *,
    own_url: str,
) -> dict[str, str]:
    """Teach the registry the models of each server; gives the silent ones with the reason.

    A candidate that does not answer is simply not there; a configured server stays usable.
    """
    candidates = {
        name: provider
        for name, provider in candidates.items()
        if not provider.base_url.startswith(own_url)
    }
    asked = {**configured, **candidates}
    upstreams = {
        name: upstream_of(name, provider, transport, env)
        for name, provider in asked.items()
        if provider.dialect in PROVIDERS  # the others have no list to ask for
    }
    answers = await asyncio.gather(
        *(
            _models(
                upstream,
                PROVIDERS[asked[name].dialect].models_path,
                LOCAL_SECONDS if name in candidates else REMOTE_SECONDS,
            )
            for name, upstream in upstreams.items()
        )
    )
    silent: dict[str, str] = {}
    for name, models in zip(upstreams, answers, strict=True):
        if isinstance(models, str):
            if name in configured:
                silent[name] = models
            continue
        if name in candidates:
            registry.services[name] = service_of(name, candidates[name], transport, env)
        registry.services[name].models = models
    return silent


async def _models(upstream: Upstream, path: str, seconds: float) -> list[str] | str:
    """The names of the models, or why they are not known."""
    try:
        async with asyncio.timeout(seconds):
            listing = decode(await upstream.get(path))
        return [str(model["id"]) for model in listing["data"] or ()]
    except TimeoutError:
        return f"no answer within {seconds:.0f} s"
    except GatewayError as error:
        return error.message
    except (DecodeError, KeyError, TypeError):
        return "its list of models is not in OpenAI's form"
