"""Peers: gateways of other people that answer the Responses API from chat completions.

Each is installed at a fixed version into an environment of its own below `.cache/bench`.
"""

import subprocess
import sys
from pathlib import Path

LITELLM = "1.106.2"
_ENVIRONMENTS = Path(__file__).parents[2] / ".cache" / "bench"
_INSTALL_SECONDS = 900

_LITELLM_CONFIG = """\
model_list:
  - model_name: "bench/*"
    litellm_params:
      model: "openai/*"
      api_base: "{upstream}/v1"
      api_key: "sk-upstream"
      use_chat_completions_api: true
general_settings:
  master_key: "{key}"
"""

LITELLM_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOG": "ERROR",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_TELEMETRY": "False",
}
"""As its documentation advises for production, and nothing fetched at the start."""


class Unavailable(Exception):
    """A subject cannot be measured here; says why."""


def install_litellm() -> None:
    """Makes LiteLLM's environment unless it is there.

    Raises:
        Unavailable: pip failed, for example without a network.
    """
    _install("litellm", f"litellm[proxy]=={LITELLM}")


def litellm_command(port: int, upstream: str, *, key: str, folder: Path) -> list[str]:
    """Writes LiteLLM's configuration and returns the command that runs its proxy."""
    config = folder / "litellm.yaml"
    config.write_text(_LITELLM_CONFIG.format(upstream=upstream, key=key))
    proxy = _ENVIRONMENTS / "litellm" / "bin" / "litellm"
    options = {"config": config, "host": "127.0.0.1", "port": port, "num_workers": 1}
    return [str(proxy), *(f"--{name}={value}" for name, value in options.items())]


def _install(name: str, requirement: str) -> None:
    environment = _ENVIRONMENTS / name
    installed = environment / "installed.txt"
    if installed.exists() and installed.read_text() == requirement:
        return
    print(f"Installing {requirement} (once, a minute or two) …", file=sys.stderr)
    _run(sys.executable, "-m", "venv", "--clear", str(environment))
    _run(str(environment / "bin" / "pip"), "install", "--quiet", requirement)
    installed.write_text(requirement)


def _run(*command: str) -> None:
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        raise Unavailable(f"not installed: {said[-1] if said else error}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"not installed: {error}") from error
