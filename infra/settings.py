"""The operator's settings: checked before they are deployed, and without secrets."""

from pathlib import Path

from infra.options import OptionError, Options
from rejoinder.settings import DAY_SECONDS, Settings, read_settings

DEFAULT_CONFIG = Path("rejoinder.toml")


def operator_settings(options: Options) -> tuple[Settings, str]:
    """What is set, and the text of the file that the functions will read.

    Raises:
        SettingsError: naming the file, the key and what is wrong with it.
        OptionError: if the file says what it may not in a deployment.
    """
    path = Path(options.config).expanduser() if options.config else DEFAULT_CONFIG
    settings, text = Settings(), ""
    if options.config or path.exists():
        settings, text = read_settings(path), path.read_text(encoding="utf-8")
    _refuse_secrets(path, settings)
    if options.retention_days is None:
        return settings, text
    if "retention_seconds" in settings.model_fields_set:
        raise OptionError(f"retentionDays: {path} says retention_seconds; drop one of them.")
    seconds = options.retention_days * DAY_SECONDS
    settings = settings.model_copy(update={"retention_seconds": seconds})
    return settings, f"retention_seconds = {seconds}\n{text}"


def _refuse_secrets(path: Path, settings: Settings) -> None:
    """The file becomes part of the functions' code, which many people may read."""
    for name, provider in settings.providers.items():
        if provider.api_key:
            raise OptionError(
                f"{path}: providers.{name}.api_key must not be deployed. Write api_key_env "
                "instead, and after the deployment: make provider-key NAME=<that variable>"
            )
    if settings.keys:
        raise OptionError(f"{path}: keys must not be deployed. Use `make key NAME=…` afterwards.")
