"""The CDK's entry: `python -m infra.app` writes the template and its assets to cdk.out.

The CDK's command line hands its own context over; by hand it takes `-c key=value` too.
"""

import argparse
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.bundling import LAYERS, Bundler, BundlingError, zipped_bytes
from infra.context import context_of
from infra.deployed import DEFAULT_STACK
from infra.options import OptionError, Options
from infra.settings import operator_settings
from infra.stack import GatewayStack
from infra.terminal import complain, say
from rejoinder.settings import SettingsError

_STACK = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")


def build(app: App, bundler: Bundler, name: str = DEFAULT_STACK) -> GatewayStack:
    """The stack that the context asks for.

    Raises:
        OptionError: if it asks for something impossible.
        SettingsError: if the operator's settings are wrong.
        BundlingError: if the functions cannot be packed on this machine.
    """
    options = Options.of(app.node.get_all_context())
    settings, text = operator_settings(options)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "rejoinder.toml"
        config.write_text(text, encoding="utf-8")
        return GatewayStack(
            app, name, options, settings, replace(bundler, settings=config if text else None)
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Synthesise, or say what is wrong."""
    bundler = Bundler()
    try:
        app = App(context=_given(arguments), outdir=os.environ.get("CDK_OUTDIR", "cdk.out"))
        build(app, bundler, _name(os.environ))
    except (OptionError, SettingsError, BundlingError) as error:
        return complain(str(error))
    try:
        app.synth()
    except RuntimeError as error:  # so jsii calls all that the CDK throws
        return complain(str(error))
    sizes = ", ".join(f"{name} {zipped_bytes(bundler.layer(name)) / 1e6:.1f} MB" for name in LAYERS)
    say(f"Layers, zipped: {sizes}")
    return 0


def _name(env: Mapping[str, str]) -> str:
    """As all commands know the stack: by STACK, which make exports to them."""
    name = env.get("STACK") or DEFAULT_STACK
    if not _STACK.fullmatch(name):
        raise OptionError(
            f"STACK={name!r} is no name of a stack: use up to 100 letters, digits and hyphens, "
            "and begin with a letter."
        )
    return name


def _given(arguments: Sequence[str] | None) -> Mapping[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=main.__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    return context_of(parser.parse_args(arguments).context)


if __name__ == "__main__":
    raise SystemExit(main())
