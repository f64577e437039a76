"""Peers: gateways of other people that answer the Responses API from chat completions.

Each is installed at a fixed version into an environment of its own below `.cache/bench`; so is
Rejoinder, with what `make serve` installs and no more: packages of the tests must not weigh on it.
"""

import os
import subprocess
import sys
from pathlib import Path

LITELLM = "1.106.2"
_ROOT = Path(__file__).parents[2]
_ENVIRONMENTS = _ROOT / ".cache" / "bench"
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


def install_rejoinder() -> None:
    """Makes the environment of a user of the local server, unless it is there.

    Raises:
        Unavailable: pip failed, for example without a network.
    """
    pinned = (_ROOT / "layers/deps/requirements.txt", _ROOT / "local/requirements.txt")
    _install("rejoinder", *(f"--requirement={path}" for path in pinned))


def rejoinder_python() -> tuple[str, dict[str, str]]:
    """The interpreter of that environment, and where it finds our packages."""
    sources = os.pathsep.join(str(_ROOT / source) for source in ("layers/core/python", "local"))
    return str(_ENVIRONMENTS / "rejoinder" / "bin" / "python"), {"PYTHONPATH": sources}


def litellm_command(port: int, upstream: str, *, key: str, folder: Path) -> list[str]:
    """Writes LiteLLM's configuration and returns the command that runs its proxy."""
    config = folder / "litellm.yaml"
    config.write_text(_LITELLM_CONFIG.format(upstream=upstream, key=key))
    proxy = _ENVIRONMENTS / "litellm" / "bin" / "litellm"
    options = {"config": config, "host": "127.0.0.1", "port": port, "num_workers": 1}
    return [str(proxy), *(f"--{name}={value}" for name, value in options.items())]


def _install(name: str, *requirements: str) -> None:
    environment = _ENVIRONMENTS / name
    installed = environment / "installed.txt"
    wanted = "\n".join(map(_content, requirements))
    if installed.exists() and installed.read_text() == wanted:
        return
    print(f"Installing {name} for the benchmark (once, up to a minute) …", file=sys.stderr)
    _run(sys.executable, "-m", "venv", "--clear", str(environment))
    _run(str(environment / "bin" / "pip"), "install", "--quiet", *requirements)
    installed.write_text(wanted)


def _content(requirement: str) -> str:
    """The requirement, or what stands in the file that it names."""
    path = requirement.removeprefix("--requirement=")
    return Path(path).read_text() if path != requirement else requirement


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
