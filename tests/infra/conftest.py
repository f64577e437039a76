"""Two stacks: what a newcomer gets, and one with every option."""

from pathlib import Path

import pytest

from tests.infra.synthesis import Synthesis, synthesised_once

SETTINGS = """
[providers.openai]
dialect = "openai"
base_url = "https://api.openai.com/v1"
api_key_env = "OPENAI_API_KEY"
"""
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0aa0bb00-1cc1-2dd2-3ee3-4ff455667788"
FORMER_KEY = KEY.replace("0aa0bb00", "9aa9bb99")
CERTIFICATE = (
    "arn:aws:acm:eu-central-1:123456789012:certificate/0aa0bb00-1cc1-2dd2-3ee3-4ff455667788"
)

# Fixtures that take many seconds: one process of xdist has all tests of each kind.
DEAR = {
    "stack": "synthesis",
    "rich": "synthesis",
    "any_stack": "synthesis",
    "parts": "bundles",
    "whole": "smoke",
}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have no process of xdist wait for what another makes, or make it again."""
    for item in items:
        for kind in {DEAR[name] for name in DEAR.keys() & getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.xdist_group(kind))


SUBNETS = ["subnet-0aa0bb001cc12dd2e", "subnet-0aa0bb001cc12dd2f"]
GROUP = "sg-0aa0bb001cc12dd2e"


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder of all test processes of one run."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def stack(shared: Path) -> Synthesis:
    return synthesised_once(shared, "default")


@pytest.fixture(scope="session")
def rich(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    config = tmp_path_factory.mktemp("settings") / "operator.toml"
    config.write_text(SETTINGS)
    every = {
        "config": str(config),
        "stage": "live",
        "memoryMb": "1024",
        "reservedConcurrency": "7",
        "workerConcurrency": "3",
        "snapStart": "true",
        "rateLimit": "5",
        "burstLimit": "6",
        "retentionDays": "10",
        "keepData": "true",
        "logRetentionDays": "7",
        "kmsKeyArn": KEY,
        "formerKmsKeyArns": FORMER_KEY,
        "subnetIds": ",".join(SUBNETS),
        "securityGroupIds": GROUP,
        "domainName": "ai.example.org",
        "certificateArn": CERTIFICATE,
        "corsOrigins": "https://app.example.org",
        "waf": "true",
        "wafRequestsPer5Minutes": "99",
        "bedrock": "false",
        "cloudWatchRole": "false",
        "alarmEmail": "ops@example.org",
    }
    return synthesised_once(shared, "rich", every)
