"""The architecture: who may import whom, and how large a room may be. This table is the law."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "layers" / "core" / "python" / "rejoinder"
LOCAL = ROOT / "local" / "rejoinder_local"
RUNTIME = ROOT / "layers" / "runtime" / "python" / "rejoinder_runtime"
FUNCTIONS = ROOT / "functions"
INFRA = ROOT / "infra"

MAX_MODULE_LINES = 300

# Each room of the core, and the rooms that it may import. `engine` knows no provider and no
# store; `web` is the only room that knows HTTP messages; `wiring` puts the product together, and
# `deployment` puts it into functions.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "schema": {"schema", "errors"},
    "engine": {"engine", "schema", "errors"},
    "sealing": {"schema", "errors"},
    "providers": {"providers", "engine", "schema", "errors"},
    "storage": {"storage", "engine", "schema", "errors"},
    "aws": {"aws", "storage", "engine", "schema", "errors"},
    "settings": {"mistakes", "providers", "webhooks", "errors"},
    "mistakes": set(),
    "destinations": {"mistakes", "settings"},
    "endings": {"engine", "schema", "errors"},
    "keeping": {"storage", "schema", "errors"},
    "recorder": {"keeping", "engine", "schema"},
    "run": {"endings", "keeping", "recorder", "engine", "schema", "errors"},
    "runs": {"endings", "keeping", "run", "engine", "storage", "errors"},
    "context": {"storage", "sealing", "schema", "errors"},
    "conversation_locks": {"engine", "storage", "schema", "errors"},
    "conversations": {"conversation_locks", "context", "storage", "schema", "errors"},
    "truncation": {"context", "schema"},
    "compaction": {
        "compaction",
        "counting",
        "truncation",
        "engine",
        "providers",
        "sealing",
        "schema",
        "errors",
    },
    "turns": {
        "context",
        "compaction",
        "conversation_locks",
        "truncation",
        "engine",
        "providers",
        "storage",
        "sealing",
        "schema",
    },
    "webhooks": {"schema"},
    "announcing": {"webhooks", "providers", "storage", "errors"},
    "supervising": {"endings", "run", "storage", "errors"},
    "background": {
        "supervising",
        "announcing",
        "conversation_locks",
        "turns",
        "run",
        "runs",
        "endings",
        "keeping",
        "engine",
        "storage",
        "schema",
        "errors",
    },
    "idempotency": {"runs", "storage", "errors"},
    "counting": {"providers", "schema"},
    "telling": {"endings", "engine", "schema"},
    "gateway": {
        "telling",
        "counting",
        "background",
        "conversations",
        "conversation_locks",
        "idempotency",
        "turns",
        "run",
        "runs",
        "endings",
        "keeping",
        "engine",
        "providers",
        "storage",
        "schema",
        "errors",
    },
    "web": {
        "telling",
        "web",
        "gateway",
        "idempotency",
        "turns",
        "providers",
        "engine",
        "settings",
        "schema",
        "errors",
        "__init__",
    },
    "services": {"providers", "settings"},
    "dialects": {"providers", "settings"},
    "wiring": {
        "supervising",
        "announcing",
        "background",
        "conversations",
        "dialects",
        "conversation_locks",
        "idempotency",
        "runs",
        "webhooks",
        "gateway",
        "turns",
        "providers",
        "storage",
        "sealing",
        "settings",
        "errors",
    },
    "observe": set(),
    "deployment": {
        "deployment",
        "announcing",
        "aws",
        "background",
        "dialects",
        "gateway",
        "observe",
        "runs",
        "sealing",
        "services",
        "storage",
        "web",
        "wiring",
        "settings",
        "schema",
        "errors",
    },
}

# What each room may import from outside the standard library. Of pydantic, `providers` uses the
# core alone: its engine of regular expressions is the one that strangers' patterns cannot stall.
PACKAGES: dict[str, set[str]] = {
    "schema": {"msgspec", "pydantic", "pydantic_core"},
    "engine": {"msgspec"},
    "sealing": {"msgspec", "nacl"},
    "aws": {"msgspec", "httpx"},
    "providers": {
        "msgspec",
        "httpx",
        "botocore",
        "jsonschema",
        "referencing",
        "attrs",
        "pydantic_core",
    },
    "truncation": {"msgspec"},
    "compaction": {"msgspec"},
    "counting": {"msgspec"},
    "webhooks": {"msgspec"},
    "background": {"msgspec"},
    "telling": {"msgspec"},
    "settings": {"msgspec"},
    "mistakes": {"msgspec"},
    "web": {"msgspec", "starlette", "pydantic"},
    "dialects": {"httpx"},
    "wiring": {"httpx"},
    "observe": {"aws_lambda_powertools"},
    "deployment": {"httpx", "starlette"},
}
# What the stack reads of the product: its routes, its keys, its settings.
INFRA_MAY_IMPORT = {
    "rejoinder.aws.table",
    "rejoinder.destinations",
    "rejoinder.services",
    "rejoinder.settings",
    "rejoinder.web.routes",
}
INFRA_PACKAGES = {"aws_cdk", "boto3", "botocore", "cdk_nag", "constructs", "infra", "pydantic"}
SMOKE_PACKAGES = {"httpx", "infra", "msgspec"}  # it needs an address and a key, and no CDK

LOCAL_PACKAGES = {"aiohttp", "httpx", "httpx_aiohttp", "msgspec", "pydantic", "uvicorn", "uvloop"}

MODULES = sorted(
    [
        *CORE.rglob("*.py"),
        *LOCAL.rglob("*.py"),
        *RUNTIME.rglob("*.py"),
        *FUNCTIONS.rglob("*.py"),
        *INFRA.rglob("*.py"),
    ]
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            is_root = module == "rejoinder"
            yield from (f"{module}.{alias.name}" for alias in node.names) if is_root else [module]


def rooms_imported(path: Path) -> set[str]:
    named = [name.split(".") for name in imported(path) if name.split(".")[0] == "rejoinder"]
    rooms = {parts[1] for parts in named if len(parts) > 1}
    return {
        room if (CORE / room).exists() or (CORE / f"{room}.py").exists() else "__init__"
        for room in rooms
    }


def packages_imported(path: Path) -> set[str]:
    roots = {name.split(".")[0] for name in imported(path)}
    return roots - set(sys.stdlib_module_names) - {"rejoinder", "rejoinder_local"}


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=name_of)
def test_imports_point_inwards(path: Path) -> None:
    room = room_of(path)

    assert rooms_imported(path) <= MAY_IMPORT[room]


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=name_of)
def test_each_room_uses_only_the_packages_it_was_given(path: Path) -> None:
    assert packages_imported(path) <= PACKAGES.get(room_of(path), set())


@pytest.mark.parametrize("path", sorted(LOCAL.rglob("*.py")), ids=name_of)
def test_the_local_server_uses_only_the_packages_it_was_given(path: Path) -> None:
    assert packages_imported(path) <= LOCAL_PACKAGES


@pytest.mark.parametrize("path", sorted(RUNTIME.rglob("*.py")), ids=name_of)
def test_the_streaming_runtime_knows_the_standard_library_and_itself(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}

    assert roots <= set(sys.stdlib_module_names) | {"rejoinder_runtime"}


@pytest.mark.parametrize("path", sorted(FUNCTIONS.rglob("*.py")), ids=name_of)
def test_a_function_is_a_handler_over_the_layers(path: Path) -> None:
    assert path.name == "handler.py"
    assert rooms_imported(path) <= {"deployment", "schema"}
    assert packages_imported(path) <= {"mangum"}


@pytest.mark.parametrize("path", sorted(INFRA.rglob("*.py")), ids=name_of)
def test_the_stack_reads_of_the_product_only_what_it_deploys(path: Path) -> None:
    of_ours = {name for name in imported(path) if name.split(".")[0] == "rejoinder"}

    assert of_ours <= INFRA_MAY_IMPORT
    assert packages_imported(path) <= (
        SMOKE_PACKAGES if path.parent.name == "smoke" else INFRA_PACKAGES
    )


def test_the_core_never_imports_the_local_server() -> None:
    importers = [
        path
        for path in CORE.rglob("*.py")
        if any(name.split(".")[0] == "rejoinder_local" for name in imported(path))
    ]

    assert importers == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_is_longer_than_the_limit(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_MODULE_LINES


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_lives_in_it(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_room_is_called_after_nothing_in_particular() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "base_service", "manager", "misc"}

    assert [path for path in MODULES if path.stem in vague] == []


def test_no_package_has_fewer_than_two_modules() -> None:
    packages = {path.parent for path in MODULES if FUNCTIONS not in path.parents}

    lonely = [package for package in packages if len(list(package.glob("*.py"))) < 2]

    assert lonely == []
