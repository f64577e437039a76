"""Which servers are there, and which models they serve: asked at the start, never waited for."""

import asyncio
from collections.abc import Mapping

import httpx
from msgspec import DecodeError
from msgspec.json import decode

from rejoinder.dialects import DIALECTS, service_of, upstream_of
from rejoinder.errors import GatewayError
from rejoinder.providers.misaddressed import Misaddressed
from rejoinder.providers.registry import Registry
from rejoinder.providers.upstream import Upstream
from rejoinder.settings import ProviderSettings

LOCAL_SECONDS = 1.0
REMOTE_SECONDS = 4.0


def expect(
    registry: Registry,
    candidates: Mapping[str, ProviderSettings],
    transport: httpx.AsyncBaseTransport,
    env: Mapping[str, str],
) -> None:
    """Let the servers that may run on this machine be asked by `NAME/MODEL`, running or not yet."""
    for name, provider in candidates.items():
        registry.services[name] = service_of(name, provider, transport, env)


async def discover(
    registry: Registry,
    asked: Mapping[str, ProviderSettings],
    transport: httpx.AsyncBaseTransport,
    env: Mapping[str, str],
    *,
    seconds: float,
) -> dict[str, str]:
    """Teach the registry the models of each server, as it answers; gives why others did not."""
    listing = {
        name: provider
        for name, provider in asked.items()
        if provider.dialect in DIALECTS  # the others have no list to ask for
    }

    async def ask(name: str, provider: ProviderSettings) -> str:
        upstream = upstream_of(name, provider, transport, env)
        answer = await _models(upstream, DIALECTS[provider.dialect].models_path, seconds)
        if isinstance(answer, str):
            return answer
        registry.services[name].learn(answer)
        return ""

    reasons = await asyncio.gather(*(ask(name, each) for name, each in listing.items()))
    return {name: why for name, why in zip(listing, reasons, strict=True) if why}


async def _models(upstream: Upstream, path: str, seconds: float) -> list[str] | str:
    """The names of the models, or why they are not known."""
    try:
        async with asyncio.timeout(seconds):
            listing = decode(await upstream.get(path))
        return [str(model["id"]) for model in listing["data"] or ()]
    except TimeoutError:
        return f"no answer within {seconds:.0f} s"
    except Misaddressed as error:
        return error.why
    except GatewayError as error:
        return error.message
    except (DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return "its list of models is not in OpenAI's form"
