"""The synthesized template, as the rig reads it: what the application has is what is deployed."""

from pathlib import Path

import pytest

from rejoinder.aws.table import TABLE
from rejoinder.web.routes import ROUTES, Row
from tests.rig.router import Router
from tests.rig.stack import BROKEN, Stack
from tests.rig.synth import synthesized
from tests.rig.template import Template

AWS = "http://127.0.0.1:1"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return Template(synthesized(), tmp_path_factory.mktemp("stack"), AWS).stack("retries = 0\n")


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: f"{row.method} {row.path}")
def test_every_route_leads_to_the_function_of_its_kind(stack: Stack, row: Row) -> None:
    path = row.path.replace("{response_id}", "resp_1").replace("{model:path}", "a/b")

    found = Router(stack.routes).find(row.method, path)

    assert found is not None
    route, _ = found
    assert route.function == ("stream" if row.may_stream else "api")
    assert route.is_streamed == row.may_stream


def test_no_route_is_left_to_an_integration_that_answers_500(stack: Stack) -> None:
    assert [route for route in stack.routes if route.function == BROKEN] == []


def test_functions_find_their_code_their_layers_and_their_settings(stack: Stack) -> None:
    for function in stack.functions.values():
        module, _, _ = function.handler.partition(".")
        assert (function.code / f"{module}.py").is_file()
        assert (function.opt / "python" / "rejoinder").is_dir()
        assert Path(function.env["REJOINDER_CONFIG"]).read_text() == "retries = 0\n"
        if function.wrapper is not None:
            assert function.wrapper.is_file()
    assert [name for name, each in stack.functions.items() if each.wrapper] == ["stream"]


def test_the_table_is_the_one_that_the_stores_use(stack: Stack) -> None:
    (table,) = stack.tables

    assert {**table, "TableName": ""} == {**TABLE, "TableName": ""}


def test_the_queue_feeds_the_worker_and_its_dead_letters_their_consumer(stack: Stack) -> None:
    by_function = {queue.function: queue for queue in stack.queues}

    jobs, dead = by_function["worker"], by_function["dlq"]
    assert jobs.dead_letters_to == dead.name
    assert jobs.visibility_seconds >= stack.functions["worker"].timeout_seconds
    assert jobs.reports_item_failures
    assert dead.visibility_seconds >= stack.functions["dlq"].timeout_seconds
