"""The hosted services that a key in the environment switches on, without any settings."""

from collections.abc import Mapping
from copy import replace

from rejoinder.providers.bedrock import models as bedrock
from rejoinder.settings import ProviderSettings, SettingsError

# Hosted services: the variable with the key → name, address. All but Anthropic's are
# OpenAI-compatible; source: each service's own "OpenAI compatibility" page.
KNOWN_SERVICES: Mapping[str, tuple[str, str]] = {
    "OPENAI_API_KEY": ("openai", "https://api.openai.com/v1"),
    "OPENROUTER_API_KEY": ("openrouter", "https://openrouter.ai/api/v1"),
    "GROQ_API_KEY": ("groq", "https://api.groq.com/openai/v1"),
    "MISTRAL_API_KEY": ("mistral", "https://api.mistral.ai/v1"),
    "DEEPSEEK_API_KEY": ("deepseek", "https://api.deepseek.com/v1"),
    "TOGETHER_API_KEY": ("together", "https://api.together.xyz/v1"),
    "XAI_API_KEY": ("xai", "https://api.x.ai/v1"),
    "FIREWORKS_API_KEY": ("fireworks", "https://api.fireworks.ai/inference/v1"),
    "CEREBRAS_API_KEY": ("cerebras", "https://api.cerebras.ai/v1"),
    "ANTHROPIC_API_KEY": ("anthropic", "https://api.anthropic.com/v1"),
}
SPECIAL: Mapping[str, ProviderSettings] = {
    "openai": ProviderSettings(
        dialect="openai",
        base_url=KNOWN_SERVICES["OPENAI_API_KEY"][1],
        models=("gpt-*", "o1*", "o3*", "o4*", "chatgpt-*", "ft:gpt-*"),
        flavour="openai",
    ),
    "anthropic": ProviderSettings(
        dialect="anthropic",
        base_url=KNOWN_SERVICES["ANTHROPIC_API_KEY"][1],
        models=("claude-*",),
    ),
}
BEDROCK = ProviderSettings(dialect="bedrock", models=(*bedrock.MODELS, *bedrock.PATTERNS))

# What says that there are AWS credentials; with a region, they switch Bedrock on.
AWS_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def known_services() -> dict[str, ProviderSettings]:
    """Every hosted service that a key or credentials could switch on, whether they are there."""
    named = {
        name: SPECIAL.get(name, ProviderSettings(base_url=base_url))
        for name, base_url in KNOWN_SERVICES.values()
    }
    return {**named, "bedrock": BEDROCK}


def found_services(env: Mapping[str, str]) -> dict[str, ProviderSettings]:
    """The hosted services whose key is in the environment.

    Raises:
        SettingsError: if the environment says of one that it is elsewhere, and not where.
    """
    known = known_services()
    found: dict[str, ProviderSettings] = {}
    for variable, (name, base_url) in KNOWN_SERVICES.items():
        if env.get(variable):
            address = _address(env, name) or base_url
            found[name] = replace(known[name], base_url=address, api_key_env=variable)
    if _has_aws(env):
        found["bedrock"] = BEDROCK
    return found


def _has_aws(env: Mapping[str, str]) -> bool:
    """Whether Bedrock can be asked; whether it lets us is seen when it is asked."""
    if env.get("REJOINDER_BEDROCK") == "off":
        return False
    has_region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
    return bool(has_region) and any(env.get(name) for name in AWS_CREDENTIALS)


def _address(env: Mapping[str, str], name: str) -> str | None:
    """Where else a service is: the variable of its own SDK. Anthropic's has no /v1."""
    variable = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL"}.get(name, "")
    address = env.get(variable)
    if not address:
        return None
    if not address.startswith(("http://", "https://")):
        raise SettingsError(f"{variable} must be an http:// or https:// address.")
    return f"{address.rstrip('/').removesuffix('/v1')}/v1" if name == "anthropic" else address
