"""The CDK's entry: `python -m infra.app` writes the template and its assets to cdk.out.

The CDK's command line hands its own context over; by hand it takes `-c key=value` too.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.bundling import LAYERS, ROOT, Bundler, BundlingError, zipped_bytes
from infra.options import OptionError, Options
from infra.settings import operator_settings
from infra.stack import GatewayStack
from infra.terminal import complain, say
from rejoinder.settings import SettingsError


def build(app: App, bundler: Bundler) -> GatewayStack:
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
            app, options, settings, replace(bundler, settings=config if text else None)
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Synthesise, or say what is wrong."""
    bundler = Bundler()
    try:
        app = App(context=_given(arguments), outdir=os.environ.get("CDK_OUTDIR", "cdk.out"))
        build(app, bundler)
    except (OptionError, SettingsError, BundlingError) as error:
        return complain(str(error))
    try:
        app.synth()
    except RuntimeError as error:  # so jsii calls all that the CDK throws
        return complain(str(error))
    sizes = ", ".join(f"{name} {zipped_bytes(bundler.layer(name)) / 1e6:.1f} MB" for name in LAYERS)
    say(f"Layers, zipped: {sizes}")
    return 0


def _given(arguments: Sequence[str] | None) -> Mapping[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=main.__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    pairs = [each.partition("=") for each in parser.parse_args(arguments).context]
    file = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
    kept: dict[str, Any] = file["context"]
    return kept | {key: value for key, _, value in pairs}


if __name__ == "__main__":
    raise SystemExit(main())
