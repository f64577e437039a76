"""The context of a deployment: what cdk.json says, and over it what was given as `-c key=value`."""

import json
from collections.abc import Sequence
from typing import Any

from infra.bundling import ROOT


def context_of(pairs: Sequence[str]) -> dict[str, Any]:
    """The values by their keys; by hand all of them are texts."""
    file = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
    kept: dict[str, Any] = file["context"]
    given = (each.partition("=") for each in pairs)
    return kept | {key: value for key, _, value in given}
