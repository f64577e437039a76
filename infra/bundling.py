"""What Lambda gets, made without Docker: each layer and function as a folder, bytecode included.

Lambda's package folders are read-only, so a module without valid bytecode would be compiled anew at
every cold start. Ours is marked as not to be checked against its source (PEP 552), so that no
packing tool can make it stale, and it is compiled by the minor version that will run it.

Run it by hand to see what is deployed: `python -m infra.bundling FOLDER [--platform host]`.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.terminal import complain, say
from infra.wheels import PYTHON, InstallError, Platform, install, prune

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "bundle"
EPOCH = 315532800  # 1980-01-01, the first day that a zip file knows
KEPT_SECONDS = 7 * 24 * 3600  # of a folder in the cache that is not used any more

LAYERS = ("deps", "core", "runtime")
FUNCTIONS = ("stream", "api", "worker", "dlq")


class BundlingError(Exception):
    """Something is missing; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Bundler:
    """Makes folders, and remembers each by what it was made of."""

    platform: Platform = "lambda"
    root: Path = ROOT
    cache: Path = CACHE
    settings: Path | None = None  # the operator's, for every function

    def layer(self, name: str) -> Path:
        """The folder that Lambda lays over /opt.

        Raises:
            BundlingError: if it cannot be made on this machine.
        """
        if name == "deps":
            requirements = self.root / "layers" / "deps" / "requirements.txt"
            return self._made(name, [requirements], lambda out: self._deps(requirements, out))
        sources = self.root / "layers" / name
        return self._made(name, _sources(sources), lambda out: _copied(sources, out, shown="/opt"))

    def function(self, name: str) -> Path:
        """The folder that Lambda lays over /var/task: the handler, and the operator's settings.

        Raises:
            BundlingError: if it cannot be made on this machine.
        """
        sources = self.root / "functions" / name

        def make(out: Path) -> None:
            _copied(sources, out, shown="/var/task")
            if self.settings:
                shutil.copyfile(self.settings, out / "rejoinder.toml")

        given = [self.settings] if self.settings else []
        return self._made(f"function-{name}", [*_sources(sources), *given], make)

    def _deps(self, requirements: Path, out: Path) -> None:
        target = out / "python"
        try:
            install(requirements, target, self.platform)
        except InstallError as error:
            raise BundlingError(str(error)) from error
        prune(target)
        # Without their sources: half the size, and tracebacks still name file and line.
        _compile(out, "/opt", "-b")
        for source in out.rglob("*.py"):
            source.unlink()

    def _made(self, name: str, inputs: Sequence[Path], make: Callable[[Path], None]) -> Path:
        if sys.version_info[:2] != PYTHON:
            wanted, here = (".".join(map(str, each[:2])) for each in (PYTHON, sys.version_info))
            raise BundlingError(
                f"The functions run Python {wanted}, and its bytecode must be made by the same "
                f"version; this is {here}. Run `make install` with Python {wanted}."
            )
        if not inputs:
            raise BundlingError(f"There is nothing to make {name} of in {self.root}.")
        made = self.cache / f"{name}-{self.platform}-{self._digest(inputs)}"
        if not made.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.cache, prefix=".") as working:
                out = Path(working) / name
                out.mkdir()
                make(out)
                _settle(out)
                with suppress(OSError):  # another process was faster
                    out.rename(made)
            _forget_older(self.cache)
        os.utime(made)  # it is in use
        return made

    def _digest(self, inputs: Sequence[Path]) -> str:
        recipe = [Path(__file__), Path(__file__).with_name("wheels.py")]
        digest = hashlib.sha256(sys.version.encode())
        for path in [*recipe, *inputs]:
            name = path.relative_to(self.root) if path.is_relative_to(self.root) else path.name
            digest.update(f"{name} {path.stat().st_mode:o} {path.stat().st_size}\n".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]


def zipped_bytes(folder: Path) -> int:
    """How large the folder is as the zip file that the CDK uploads."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))
        return file.tell()


def _copied(sources: Path, out: Path, *, shown: str) -> None:
    """Our own modules, with their sources: their tracebacks are worth reading."""
    shutil.copytree(sources, out, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    _compile(out, shown)


def _compile(folder: Path, shown: str, *options: str) -> None:
    """Bytecode for all modules, which names them by where Lambda will have them.

    Raises:
        BundlingError: with what the compiler said.
    """
    compiling = subprocess.run(
        [
            *(sys.executable, "-S", "-m", "compileall", "-q", "-j1", *options),
            *("--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", shown, str(folder)),
        ],
        env={**os.environ, "PYTHONHASHSEED": "0"},  # the order of sets is part of bytecode
        capture_output=True,
        text=True,
        check=False,
    )
    if compiling.returncode:
        raise BundlingError(f"{folder.name} does not compile:\n{compiling.stdout}")


def _sources(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if path.parent.name != "__pycache__")


def _settle(folder: Path) -> None:
    """Modes and times that do not depend on who made it, and when."""
    for path in folder.rglob("*"):
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)
        os.utime(path, (EPOCH, EPOCH))


def _forget_older(cache: Path) -> None:
    newest = max((path.stat().st_mtime for path in cache.iterdir()), default=0)
    for path in cache.iterdir():
        if path.stat().st_mtime < newest - KEPT_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Lay everything into a folder, as Lambda would find it."""
    parser = argparse.ArgumentParser(prog="python -m infra.bundling", description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--platform", choices=("lambda", "host"), default="lambda")
    parser.add_argument("--settings", type=Path, help="the operator's rejoinder.toml")
    given = parser.parse_args(arguments)
    bundler = Bundler(given.platform, settings=given.settings)
    try:
        parts = {name: bundler.layer(name) for name in LAYERS}
        for name in FUNCTIONS:
            parts[f"functions/{name}"] = bundler.function(name)
    except BundlingError as error:
        return complain(str(error))
    for name, made in parts.items():
        target = given.folder / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target)
        say(f"{zipped_bytes(made):>12,} bytes zipped  {target}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
