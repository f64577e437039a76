"""`python -m tests.rig serve`: the deployment on this machine, without AWS.

PORT, CONFIG and DEV_KEY come from the environment, as for the local server; DATA is where the
packages are laid out, and the keys of hosted services are taken as well. AWS_ENDPOINT_URL names a
server in the place of AWS that is there already; without it moto's is started.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from typing import Self

from rejoinder.settings import SettingsError, read_settings
from tests.rig.control import Control
from tests.rig.rig import Rig
from tests.rig.services import Moto
from tests.rig.settings import Settings
from tests.rig.synth import SynthError, synthesized
from tests.rig.template import Template

DEFAULT_PORT = 8788
DEFAULT_CONFIG = Path("rejoinder.toml")
DEV_TENANT = "dev"
USAGE = "Usage: python -m tests.rig serve   (PORT, CONFIG, DEV_KEY: environment)\n"
STATE = "rig.json"

BANNER = """
  Rejoinder's deployment is answering at {url}/v1

  API key   {key}
  Settings  {config}

  Try it:

    curl {url}/v1/responses \\
      -H 'Authorization: Bearer {key}' \\
      -H 'Content-Type: application/json' \\
      -d '{{"model": "demo", "input": "Hello!"}}'

  What runs is what would be deployed: the functions of the synthesized template from their
  packages, each process frozen between its invocations. What is not AWS: moto keeps the state;
  there are no IAM, quotas or throttling; the packages are for this machine, not for arm64; and
  the gateway is ours, its guesses about API Gateway are listed in tests/rig/gateway.py.

  Ctrl-C stops it; nothing is kept.
"""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the environment asks for."""

    port: int
    config: Path | None
    key: str
    settings: Settings
    data: Path | None
    endpoint: str | None

    @classmethod
    def from_env(cls) -> Self:
        """Read PORT, CONFIG, DEV_KEY, DATA, AWS_ENDPOINT_URL and the keys of hosted services.

        Raises:
            SettingsError: naming what is wrong with the settings.
        """
        env = os.environ
        config = Path(env["CONFIG"]) if env.get("CONFIG") else DEFAULT_CONFIG
        text = ""
        if env.get("CONFIG") or config.exists():
            read_settings(config)  # is it good?
            text = config.read_text(encoding="utf-8")
        key = env.get("DEV_KEY") or f"sk-dev-{token_urlsafe(24)}"
        hosted = {name: env[name] for name in env if re.fullmatch(r"[A-Z]+_API_KEY", name)}
        return cls(
            port=int(env.get("PORT") or DEFAULT_PORT),
            config=config if text else None,
            key=key,
            settings=Settings.read(text, {DEV_TENANT: key}, hosted),
            data=Path(env["DATA"]) if env.get("DATA") else None,
            endpoint=env.get("AWS_ENDPOINT_URL"),
        )


def say(who: str, line: str) -> None:
    """Print a line of the log."""
    sys.stdout.write(f"{who:>9} | {line}\n" if who else f"{line}\n")
    sys.stdout.flush()


async def serve(wishes: Wishes, folder: Path, endpoint: str) -> None:
    """Run until a signal comes."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    assembly = await asyncio.to_thread(synthesized)
    rig = Rig(endpoint, say)
    control = Control(rig)
    try:
        await rig.start(
            lambda door: Template(assembly, folder, door).stack(wishes.settings.text), wishes.port
        )
        await asyncio.to_thread(wishes.settings.keep, rig.stack, endpoint)
        state = {"port": rig.port, "control": await control.start()}
        (folder / STATE).write_text(json.dumps(state))
        config = wishes.config or "none; write rejoinder.toml to add models"
        say("", BANNER.format(url=rig.url, key=wishes.key, config=config))
        await stopped.wait()
        control.stop()
    finally:
        await rig.stop()


def main(arguments: list[str]) -> int:
    """Do what the command line says; gives the exit status."""
    if arguments != ["serve"]:
        sys.stderr.write(USAGE)
        return 2
    try:
        wishes = Wishes.from_env()
    except SettingsError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    say("", "Packing the functions and synthesizing the stack (a minute at first) …")
    with ExitStack() as stack:
        if wishes.data is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rejoinder-rig-")))
        else:
            folder = wishes.data / "rig"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        endpoint = wishes.endpoint or stack.enter_context(Moto()).url
        try:
            asyncio.run(serve(wishes, folder, endpoint))
        except SynthError as error:
            sys.stderr.write(f"The deployment cannot be synthesized:\n{error}\n")
            return 1
    say("", "\n  Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
