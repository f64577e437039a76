"""What a cold start costs: the modules that each function loads before its first request.

They are counted in a fresh interpreter that has only the layers, as Lambda lays them out. Their
number does not depend on the machine; the time that they take is told, and nothing is made of it.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import median

import pytest

from infra.bundling import Bundler

ROOT = Path(__file__).parents[2]
RUNS = 3

# A module costs a third of a millisecond, or more. Raise a budget only for what a first request
# needs, and say what; lower it when something goes.
BUDGETS = {"stream": 594, "api": 511, "worker": 421, "dlq": 421}

# SDKs and their kin; the local server; what a few requests need, and load when they come.
# (Powertools looks into botocore's package, which holds next to nothing, to name itself there.)
NOBODY = (
    *("openai", "anthropic", "boto3", "botocore.*", "aws_xray_sdk", "requests", "urllib3"),
    *("aiohttp", "uvicorn", "uvloop", "rejoinder_local", "moto", "pytest"),
    *("rich", "click", "trio", "jsonschema", "referencing", "nacl"),
    "starlette.middleware.cors",
)
DIALECTS = tuple(
    f"rejoinder.providers.{name}.{part}"
    for name in ("anthropic", "bedrock", "chat_completions", "demo", "openai")
    for part in ("provider", "request", "stream", "messages")
)
READER = ("rejoinder.schema.reader", "rejoinder.schema.body", "pydantic", "pydantic_core")
WEB = ("rejoinder.web", "rejoinder.web.*", "starlette", "mangum", "rejoinder_runtime")
UNUSED = {
    "stream": ("mangum",),
    "api": (*DIALECTS, *READER, "rejoinder_runtime", "rejoinder.deployment.worker"),
    "worker": (*READER, *WEB),
    "dlq": (*DIALECTS, *READER, *WEB),
}

LOAD = """
import gc, sys, time
sys.path[:0] = {path!r}
for name in {modules!r}:
    __import__(name)
spent = time.process_time()
import json
print(json.dumps([sorted(sys.modules), spent * 1000, gc.isenabled()]))
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    modules: list[str]
    cpu_ms: float
    collects_garbage: bool

    def has(self, pattern: str) -> list[str]:
        """Those that are called so, or belong to a package that is."""
        return [
            name
            for name in self.modules
            if fnmatchcase(name, pattern) or name.startswith(f"{pattern}.")
        ]


def imports(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            yield node.module


@pytest.fixture(scope="module")
def layers() -> list[str]:
    bundler = Bundler("host")
    return [str(bundler.layer(name) / "python") for name in ("runtime", "core", "deps")]


def load(name: str, layers: list[str]) -> Loaded:
    """What the imports of a handler bring in."""
    modules = [*imports(ROOT / "functions" / name / "handler.py")]
    if name == "stream":
        modules.append("rejoinder_runtime.__main__")
    return imported(modules, layers)


def imported(modules: list[str], layers: list[str]) -> Loaded:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOAD.format(path=layers, modules=modules)],
        env={  # as the stack and Lambda set it
            "PYDANTIC_DISABLE_PLUGINS": "__all__",
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        },
        capture_output=True,
        check=True,
        text=True,
    )
    return Loaded(*json.loads(done.stdout))


@pytest.mark.parametrize("name", BUDGETS)
def test_a_function_loads_no_more_modules_than_its_budget(name: str, layers: list[str]) -> None:
    loaded = load(name, layers)

    assert len(loaded.modules) <= BUDGETS[name]


@pytest.mark.parametrize("name", BUDGETS)
def test_a_function_loads_nothing_that_it_does_not_use(name: str, layers: list[str]) -> None:
    loaded = load(name, layers)

    unwanted = [*NOBODY, *UNUSED[name]]
    assert {pattern: found for pattern in unwanted if (found := loaded.has(pattern))} == {}


@pytest.mark.parametrize("name", BUDGETS)
def test_a_function_loads_without_collecting_garbage(name: str, layers: list[str]) -> None:
    assert not load(name, layers).collects_garbage


@pytest.mark.parametrize("name", BUDGETS)
def test_the_time_that_it_takes_is_told(
    name: str, layers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    spent_ms = median(load(name, layers).cpu_ms for _ in range(RUNS))
    asyncio_ms = median(imported(["asyncio"], []).cpu_ms for _ in range(RUNS))

    told = f"{spent_ms:.0f} ms of CPU to import, {spent_ms / asyncio_ms:.1f} times asyncio's"
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {told} {asyncio_ms:.0f} ms\n")
