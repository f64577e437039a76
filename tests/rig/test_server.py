"""The deployment as a process: it answers clients, it ends well, and nothing of it stays."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from openai import APIConnectionError, AuthenticationError, OpenAI

from tests.rig.server import LambdaServer
from tests.server import KEY, OTHER_KEY
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import text
from tests.upstreams.chat_troubles import Stall

type JSON = Any

ENDS_WITHIN_SECONDS = 20


pytestmark = pytest.mark.xdist_group("rig")


@pytest.fixture(scope="module")
def server(
    upstream: ChatUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LambdaServer]:
    with LambdaServer(tmp_path_factory.mktemp("lambda"), upstream.base_url) as server:
        yield server


@pytest.fixture
def client(server: LambdaServer) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client:
        yield client


def test_what_is_created_can_be_retrieved(client: OpenAI, upstream: ChatUpstream) -> None:
    upstream.on("rig-created", text("Hello", "!"))

    made = client.responses.create(model="scripted/rig-created", input="Hi")
    kept = client.responses.retrieve(made.id)

    assert made.output_text == kept.output_text == "Hello!"


def test_a_stream_arrives_and_can_be_followed_again(client: OpenAI, upstream: ChatUpstream) -> None:
    upstream.on("rig-streamed", text("One ", "two"))

    with client.responses.create(model="scripted/rig-streamed", input="Hi", stream=True) as stream:
        events = list(stream)
    response_id = events[0].response.id  # type: ignore[union-attr]
    with client.responses.retrieve(response_id, stream=True, starting_after=2) as stream:
        again = list(stream)

    assert events[-1].type == "response.completed"
    assert [event.sequence_number for event in again] == list(range(3, len(events)))


def test_a_background_response_is_made_by_the_worker(
    client: OpenAI, server: LambdaServer, upstream: ChatUpstream
) -> None:
    upstream.on("rig-background", text("Later"))

    queued = client.responses.create(model="scripted/rig-background", input="Hi", background=True)
    with client.responses.retrieve(queued.id, stream=True) as stream:
        last = list(stream)[-1]

    assert last.type == "response.completed"
    assert client.responses.retrieve(queued.id).output_text == "Later"
    assert server.state()["functions"]["worker"]["invoked"] >= 1


def test_keys_of_the_settings_are_good_and_others_are_not(server: LambdaServer) -> None:
    with (
        OpenAI(base_url=server.base_url, api_key=OTHER_KEY, max_retries=0) as other,
        OpenAI(base_url=server.base_url, api_key="sk-nobody", max_retries=0) as nobody,
    ):
        assert other.models.list().data
        with pytest.raises(AuthenticationError):
            nobody.models.list()


def test_a_function_can_be_killed_while_it_streams(
    client: OpenAI, server: LambdaServer, upstream: ChatUpstream
) -> None:
    upstream.on("rig-killed", text("One ", "two").troubled(Stall(1, 60)))

    with client.responses.create(model="scripted/rig-killed", input="Hi", stream=True) as stream:
        first = next(iter(stream))
        killed = server.kill_function("stream")
        with pytest.raises(APIConnectionError):
            list(stream)

    assert first.type == "response.created"
    assert killed == 1


def test_a_throttled_table_is_asked_again(
    client: OpenAI, server: LambdaServer, upstream: ChatUpstream
) -> None:
    upstream.on("rig-throttled", text("Kept"))
    server.throttle("PutItem", 2)

    made = client.responses.create(model="scripted/rig-throttled", input="Hi")

    assert client.responses.retrieve(made.id).output_text == "Kept"


def test_a_job_that_is_delivered_twice_is_run_once(
    client: OpenAI, server: LambdaServer, upstream: ChatUpstream
) -> None:
    upstream.on("rig-twice", text("Once"))
    before = server.state()["functions"]["worker"]["invoked"]
    server.disturb_queue(twice="together")

    queued = client.responses.create(model="scripted/rig-twice", input="Hi", background=True)
    with client.responses.retrieve(queued.id, stream=True) as stream:
        last = list(stream)[-1]
    server.disturb_queue(twice="never")

    assert last.type == "response.completed"
    assert server.state()["functions"]["worker"]["invoked"] == before + 2
    assert len(upstream.requests_for("rig-twice")) == 1


def test_runtimes_keep_to_the_protocol(client: OpenAI, server: LambdaServer) -> None:
    client.models.list()

    functions = server.state()["functions"]

    assert [each["violations"] for each in functions.values()] == [[]] * len(functions)


def test_a_restart_finds_what_was_kept_and_ctrl_c_leaves_nothing(
    upstream: ChatUpstream, tmp_path: Path
) -> None:
    upstream.on("rig-restarted", text("Kept"))
    with LambdaServer(tmp_path, upstream.base_url) as server:
        with OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client:
            made = client.responses.create(model="scripted/rig-restarted", input="Hi")
            server.restart()
            kept = client.responses.retrieve(made.id)
        before = psutil.Process(server.pid).children(recursive=True)
        status = server.interrupt()

        assert kept.output_text == "Kept"
        assert status == 0
        assert before
        assert psutil.wait_procs(before, ENDS_WITHIN_SECONDS)[1] == []
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url)


def test_a_killed_rig_leaves_no_processes(upstream: ChatUpstream, tmp_path: Path) -> None:
    with LambdaServer(tmp_path, upstream.base_url) as server:
        httpx.get(f"{server.url}/health", timeout=30)
        before = psutil.Process(server.pid).children(recursive=True)

        server.kill()

        assert before
        assert psutil.wait_procs(before, ENDS_WITHIN_SECONDS)[1] == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [("retries = many", "is not TOML"), ("unknown = 1", "unknown"), (None, "cannot be read")],
)
def test_settings_that_cannot_be_used_are_told(
    tmp_path: Path, settings: str | None, told: str
) -> None:
    config = tmp_path / "rejoinder.toml"
    if settings is not None:
        config.write_text(settings)

    done = subprocess.run(
        [sys.executable, "-m", "tests.rig", "serve"],
        env={**os.environ, "CONFIG": str(config)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
