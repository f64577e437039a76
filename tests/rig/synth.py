"""The deployment as the CDK synthesizes it, with packages for this machine; kept until it changes.

`python -m tests.rig.synth FOLDER` writes template and assets. It runs as a process of its own, for
the CDK takes half a gigabyte, and it asks for Node.
"""

import fcntl
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "rig"
SOURCES = ("infra", "layers", "functions")
# So that functions are given the path of their settings; the rig writes the settings themselves.
PLACEHOLDER = "# The rig's own settings take the place of this file.\n"


class SynthError(Exception):
    """The deployment could not be synthesized; the message is what the CDK said."""


def synthesized() -> Path:
    """The folder of the template and its assets, made now if anything has changed.

    Raises:
        SynthError: with the last lines of what was said.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    made = CACHE / _digest()
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=CACHE, prefix=".") as folder:
                _synthesize(Path(folder) / "out")
                (Path(folder) / "out").rename(made)
    return made


def _synthesize(out: Path) -> None:
    command = [sys.executable, "-m", "tests.rig.synth", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SynthError("\n".join((done.stdout + done.stderr).splitlines()[-20:]))


def _digest() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(_sources()):
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_mode:o}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    for name in SOURCES:
        for path in (ROOT / name).rglob("*"):
            if path.is_file() and path.parent.name != "__pycache__":
                yield path


def main(out: str) -> None:
    """Write the template and its assets into a folder."""
    from aws_cdk import App

    from infra.app import build
    from infra.bundling import Bundler

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "rejoinder.toml"
        config.write_text(PLACEHOLDER)
        app = App(outdir=out, context={"config": str(config)})
        build(app, Bundler("host"))
        app.synth()


if __name__ == "__main__":
    main(sys.argv[1])
