"""The life of the process: how it starts, waits, is frozen, restored and ended."""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.runtime.api import RuntimeApi
from tests.runtime.conftest import Start
from tests.runtime.events import event
from tests.runtime.function import APPS, ROOT

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
INTERPRETER = str(Path(sys.base_prefix) / "bin" / VERSION)  # with no packages installed
SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
FROZEN_WITHIN_SECONDS = 10.0

CANNOT_START = {
    "nothing_of_this_name.app": "Runtime.ImportModuleError",
    "answers.nothing_of_this_name": "Runtime.HandlerNotFound",
    "lives.not_callable": "Runtime.HandlerNotFound",
    "app": "Runtime.MalformedHandlerName",
    "": "Runtime.MalformedHandlerName",
    "lives.failing": "Runtime.StartupFailed",
    "lives.raising": "Runtime.ConnectionError",
}
BROKEN_MODULES = {
    "def (": "Runtime.UserCodeSyntaxError",
    "1 / 0": "Runtime.ZeroDivisionError",
    "raise SystemExit": "Runtime.SystemExit",
    "import nothing_of_this_name": "Runtime.ImportModuleError",
}


@pytest.mark.parametrize(("handler", "error_type"), CANNOT_START.items())
def test_an_application_that_cannot_start_is_an_init_error(
    api: RuntimeApi, start: Start, handler: str, error_type: str
) -> None:
    function = start(handler)

    status = function.wait()

    assert status == 1
    assert api.init_error is not None
    assert api.init_error.failure["errorType"] == error_type
    assert api.log == ["POST /init/error"]
    (line,) = function.log_lines
    assert line["message"] == "init_failed"
    assert line["errorMessage"] == api.init_error.failure["errorMessage"]


@pytest.mark.parametrize(("source", "error_type"), BROKEN_MODULES.items())
def test_a_broken_module_is_an_init_error(
    api: RuntimeApi, start: Start, tmp_path: Path, source: str, error_type: str
) -> None:
    (tmp_path / "broken.py").write_text(source)

    function = start("broken.app", env={"LAMBDA_TASK_ROOT": str(tmp_path)})

    assert function.wait() == 1
    assert api.init_error is not None
    assert api.init_error.failure["errorType"] == error_type


def test_the_application_is_started_once_and_its_state_is_in_every_scope(
    api: RuntimeApi, start: Start
) -> None:
    start("lives.living")

    told = [json.loads(api.invoke(event("/")).wait().content) for _ in range(2)]

    assert told == [{"history": ["started"], "state": {"pool": "open"}}] * 2


@pytest.mark.parametrize("handler", ["answers.app", "lives.naive"])
def test_an_application_without_a_lifespan_is_taken_as_it_is(
    api: RuntimeApi, start: Start, handler: str
) -> None:
    function = start(handler)

    answer = api.invoke(event("/whole"))

    assert answer.wait().prelude["statusCode"] == 200
    assert function.log == ""


def test_sigterm_ends_the_process_in_order(api: RuntimeApi, start: Start) -> None:
    function = start("lives.living")
    api.wait_until_idle()

    function.signal(signal.SIGTERM)

    assert function.wait() == 0
    assert function.log_lines == [{"said": "goodbye"}]


def test_sigterm_ends_an_application_that_knows_no_lifespan(api: RuntimeApi, start: Start) -> None:
    function = start()
    api.invoke(event("/endless")).wait_for(b"first")

    function.signal(signal.SIGTERM)

    assert function.wait() == 0
    assert function.log == ""


def test_a_runtime_api_that_goes_away_ends_the_process(tmp_path: Path, start: Start) -> None:
    with RuntimeApi() as api:
        function = start(api=api)
        api.wait_until_idle()

    assert function.wait() == 1
    (line,) = function.log_lines
    assert line["message"] == "runtime_crashed"


def test_as_many_invocations_as_lambda_allows_run_at_once(start: Start, tmp_path: Path) -> None:
    with RuntimeApi(concurrency=4) as api:
        start(api=api, env={"AWS_LAMBDA_MAX_CONCURRENCY": "4"})
        api.wait_until_idle(4)

        slow = [api.invoke(event("/two_steps")) for _ in range(3)]
        for answer in slow:
            answer.wait_for(b"first")
        trace = {"Lambda-Runtime-Trace-Id": "Root=1"}
        quick = [json.loads(api.invoke(event("/echo"), headers=trace).wait().content)]
        (tmp_path / "go").touch()

        assert [answer.wait().content for answer in slow] == [b"firstsecond"] * 3
        assert [shown["lambda"]["trace_id"] for shown in quick] == ["Root=1"]
        assert [shown["trace"] for shown in quick] == [None]


def test_a_frozen_process_goes_on_where_it_was(
    api: RuntimeApi, start: Start, tmp_path: Path
) -> None:
    function = start()
    api.invoke(event("/leaves_a_task")).wait()
    api.wait_until_idle()
    freeze(function.pid)
    (tmp_path / "go").touch()
    time.sleep(0.1)
    log_while_frozen = function.log

    answers = [api.invoke(event("/whole")) for _ in range(2)]
    function.signal(signal.SIGCONT)

    assert [answer.wait().content for answer in answers] == [b'{"ok":true}'] * 2
    assert log_while_frozen == ""


def test_what_is_printed_leaves_before_the_process_can_be_frozen(
    api: RuntimeApi, start: Start
) -> None:
    function = start()

    api.invoke(event("/prints")).wait()
    api.wait_until_idle()

    assert function.log_lines == [{"printed": True}]


def test_hooks_run_around_the_snapshot_and_before_the_first_event(
    api: RuntimeApi, start: Start
) -> None:
    start("lives.snapped", env=SNAP_START)

    told = json.loads(api.invoke(event("/")).wait().content)

    assert told["history"] == ["started", "b2", "b1", "before", "after", "a1", "a2"]
    assert api.log[:2] == ["GET /restore/next", "GET /invocation/next"]


def test_without_snap_start_no_hook_runs(api: RuntimeApi, start: Start) -> None:
    start("lives.snapped")

    told = json.loads(api.invoke(event("/")).wait().content)

    assert told["history"] == ["started"]
    assert api.log[0] == "GET /invocation/next"


def test_a_hook_that_fails_before_the_snapshot_is_an_init_error(
    api: RuntimeApi, start: Start
) -> None:
    function = start("lives.fails_before", env=SNAP_START)

    assert function.wait() == 64
    assert api.init_error is not None
    assert api.init_error.failure["errorType"] == "Runtime.BeforeSnapshotError"
    assert api.init_error.failure["errorMessage"] == "still open"
    assert api.log == ["POST /init/error"]


def test_a_snapshot_that_is_not_taken_is_an_init_error(start: Start) -> None:
    with RuntimeApi(refuses="/restore/next") as api:
        function = start("lives.snapped", api=api, env=SNAP_START)

        assert function.wait() == 64
        assert api.init_error is not None
        assert api.log == ["GET /restore/next", "POST /init/error"]


def test_a_hook_that_fails_after_the_snapshot_is_a_restore_error(
    api: RuntimeApi, start: Start
) -> None:
    function = start("lives.fails_after", env=SNAP_START)

    assert function.wait() == 65
    assert api.restore_error is not None
    assert api.restore_error.failure["errorType"] == "Runtime.AfterRestoreError"
    assert api.log == ["GET /restore/next", "POST /restore/error"]


def test_the_layer_runs_where_lambda_lays_it_out(
    api: RuntimeApi, start: Start, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "layers" / "runtime", tmp_path / "opt")
    runtime = tmp_path / "runtime"

    start(
        bootstrap=tmp_path / "opt" / "rejoinder" / "bootstrap",
        interpreter=INTERPRETER,
        env={"PYTHONPATH": "/of/the/function", "LAMBDA_RUNTIME_DIR": str(runtime)},
    )
    shown = json.loads(api.invoke(event("/echo")).wait().content)

    layer = f"{tmp_path}/opt/python"
    assert shown["search_path"][:5] == [
        str(APPS),
        f"{layer}/lib/{VERSION}/site-packages",
        layer,
        "/of/the/function",
        str(runtime),
    ]


def test_only_the_standard_library_is_loaded(api: RuntimeApi, start: Start) -> None:
    start(interpreter=INTERPRETER)

    shown = json.loads(api.invoke(event("/echo")).wait().content)

    loaded = {name.partition(".")[0] for name in shown["modules"]}
    assert loaded - set(sys.stdlib_module_names) == {"__main__", "answers", "rejoinder_runtime"}


def freeze(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + FROZEN_WITHIN_SECONDS
    while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline
        time.sleep(0.005)
