"""Function processes: how they start, how many there are, and how they end."""

import asyncio
import signal
import subprocess
import sys

import httpx
import psutil
import pytest

from tests.rig.reaper import Reaper
from tests.rig.small import Small, until

WAITS = """
    import os, time
    from pathlib import Path

    def handle(event, context):
        Path(os.environ["FOLDER"], f"began-{os.getpid()}").touch()
        while not Path(os.environ["FOLDER"], "go").exists():
            time.sleep(0.005)
        return {"statusCode": 200, "body": str(os.getpid())}
"""
CONTEXT = """
    import json, os

    def handle(event, context):
        left = context.get_remaining_time_in_millis()
        told = {
            "id": context.aws_request_id,
            "arn": context.invoked_function_arn,
            "memory": context.memory_limit_in_mb,
            "has_time": 0 < left <= 20_000,
            "env": dict(os.environ),
            "cwd": os.getcwd(),
        }
        return {"statusCode": 200, "body": json.dumps(told)}
"""


async def test_a_function_sees_the_environment_of_lambda_and_nothing_else(
    small: Small, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-developer")
    small.buffered("context", CONTEXT)
    await small.start()

    told = (await http.get(small.url("context"))).json()
    await small.is_idle("context")

    assert told["arn"].endswith(":function:context")
    assert told["memory"] == "128"
    assert told["has_time"]
    assert told["cwd"] == told["env"]["LAMBDA_TASK_ROOT"] == str(small.folder / "context")
    assert "PYTHONPATH" not in told["env"]
    assert {name for name in told["env"] if not name.startswith(("AWS_", "LAMBDA_", "_"))} == {
        *("PATH", "LANG", "TZ", "LC_CTYPE", "FOLDER"),
    } & set(told["env"])
    assert any(
        line.startswith(f"REPORT RequestId: {told['id']}") for line in small.lines.of("context")
    )


async def test_the_same_process_serves_one_request_after_another(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered("waits", WAITS)
    small.touch("go")
    await small.start()

    pids = set()
    for _ in range(3):
        pids.add((await http.get(small.url("waits"))).text)
        await small.is_idle("waits")

    assert len(pids) == 1
    reports = [line for line in small.lines.of("waits") if line.startswith("REPORT")]
    assert ["Init Duration" in line for line in reports] == [True, False, False]


async def test_as_many_processes_as_requests_until_the_limit_then_429(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered("waits", WAITS, concurrency=2)
    await small.start()

    two = [asyncio.create_task(http.get(small.url("waits"))) for _ in range(2)]
    await until(lambda: len([*small.folder.glob("began-*")]) == 2)
    third = await http.get(small.url("waits"))
    small.touch("go")
    first, second = await asyncio.gather(*two)

    assert third.status_code == 429
    assert third.json() == {"message": "Too Many Requests"}
    assert first.status_code == second.status_code == 200
    assert first.text != second.text


async def test_the_process_that_rested_last_works_first(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered("waits", WAITS)
    await small.start()
    two = [asyncio.create_task(http.get(small.url("waits"))) for _ in range(2)]
    await until(lambda: len([*small.folder.glob("began-*")]) == 2)
    small.touch("go")
    await asyncio.gather(*two)
    await small.is_idle("waits")

    last = small.fleet("waits").processes[-1].pid
    third = await http.get(small.url("waits"))

    assert third.text == str(last)


async def test_a_function_is_killed_at_its_timeout(small: Small, http: httpx.AsyncClient) -> None:
    small.buffered("waits", WAITS, timeout_seconds=0.5)
    await small.start()

    late = await http.get(small.url("waits"))
    small.touch("go")
    next_one = await http.get(small.url("waits"))

    assert late.status_code == 502
    assert any("Task timed out after 0.50 seconds" in line for line in small.lines.of("waits"))
    assert next_one.status_code == 200  # from a new process


async def test_a_crash_is_a_502_and_the_next_request_gets_a_new_process(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered(
        "crashes",
        """
        import os

        def handle(event, context):
            if event["queryStringParameters"]:
                print("the end", flush=True)
                os._exit(3)
            return {"statusCode": 200, "body": "well"}
        """,
    )
    await small.start()

    crashed = await http.get(small.url("crashes"), params={"now": "1"})
    next_one = await http.get(small.url("crashes"))

    assert crashed.status_code == 502
    assert "the end" in small.lines.of("crashes")
    assert next_one.text == "well"


async def test_an_exception_is_a_502_and_the_process_goes_on(
    small: Small, http: httpx.AsyncClient
) -> None:
    code = """
        import os

        def handle(event, context):
            if event["queryStringParameters"]:
                raise RuntimeError("no")
            return {"statusCode": 200, "body": str(os.getpid())}
    """
    small.buffered("raises", code)
    await small.start()

    before = await http.get(small.url("raises"))
    raised = await http.get(small.url("raises"), params={"now": "1"})
    await small.is_idle("raises")
    after = await http.get(small.url("raises"))

    assert raised.status_code == 502
    assert any("RuntimeError: no" in line for line in small.lines.of("raises"))
    assert before.text in {str(process.pid) for process in small.fleet("raises").processes}
    assert after.status_code == 200


async def test_an_init_that_fails_is_tried_again_once(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered("broken", "raise RuntimeError('never')\n")
    await small.start()

    reply = await http.get(small.url("broken"))

    assert reply.status_code == 502
    reports = [line for line in small.lines.of("broken") if line.startswith("INIT_REPORT")]
    assert len(reports) == 2
    assert "RuntimeError: never" in reports[0]


async def test_an_init_that_is_slow_once_is_forgiven(small: Small, http: httpx.AsyncClient) -> None:
    code = """
        import os, time
        from pathlib import Path

        mark = Path(os.environ["FOLDER"], "tried")
        if not mark.exists():
            mark.touch()
            time.sleep(60)

        def handle(event, context):
            return {"statusCode": 200, "body": "ready"}
    """
    small.buffered("slow", code, init_seconds=0.5)
    await small.start()

    reply = await http.get(small.url("slow"))

    assert reply.text == "ready"


async def test_a_killed_function_is_a_crash_for_its_caller(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered("waits", WAITS)
    await small.start()
    asking = asyncio.create_task(http.get(small.url("waits")))
    await until(lambda: len([*small.folder.glob("began-*")]) == 1)

    killed = small.fleet("waits").kill_working()

    assert killed == 1
    assert (await asking).status_code == 502


def test_the_reaper_ends_the_processes_of_a_rig_that_was_killed() -> None:
    code = (
        "import time; from tests.rig.reaper import Reaper; r = Reaper(); print(r.pid, flush=True)"
    )
    frozen = subprocess.Popen(["sleep", "600"], start_new_session=True)
    frozen.send_signal(signal.SIGSTOP)
    told = f"{code}; r.watch({frozen.pid}); print('watched', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", told], stdout=subprocess.PIPE, text=True) as rig:
        assert rig.stdout is not None
        reaper = psutil.Process(int(rig.stdout.readline()))
        rig.stdout.readline()

        rig.kill()

        assert frozen.wait(10) == -signal.SIGKILL
        psutil.wait_procs([reaper], timeout=10)
        assert not reaper.is_running()


def test_the_reaper_spares_what_it_was_told_to_forget() -> None:
    reaper = Reaper()
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    reaper.watch(process.pid)
    reaper.forget(process.pid)

    reaper.close()

    assert process.poll() is None
    process.kill()
    process.wait()
