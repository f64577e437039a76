"""What the stores' tests share."""

from pathlib import Path

import pytest

from tests.storage.contract import Clock
from tests.storage.moto_server import aws, moto_endpoint

__all__ = ["aws", "moto_endpoint"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rejoinder.db"
