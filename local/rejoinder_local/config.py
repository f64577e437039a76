"""Where the local server finds its settings: a TOML file, and what the environment offers."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Self

from pydantic import ValidationError

from rejoinder.providers.bedrock import models as bedrock
from rejoinder.sealing import KEY_BYTES
from rejoinder.settings import ProviderSettings, Settings, SettingsError

DEFAULT_PORT = 8787
DEFAULT_DATA = Path(".rejoinder")
DEFAULT_CONFIG = Path("rejoinder.toml")

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

# What says that there are AWS credentials; with a region, they switch Bedrock on.
AWS_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)

# Servers on this machine, asked at each start: name → address.
LOCAL_SERVERS: Mapping[str, str] = {
    "ollama": "http://127.0.0.1:11434/v1",
    "lmstudio": "http://127.0.0.1:1234/v1",
    "vllm": "http://127.0.0.1:8000/v1",
    "llamacpp": "http://127.0.0.1:8080/v1",
}


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a start of the local server needs to know."""

    port: int
    data: Path
    settings: Settings
    config_path: Path | None
    dev_key: str
    seal_key: bytes
    candidates: Mapping[str, ProviderSettings]  # local servers that may be there

    def without(self, url: str) -> Self:
        """The same, except that we do not take ourselves for a model server."""
        others = {
            name: provider
            for name, provider in self.candidates.items()
            if not provider.base_url.startswith(url)
        }
        return replace(self, candidates=others)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """Read PORT, DATA, CONFIG and DEV_KEY, the file and the keys.

        Raises:
            SettingsError: naming what is wrong and where.
        """
        data = Path(env.get("DATA") or DEFAULT_DATA).expanduser().resolve()
        path = _config_path(env)
        settings = read_settings(path) if path else Settings()
        found = {**found_services(env), **settings.providers}
        return cls(
            port=_port(env),
            data=data,
            settings=settings.model_copy(update={"providers": found}),
            config_path=path,
            dev_key=env.get("DEV_KEY") or _kept(data / "dev_key", f"sk-dev-{token_urlsafe(24)}"),
            seal_key=_seal_key(data / "seal_key"),
            candidates={
                name: provider for name, provider in found_servers(env).items() if name not in found
            },
        )


def read_settings(path: Path) -> Settings:
    """The settings in a file.

    Raises:
        SettingsError: naming the file, the key and what is wrong with it.
    """
    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(key) for key in first["loc"]) or "the file"
        raise SettingsError(f"{path}: {place}: {first['msg']}.") from error


def found_services(env: Mapping[str, str]) -> dict[str, ProviderSettings]:
    """The hosted services whose key is in the environment."""
    found: dict[str, ProviderSettings] = {}
    for variable, (name, base_url) in KNOWN_SERVICES.items():
        if env.get(variable):
            known = SPECIAL.get(name, ProviderSettings(base_url=base_url))
            address = _address(env, name) or base_url
            found[name] = known.model_copy(update={"base_url": address, "api_key_env": variable})
    if _has_aws(env):
        models = (*bedrock.MODELS, *bedrock.PATTERNS)
        found["bedrock"] = ProviderSettings(dialect="bedrock", models=models)
    return found


def _has_aws(env: Mapping[str, str]) -> bool:
    """Whether Bedrock can be asked; whether it lets us is seen when it is asked."""
    has_region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
    return bool(has_region) and any(env.get(name) for name in AWS_CREDENTIALS)


def _address(env: Mapping[str, str], name: str) -> str | None:
    """Where else a service is: the variable of its own SDK. Anthropic's has no /v1."""
    if name == "openai":
        return env.get("OPENAI_BASE_URL")
    if name == "anthropic" and (root := env.get("ANTHROPIC_BASE_URL")):
        return f"{root.rstrip('/').removesuffix('/v1')}/v1"
    return None


def found_servers(env: Mapping[str, str]) -> dict[str, ProviderSettings]:
    """The servers that may run on this machine, Ollama's where OLLAMA_HOST says."""
    addresses = dict(LOCAL_SERVERS)
    if host := env.get("OLLAMA_HOST"):
        address = host if "://" in host else f"http://{host}"
        addresses["ollama"] = f"{address.replace('0.0.0.0', '127.0.0.1').rstrip('/')}/v1"
    return {
        name: ProviderSettings(base_url=url, flavour="local") for name, url in addresses.items()
    }


def _config_path(env: Mapping[str, str]) -> Path | None:
    if named := env.get("CONFIG"):
        return Path(named).expanduser()
    return DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None


def _port(env: Mapping[str, str]) -> int:
    text = env.get("PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 0 <= int(text) < 65536:
        raise SettingsError(f"PORT must be a number from 0 to 65535; got {text!r}.")
    return int(text)


def _seal_key(path: Path) -> bytes:
    text = _kept(path, token_hex(KEY_BYTES))
    if not re.fullmatch(f"[0-9a-f]{{{2 * KEY_BYTES}}}", text):
        raise SettingsError(f"{path} is damaged; restore it, or delete it to get a new one.")
    return bytes.fromhex(text)


def _kept(path: Path, new: str) -> str:
    """A secret of this machine: made once, readable by its owner only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (path.exists() and path.read_text().strip()):  # empty: a start was cut off
            path.touch(mode=0o600)
            path.write_text(f"{new}\n")
        return path.read_text().strip()
    except OSError as error:
        raise SettingsError(f"{error.filename} cannot be used: {error.strerror}.") from error
