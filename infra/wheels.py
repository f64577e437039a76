"""The third-party packages as Lambda wants them: for its platform, without what nobody imports."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

type Platform = Literal["lambda", "host"]

PYTHON = (3, 13)  # of the functions: bytecode is valid for one minor version only

# What pip is told in order to get the wheels of another machine than this one.
LAMBDA = (
    "--platform=manylinux2014_aarch64",
    "--platform=manylinux_2_28_aarch64",
    f"--python-version={PYTHON[0]}.{PYTHON[1]}",
    "--implementation=cp",
)

# Paths and patterns that the deployed code never reads. `tests/infra` imports all of the rest.
UNUSED = (
    "bin",
    "*/tests",
    "**/*.pyi",
    "**/py.typed",
    # Metadata is read for versions only; what pydantic looks for are plug-ins, and there are none.
    "*.dist-info/**/[!M]*",
    "*.dist-info/M[!E]*",
    # Descriptions of services, for clients made by botocore. Ours speak for themselves.
    "botocore/data/*/",
    "botocore/cacert.pem",  # certifi's is preferred
    # PyNaCl needs the compiled half of cffi only.
    "cffi",
    "pycparser*",
    # What is left of Powertools: the formatter of the log, the metrics.
    "aws_lambda_powertools/event_handler",
    *(
        f"aws_lambda_powertools/utilities/{name}"
        for name in (
            "auth_alpha",
            "batch",
            "circuit_breaker",
            "data_classes",
            "data_masking",
            "feature_flags",
            "idempotency",
            "kafka",
            "parameters",
            "parser",
            "streaming",
            "validation",
        )
    ),
    # Other event loops, other platforms, other people's test tools.
    "anyio/_backends/_trio.py",
    "anyio/pytest_plugin.py",
    "dateutil/zoneinfo/*.tar.gz",
    "jsonschema/benchmarks",
    "pydantic/mypy.py",
    "pydantic/v1",
    "starlette/testclient.py",
    "urllib3/contrib/emscripten",
)


class InstallError(Exception):
    """pip could not fetch the packages; its own words are the message."""


def install(requirements: Path, target: Path, platform: Platform) -> None:
    """Lay the pinned packages into a folder, without any that is not in the file.

    Raises:
        InstallError: with what pip said.
    """
    told = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--target", str(target), "--no-compile", "--no-deps"),
            *("--only-binary=:all:", "--require-hashes", "-r", str(requirements)),
            *(LAMBDA if platform == "lambda" else ()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise InstallError(f"pip could not fetch {requirements}:\n{told.stderr.strip()}")


def prune(target: Path) -> None:
    """Take out what nobody imports."""
    for path in [path for pattern in UNUSED for path in target.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # it went with a folder
    for path in _metadata(target):
        headers = path.read_text(encoding="utf-8").partition("\n\n")[0]
        path.write_text(f"{headers}\n", encoding="utf-8")  # the rest is the project's README


def _metadata(target: Path) -> Iterator[Path]:
    return target.glob("*.dist-info/METADATA")
