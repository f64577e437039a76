"""A Runtime API, and functions that take their events from it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.runtime.api import RuntimeApi
from tests.runtime.function import Function
from tests.runtime.requests import JSON

type Start = Callable[..., Function]


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    with RuntimeApi() as api:
        yield api


@pytest.fixture
def start(api: RuntimeApi, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(handler: str = "answers.app", **options: JSON) -> Function:
            function = Function(
                options.pop("api", api), handler, tmp_path / "function.log", **options
            )
            return stack.enter_context(function)

        yield start
