"""Where the local server finds its settings: a TOML file, and what the environment offers."""

import os
import re
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Self

from rejoinder.sealing import KEY_BYTES
from rejoinder.services import found_services, known_services
from rejoinder.settings import (
    DEMO,
    ProviderSettings,
    Settings,
    SettingsError,
    examined,
    refuse,
)
from rejoinder_local.examining import impossible

DEFAULT_PORT, MAX_PORT = 8787, 65535
DEFAULT_DATA = Path(".rejoinder")
DEFAULT_CONFIG = Path("rejoinder.toml")

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

    def without(self, url: str) -> "Config":
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
        settings, mistakes = examined(path)
        found = {**found_services(env), **settings.providers}
        servers = found_servers(env)
        possible = {"demo": DEMO, **settings.providers, **servers, **known_services(), **found}
        dev_key = _dev_key(env, data / "dev_key")
        refuse(path, [*mistakes, *impossible(settings, possible, env, dev_key=dev_key)])
        return cls(
            port=_port(env),
            data=data,
            settings=replace(settings, providers=found),
            config_path=path,
            dev_key=dev_key,
            seal_key=_seal_key(data / "seal_key"),
            candidates={name: provider for name, provider in servers.items() if name not in found},
        )


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
    if not text.isdecimal() or not 0 <= int(text) <= MAX_PORT:
        raise SettingsError(f"PORT must be a number from 0 to {MAX_PORT}; got {text!r}.")
    return int(text)


def _dev_key(env: Mapping[str, str], path: Path) -> str:
    given = env.get("DEV_KEY")
    key = given or _kept(path, f"sk-dev-{token_urlsafe(24)}")
    if not re.fullmatch("[!-~]+", key):
        where = "DEV_KEY" if given else f"The key in {path}"
        say = "write letters, digits and signs of ASCII, and no blanks"
        raise SettingsError(f"{where} cannot be sent in a header: {say}.")
    return key


def _seal_key(path: Path) -> bytes:
    text = _kept(path, token_hex(KEY_BYTES))
    if not re.fullmatch(f"[0-9a-f]{{{2 * KEY_BYTES}}}", text):
        raise SettingsError(f"{path} is damaged; restore it, or delete it to get a new one.")
    return bytes.fromhex(text)


def _kept(path: Path, new: str) -> str:
    """A secret of this machine: made once, readable by its owner only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (path.exists() and path.read_text().strip()):  # empty: a start was cut off
            path.touch(mode=0o600)
            path.write_text(f"{new}\n")
        return path.read_text().strip()
    except OSError as error:
        raise SettingsError(f"{error.filename} cannot be used: {error.strerror}.") from error
