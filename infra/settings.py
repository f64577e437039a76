"""The operator's settings: checked before they are deployed, and without secrets."""

import tomllib
from pathlib import Path

from infra.options import OptionError, Options
from rejoinder.destinations import check_destinations
from rejoinder.services import known_services
from rejoinder.settings import DAY_SECONDS, DEMO, ProviderSettings, Settings, read_settings

DEFAULT_CONFIG = Path("rejoinder.toml")


def operator_settings(options: Options) -> tuple[Settings, str]:
    """What is set, and the text of the file that the functions will read.

    Raises:
        SettingsError: naming the file, the key and what is wrong with it.
        OptionError: if the file says what it may not in a deployment.
    """
    path = Path(options.config).expanduser() if options.config else DEFAULT_CONFIG
    file = path if options.config or path.exists() else None
    days = options.retention_days
    asked = {} if days is None else {"retention_seconds": days * DAY_SECONDS}
    settings = read_settings(file, **asked)
    _refuse_secrets(path, settings)
    check_destinations(settings, _providers(options, settings), file=path)
    text = file.read_text(encoding="utf-8") if file else ""
    if asked and "retention_seconds" in tomllib.loads(text):
        raise OptionError(f"retentionDays: {path} says retention_seconds; drop one of them.")
    return settings, "".join(f"{key} = {value}\n" for key, value in asked.items()) + text


def _providers(options: Options, settings: Settings) -> dict[str, ProviderSettings]:
    """All that the functions may ask once their keys are stored; they ask nobody for a list."""
    hosted = known_services()
    if not options.bedrock:
        del hosted["bedrock"]
    return {"demo": DEMO, **settings.providers, **hosted, **settings.providers}


def _refuse_secrets(path: Path, settings: Settings) -> None:
    """The file becomes part of the functions' code, which many people may read."""
    for name, provider in settings.providers.items():
        if provider.api_key:
            raise OptionError(
                f"{path}: providers.{name}.api_key must not be deployed. Write api_key_env "
                "instead, and after the deployment: make provider-key NAME=<that variable>"
            )
    for name, webhook in settings.webhooks.items():
        if webhook.secret:
            raise OptionError(
                f"{path}: webhooks.{name}.secret must not be deployed. Write secret_env "
                "instead, and after the deployment: make provider-key NAME=<that variable>"
            )
    if settings.keys:
        raise OptionError(f"{path}: keys must not be deployed. Use `make key NAME=…` afterwards.")
