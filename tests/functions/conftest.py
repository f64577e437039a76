"""A cloud for each test."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functions.cloud import Cloud, Streaming, streaming
from tests.storage.moto_server import moto_endpoint

__all__ = ["moto_endpoint"]


@pytest.fixture
def cloud(moto_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    logger = logging.getLogger("rejoinder")
    before = logger.handlers, logger.level, logger.propagate
    cloud = Cloud(moto_endpoint, tmp_path, monkeypatch)
    with cloud.upstream:
        cloud.open()
        yield cloud
    cloud.close()
    logger.handlers, logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


@pytest.fixture
def stream(cloud: Cloud) -> Iterator[Streaming]:
    with streaming() as stream:
        yield stream
