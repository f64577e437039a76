"""What a person at a terminal sees: the banner, the log lines, colours where there are any."""

import logging
import os
import sys
from collections.abc import Mapping
from typing import Final

from rejoinder.providers.registry import Registry
from rejoinder.schema.items import JSON
from rejoinder_local.config import Config
from rejoinder_local.examining import unheard_webhooks

MODELS_SHOWN = 6
SHOWN = ("provider", "reason", "request_id", "response_id", "webhook", "outcome", "kind", "attempt")
OK = "ok"  # what the outcome of a call is called that went well

CODES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def has_colours() -> bool:
    """Whether standard output is a terminal that wants them (see no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def painted(text: str, colour: str) -> str:
    """The text in a colour, where there are colours."""
    return f"\x1b[{CODES[colour]}m{text}\x1b[0m" if has_colours() else text


def say(text: str = "", *, to_stderr: bool = False) -> None:
    """Print a line at once; nobody is told when nobody listens any more (`| head`)."""
    stream = sys.stderr if to_stderr else sys.stdout
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # for what is still to be said


def banner(config: Config, url: str, registry: Registry, silent: Mapping[str, str]) -> str:
    """All that a newcomer needs: address, key, models, a line to paste, where the data lives."""
    lines = [
        "",
        f"  {painted('Rejoinder', 'bold')} is answering at {painted(f'{url}/v1', 'cyan')}",
        "",
        f"  API key   {config.dev_key}",
        f"  Data      {config.data}",
        f"  Settings  {config.config_path or 'none; write rejoinder.toml to add models'}",
        "",
        *_provider_lines(config, registry, silent),
        *_unserved_lines(registry),
        *_unheard_lines(config),
        "",
        "  Try it:",
        "",
        f"    curl {url}/v1/responses \\",
        f"      -H 'Authorization: Bearer {config.dev_key}' \\",
        "      -H 'Content-Type: application/json' \\",
        f'      -d \'{{"model": "{_first_model(registry)}", "input": "Hello!"}}\'',
        "",
        f"  {painted('Ctrl-C stops it; responses are kept.', 'dim')}",
        "",
    ]
    return "\n".join(lines)


def _provider_lines(config: Config, registry: Registry, silent: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    cards = registry.models()
    for name, service in registry.services.items():
        if name in config.candidates and not service.models:
            continue  # it is not running, or has nothing to offer yet
        models = [each.id for each in cards if each.owned_by == name] or [*service.patterns]
        shown = ", ".join(models[:MODELS_SHOWN]) or f"say {name}/MODEL"
        more = f" and {len(models) - MODELS_SHOWN} more" if len(models) > MODELS_SHOWN else ""
        note = painted(f"  ({silent[name]})", "yellow") if name in silent else ""
        label = "Models    " if not lines else "          "
        lines.append(f"  {label}{painted(name, 'green')}: {shown}{more}{note}")
    return lines


def _unserved_lines(registry: Registry) -> list[str]:
    """Names of the settings that lead to nobody now; a server may be started that knows them."""
    said = "no server that answers has it; see [aliases] and [fallbacks]"
    return [f"  Missing   {painted(f'{name}: {said}', 'yellow')}" for name in registry.unserved()]


def _unheard_lines(config: Config) -> list[str]:
    return [f"  Unheard   {painted(said, 'yellow')}" for said in unheard_webhooks(config.settings)]


def _first_model(registry: Registry) -> str:
    found = {name for name, service in registry.services.items() if service.models}
    return next((card.id for card in registry.models() if card.owned_by in found), "demo")


class LineFormatter(logging.Formatter):
    """One line a record; requests as status, method, path and time. Never bodies or keys."""

    def format(self, record: logging.LogRecord) -> str:
        when = painted(self.formatTime(record, "%H:%M:%S"), "dim")
        match record.getMessage():
            case "request":
                return f"{when} {_request_line(vars(record))}"
            case "upstream_call":
                return f"{when}   → {_call_line(vars(record))}"
            case _:
                told = " ".join(
                    f"{key}={vars(record)[key]}" for key in SHOWN if key in vars(record)
                )
                return f"{when} {record.levelname.lower()} {super().format(record)} {told}"


def _request_line(fields: Mapping[str, JSON]) -> str:
    status = fields["status"]
    colour = "green" if status < 400 else "yellow" if status < 500 else "red"
    line = (
        f"{painted(str(status), colour)} {fields['method']} {fields['path']}"
        f" {fields['duration_ms']:.0f} ms {painted(fields['request_id'], 'dim')}"
    )
    return f"{line} {painted(fields['outcome'], colour)}" if status >= 400 else line


def _call_line(fields: Mapping[str, JSON]) -> str:
    """What is known of a call: who, how long, how much, for which response, and what went wrong."""
    line = f"{fields['provider']}/{fields['model']} {fields['duration_ms']:.0f} ms"
    if fields["input_tokens"] is not None:
        line += f", {fields['input_tokens']} + {fields['output_tokens']} tokens"
    if fields["cost_usd"] is not None:
        line += f", ${fields['cost_usd']:.6f}"
    named = [str(fields[name]) for name in ("request_id", "response_id") if fields.get(name)]
    wrong = [] if fields["outcome"] == OK else [fields["outcome"]]
    wrong += [f"{name}={fields[name]}" for name in ("status", "code") if fields.get(name)]
    parts = [line, painted(" ".join(named), "dim"), painted(" ".join(wrong), "yellow")]
    return " ".join(part for part, shown in zip(parts, (line, named, wrong), strict=True) if shown)


def log_to_terminal() -> None:
    """Send our log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger("rejoinder")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
