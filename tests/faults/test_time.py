"""What happens when: heartbeats, patience and readers who leave, by an exact clock."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rejoinder.errors import Unavailable
from rejoinder.web.app import App
from tests.faults.folding import folded
from tests.faults.timeless import (
    HEARTBEAT_SECONDS,
    PATIENCE_SECONDS,
    Client,
    Script,
    ScriptedTransport,
    application,
    now,
    request,
    run,
)

type MakeApp = Callable[[ScriptedTransport], App]

STORE = pytest.mark.parametrize("store", [True, False], ids=["stored", "unstored"])


@pytest.fixture
def app_over(tmp_path: Path) -> Iterator[MakeApp]:
    with ExitStack() as stack:
        yield lambda transport: stack.enter_context(application(tmp_path, transport))


@STORE
def test_comments_come_at_every_heartbeat_of_silence(app_over: MakeApp, store: bool) -> None:
    upstream, client = ScriptedTransport(["Hel", 3.5 * HEARTBEAT_SECONDS, "lo"]), Client()

    run(client.ask(app_over(upstream), request(store=store)))

    assert client.comments_at == [HEARTBEAT_SECONDS * beat for beat in (1, 2, 3)]
    assert folded(client.events)["output_text"] == "Hello"


@STORE
def test_no_comments_come_while_the_upstream_talks(app_over: MakeApp, store: bool) -> None:
    script: Script = ["word ", 0.9 * HEARTBEAT_SECONDS] * 30
    client = Client()

    run(client.ask(app_over(ScriptedTransport(script)), request(store=store)))

    assert client.comments_at == []
    assert folded(client.events)["output_text"] == "word " * 30


@STORE
def test_a_heartbeat_counts_from_the_last_event(app_over: MakeApp, store: bool) -> None:
    script: Script = ["one ", 0.6 * HEARTBEAT_SECONDS, "two ", 1.2 * HEARTBEAT_SECONDS, "three"]
    client = Client()

    run(client.ask(app_over(ScriptedTransport(script)), request(store=store)))

    assert client.comments_at == [1.6 * HEARTBEAT_SECONDS]


@STORE
def test_patience_with_a_slow_upstream_ends_with_a_comment(app_over: MakeApp, store: bool) -> None:
    slow = PATIENCE_SECONDS + 2.5 * HEARTBEAT_SECONDS
    client = Client()

    run(
        client.ask(
            app_over(ScriptedTransport(["Hello"], accepts_after_seconds=slow)),
            request(store=store),
        )
    )

    beats = [PATIENCE_SECONDS + HEARTBEAT_SECONDS * beat for beat in range(3)]
    assert client.comments_at == beats
    assert client.writes[len(beats)][0] == slow
    assert folded(client.events)["output_text"] == "Hello"


@STORE
def test_a_slow_reader_gets_no_comments_on_top(app_over: MakeApp, store: bool) -> None:
    script: Script = ["one ", 1.0, "two ", 1.0, "three"]
    client = Client(takes_seconds=2.5 * HEARTBEAT_SECONDS)

    run(client.ask(app_over(ScriptedTransport(script)), request(store=store)))

    assert client.comments_at == []
    assert folded(client.events)["output_text"] == "one two three"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
def test_the_upstream_is_left_the_moment_the_client_leaves(app_over: MakeApp, stream: bool) -> None:
    upstream, client = ScriptedTransport(["Hel", 60.0, "lo"]), Client(leaves_at=12.5)

    run(client.ask(app_over(upstream), request(store=False, stream=stream)))

    assert upstream.stream.closed_at == 12.5


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
def test_an_upstream_that_has_not_answered_is_left_too(app_over: MakeApp, stream: bool) -> None:
    upstream, client = ScriptedTransport([], accepts_after_seconds=60.0), Client(leaves_at=1.0)

    run(client.ask(app_over(upstream), request(store=False, stream=stream)))

    assert upstream.left_at == 1.0


@pytest.mark.parametrize("script", [["Hel", 60.0, "lo"], ["Hel", 12.0, "lo", 60.0, "!"]])
def test_an_upstream_is_left_by_the_first_write_that_fails(
    app_over: MakeApp, script: Script
) -> None:
    upstream, client = ScriptedTransport(script), Client(torn_at=9.0)

    run(client.ask(app_over(upstream), request(store=False)))

    first_write_after_that = HEARTBEAT_SECONDS
    assert upstream.stream.closed_at == first_write_after_that


def test_a_reader_who_is_slow_learns_of_the_servers_end(app_over: MakeApp) -> None:
    upstream = ScriptedTransport(["one ", 1.0, "two ", 60.0, "three"])
    app, client = app_over(upstream), Client(takes_seconds=20.0)

    async def ask_and_drain() -> None:
        reading = asyncio.create_task(client.ask(app, request(store=False)))
        await asyncio.sleep(30.0)
        await app.gateway.runs.drain(1.0, Unavailable("The server stops."))
        await reading

    run(ask_and_drain())

    assert folded(client.events)["error"]["message"] == "The server stops."
    assert upstream.stream.closed_at < 60.0


def test_a_stored_response_goes_on_when_the_client_leaves(app_over: MakeApp) -> None:
    upstream, client = ScriptedTransport(["Hel", 60.0, "lo"]), Client(leaves_at=12.5)
    app = app_over(upstream)

    async def leave_and_wait() -> float:
        await client.ask(app, request())
        left_at = now()
        await asyncio.sleep(60)
        return left_at

    assert run(leave_and_wait()) == 12.5
    assert upstream.stream.closed_at >= 60


def test_readers_of_a_burst_keep_up_with_it(app_over: MakeApp) -> None:
    upstream, client = ScriptedTransport(["word "] * 500), Client()
    app = app_over(upstream)
    lags: list[int] = []

    async def watch() -> None:
        reading = asyncio.create_task(client.ask(app, request()))
        while not reading.done():
            words = sum(b"output_text.delta" in frame for frame in client.events)
            lags.append(upstream.stream.said - words)
            await asyncio.sleep(0)

    run(watch())

    assert folded(client.events)["output_text"] == "word " * 500
    assert max(lags) <= 10


@STORE
def test_clients_who_leave_leave_no_tasks(app_over: MakeApp, store: bool) -> None:
    app = app_over(ScriptedTransport(["Hel", 30.0, "lo"]))

    async def come_and_go() -> list[int]:
        counts = []
        for _ in range(10):
            clients = [Client(leaves_at=now() + 5.0) for _ in range(20)]
            await asyncio.gather(*(client.ask(app, request(store=store)) for client in clients))
            await asyncio.sleep(60)
            counts.append(len(asyncio.all_tasks()))
        return counts

    assert run(come_and_go()) == [1] * 10
