"""What Lambda gets: small, complete, and with bytecode that is valid."""

import ast
import marshal
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path

import pytest

from infra import bundling
from infra.bundling import FUNCTIONS, LAYERS, ROOT, Bundler, BundlingError, zipped_bytes

CORE = ROOT / "layers" / "core" / "python"
UNCHECKED = (1).to_bytes(4, "little")  # PEP 552: by the source's hash, and never compared with it
AARCH64 = (183).to_bytes(2, "little")

# All layers and functions as zip files: what is uploaded, and what a cold start has to fetch.
BUDGET_BYTES = 8_000_000

# Of no use to the deployed code, and dear at a cold start.
FORBIDDEN = {"boto3", "openai", "anthropic", "fastapi", "s3transfer", "pip", "aws_xray_sdk"}


@pytest.fixture(scope="session")
def parts(shared: Path) -> dict[str, Path]:
    bundler = Bundler()
    layers = {name: bundler.layer(name) for name in LAYERS}
    return layers | {f"functions/{name}": bundler.function(name) for name in FUNCTIONS}


def content(folder: Path) -> dict[str, tuple[str, int, float]]:
    """Everything of a folder that a zip file holds."""
    return {
        str(path.relative_to(folder)): (
            sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mode,
            path.stat().st_mtime,
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def modules_imported() -> Iterator[str]:
    """All that our code imports from elsewhere, at any place."""
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module


def test_every_module_of_ours_has_valid_bytecode(parts: dict[str, Path]) -> None:
    sources = [path for name in parts if name != "deps" for path in parts[name].rglob("*.py")]

    for source in sources:
        compiled = Path(cache_from_source(str(source))).read_bytes()

        assert compiled[:16] == MAGIC_NUMBER + UNCHECKED + source_hash(source.read_bytes())
    assert len(sources) > 100


def test_every_module_of_others_is_bytecode_and_nothing_else(parts: dict[str, Path]) -> None:
    compiled = [*parts["deps"].rglob("*.pyc")]

    headers = {path.read_bytes()[:8] for path in compiled}

    assert headers == {MAGIC_NUMBER + UNCHECKED}
    assert not [*parts["deps"].rglob("*.py")]
    assert not [path for path in compiled if path.parent.name == "__pycache__"]


@pytest.mark.parametrize(
    ("part", "compiled", "shown"),
    [
        ("deps", "python/httpx/_client.pyc", "/opt/python/httpx/_client.py"),
        (
            "core",
            "python/rejoinder/__pycache__/gateway.cpython-313.pyc",
            "/opt/python/rejoinder/gateway.py",
        ),
        ("functions/api", "__pycache__/handler.cpython-313.pyc", "/var/task/handler.py"),
    ],
)
def test_tracebacks_name_files_as_lambda_has_them(
    parts: dict[str, Path], part: str, compiled: str, shown: str
) -> None:
    code = marshal.loads((parts[part] / compiled).read_bytes()[16:])

    assert code.co_filename == shown


def test_everything_together_stays_within_the_budget(parts: dict[str, Path]) -> None:
    sizes = {name: zipped_bytes(folder) for name, folder in parts.items()}

    assert sum(sizes.values()) <= BUDGET_BYTES, sizes


def test_compiled_parts_are_those_of_lambdas_processor(parts: dict[str, Path]) -> None:
    libraries = [*parts["deps"].rglob("*.so")]

    assert {path.read_bytes()[18:20] for path in libraries} == {AARCH64}
    assert len(libraries) >= 4


def test_nothing_is_deployed_that_nobody_imports(parts: dict[str, Path]) -> None:
    deployed = {path.name for path in (parts["deps"] / "python").iterdir()}

    assert not FORBIDDEN & {name.partition("-")[0].partition(".")[0] for name in deployed}
    assert not [*parts["deps"].rglob("*.pyi")]
    assert not [*parts["core"].rglob("tests")]


def test_all_that_the_code_imports_is_there(tmp_path: Path) -> None:
    host = Bundler("host")
    paths = [str(host.layer(name) / "python") for name in LAYERS]
    wanted = sorted({*modules_imported(), "rejoinder_runtime.__main__", "botocore.session"})
    script = f"import sys\nsys.path += {paths!r}\n" + "".join(f"import {each}\n" for each in wanted)

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert done.returncode == 0


def test_what_is_left_of_others_does_its_work(tmp_path: Path) -> None:
    deps = Bundler("host").layer("deps") / "python"
    script = """
from importlib.metadata import version
from nacl.secret import Aead
from botocore.session import Session
from jsonschema import Draft202012Validator
assert Aead(bytes(32)).decrypt(Aead(bytes(32)).encrypt(b"text", b"whose"), b"whose") == b"text"
assert Draft202012Validator({"type": "string"}).is_valid("text")
assert Session().get_credentials().access_key == "AKID"
print(version("pydantic"))
"""

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys\nsys.path.append({str(deps)!r})\n{script}"],
        env={"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout.count(".") >= 2


def test_the_same_sources_make_the_same_files(parts: dict[str, Path], tmp_path: Path) -> None:
    again = Bundler(cache=tmp_path)

    for name in LAYERS:
        assert content(again.layer(name)) == content(parts[name])


def test_what_is_made_is_not_made_again(parts: dict[str, Path], tmp_path: Path) -> None:
    bundler = Bundler(cache=tmp_path)

    first, second = (bundler.function("api").stat().st_ino for _ in range(2))

    assert first == second


def test_another_source_makes_another_folder(tmp_path: Path) -> None:
    handler = tmp_path / "functions" / "api" / "handler.py"
    handler.parent.mkdir(parents=True)
    bundler = Bundler(root=tmp_path, cache=tmp_path / "cache")

    handler.write_text("one = 1\n")
    one = bundler.function("api")
    handler.write_text("two = 2\n")
    two = bundler.function("api")

    assert one != two
    assert (two / "handler.py").read_text() == "two = 2\n"


def test_folders_that_nobody_used_for_long_are_forgotten(tmp_path: Path) -> None:
    old = tmp_path / "core-lambda-of-long-ago"
    old.mkdir()
    os.utime(old, (0, 0))

    Bundler(cache=tmp_path).function("api")

    assert not old.exists()


def test_the_bootstrap_may_be_executed(parts: dict[str, Path]) -> None:
    bootstrap = parts["runtime"] / "rejoinder" / "bootstrap"

    assert bootstrap.stat().st_mode & 0o777 == 0o755


def test_settings_lie_beside_the_handler(tmp_path: Path) -> None:
    settings = tmp_path / "mine.toml"
    settings.write_text("retries = 2\n")

    folder = Bundler(cache=tmp_path / "cache", settings=settings).function("worker")

    assert (folder / "rejoinder.toml").read_text() == "retries = 2\n"


def test_another_minor_version_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bundling, "PYTHON", (3, 12))

    with pytest.raises(BundlingError, match=r"The functions run Python 3\.12, .* this is 3\.13"):
        Bundler(cache=tmp_path).layer("core")


def test_a_mistake_in_a_module_is_told_at_once(tmp_path: Path) -> None:
    handler = tmp_path / "functions" / "api" / "handler.py"
    handler.parent.mkdir(parents=True)
    handler.write_text("def handle(:\n")

    with pytest.raises(BundlingError, match=r"(?s)does not compile.*handle\(:"):
        Bundler(root=tmp_path, cache=tmp_path / "cache").function("api")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundlingError, match="There is nothing to make function-api of"):
        Bundler(root=tmp_path, cache=tmp_path / "cache").function("api")


def test_pip_says_why_it_cannot_fetch(tmp_path: Path) -> None:
    requirements = tmp_path / "layers" / "deps" / "requirements.txt"
    requirements.parent.mkdir(parents=True)
    requirements.write_text("no/such/thing==1\n")

    with pytest.raises(BundlingError, match=r"(?s)pip could not fetch.*no/such/thing"):
        Bundler(root=tmp_path, cache=tmp_path / "cache").layer("deps")


def test_the_command_says_why_it_cannot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bundling, "PYTHON", (3, 12))

    status = bundling.main([str(tmp_path)])

    assert status == 1
    assert "The functions run Python 3.12" in capsys.readouterr().err


def test_the_command_lays_everything_out(
    parts: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = bundling.main([str(tmp_path)])

    assert status == 0
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*")) == [
        "core",
        "deps",
        "functions",
        "runtime",
    ]
    for name, folder in parts.items():
        assert content(tmp_path / name) == content(folder)
    assert "bytes zipped" in capsys.readouterr().out
