"""The local server: the application under uvicorn, its housekeeping, and its graceful end."""

import asyncio
import fcntl
import os
import signal
import socket
import sqlite3
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from logging import CRITICAL, getLogger
from pathlib import Path
from typing import IO

import uvicorn

import rejoinder.schema.reader  # noqa: F401, or the first request would wait for it
from rejoinder.dialects import load_all
from rejoinder.errors import Unavailable
from rejoinder.gateway import Gateway
from rejoinder.runs import Runs
from rejoinder.sealing import Sealer
from rejoinder.settings import SettingsError
from rejoinder.web.app import App
from rejoinder.web.auth import KeyRing, digest_of
from rejoinder.web.pages import open_to_pages
from rejoinder.wiring import build_gateway
from rejoinder_local.config import Config
from rejoinder_local.discovery import LOCAL_SECONDS, REMOTE_SECONDS, discover, expect
from rejoinder_local.examining import DEV
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.listening import HOST, listen
from rejoinder_local.measures import Measures
from rejoinder_local.protocol import Protocol
from rejoinder_local.recover import recover
from rejoinder_local.store import SQLiteStore
from rejoinder_local.stores import stores_of
from rejoinder_local.terminal import banner, painted, say
from rejoinder_local.transport import LocalTransport
from rejoinder_local.worker import Worker

BEAT_SECONDS = 5.0
BEATS_PER_SWEEP = 12
LOOK_SECONDS = 30.0
DRAIN_SECONDS = 5.0
STOPPING = Unavailable("The server was stopped while this response was made; ask again.")

log = getLogger("rejoinder")


class LocalServer(uvicorn.Server):
    """Uvicorn, except that responses in the making come to an end before connections do."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, worker: Worker) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._worker = worker

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal. Uvicorn would raise it again in the end, and cut off what we close."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, give the runs a moment, end the late ones, then close."""
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        getLogger("uvicorn.error").setLevel(CRITICAL)  # who is cut off, or does not read: no news
        await self._drain()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        """A moment for what is in the making; a second signal ends it."""
        await self._worker.stop(self._gateway.runs)
        if making := self._gateway.runs.number:
            say(f"  Waiting for what is being made: {making} … (Ctrl-C again stops at once)")
        draining = asyncio.create_task(self._gateway.runs.drain(DRAIN_SECONDS, STOPPING))
        while not draining.done() and not self.force_exit:
            await asyncio.wait({draining}, timeout=0.1)
        if self.force_exit:
            self.config.timeout_graceful_shutdown = 0
            draining.cancel()
            await self._gateway.runs.drain(0, STOPPING)


def serve(config: Config) -> None:
    """Run until Ctrl-C.

    Raises:
        SettingsError: if the port or the data folder cannot be used, or a provider is set up
            wrongly.
    """
    config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(config.data / "lock"):
        listening = listen(config.port)
        asyncio.run(_serve(config, listening), loop_factory=_loop_factory())


async def _serve(config: Config, listening: socket.socket) -> None:
    store = _opened_store(config.data / "responses.sqlite3")
    transport = LocalTransport()
    queue = SQLiteQueue(store.database)
    stores = stores_of(store, queue)
    gateway = build_gateway(config.settings, stores, transport, Sealer(config.seal_key))
    url = f"http://{HOST}:{listening.getsockname()[1]}"
    expect(gateway.registry, config.without(url).candidates, transport, os.environ)
    load_all(gateway.registry)
    queue.release()
    store.release()
    cut_off = await recover(store, queue)
    worker = _worker(config, gateway, store, queue)
    measures = Measures()
    log.addHandler(measures)
    app = App(gateway, _keys(config), config.settings, measures.instruments)
    server = LocalServer(_uvicorn_config(app), gateway, worker)
    chores = [
        _chore("work", worker.work()),
        _chore("keep_house", _keep_house(store, queue, gateway.runs)),
        _chore("introduce", _introduce(config.without(url), gateway, transport, url)),
    ]
    if cut_off:
        say(
            painted(
                f"  {cut_off} responses were cut off by the last stop and have failed.", "yellow"
            )
        )
    try:
        await server.serve(sockets=[listening])
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        await transport.aclose()
        store.close()
        say(painted("\n  Stopped. Everything is kept; `make serve` goes on from here.", "dim"))


def _chore(name: str, doing: Coroutine[None, None, None]) -> asyncio.Task[None]:
    """What is done beside the requests; if it breaks, somebody shall know."""

    def tell(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.error("chore_broke", extra={"chore": name}, exc_info=error)

    task = asyncio.create_task(doing)
    task.add_done_callback(tell)
    return task


def _opened_store(path: Path) -> SQLiteStore:
    try:
        return SQLiteStore(path)
    except sqlite3.DatabaseError as error:
        raise SettingsError(
            f"{path} cannot be opened: {error}. Restore it, or choose another folder: "
            "make serve DATA=…"
        ) from error


async def _introduce(config: Config, gateway: Gateway, transport: LocalTransport, url: str) -> None:
    """Find out who is there while we answer already, print the banner, and keep looking."""
    registry, candidates = gateway.registry, config.candidates
    silent, _ = await asyncio.gather(
        discover(
            registry, config.settings.providers, transport, os.environ, seconds=REMOTE_SECONDS
        ),
        discover(registry, candidates, transport, os.environ, seconds=LOCAL_SECONDS),
    )
    say(banner(config, url, registry, silent))
    while True:  # a model server may be started after us
        await asyncio.sleep(LOOK_SECONDS)
        await discover(registry, candidates, transport, os.environ, seconds=LOCAL_SECONDS)


async def _keep_house(store: SQLiteStore, queue: SQLiteQueue, runs: Runs) -> None:
    for beat in count():
        try:
            if beat % BEATS_PER_SWEEP == 0:
                await store.sweep()
            await store.database.checkpoint()
            await recover(store, queue, runs)  # what could not be stored when it ended
        except Exception:  # a full disk, perhaps: it may have room again at the next beat
            log.exception("house_not_kept")
        await asyncio.sleep(BEAT_SECONDS)


def _worker(config: Config, gateway: Gateway, store: SQLiteStore, queue: SQLiteQueue) -> Worker:
    background = gateway.background
    return Worker(
        store,
        queue,
        {"run": background.run, "webhook": background.announcer.deliver},
        at_a_time=config.settings.background.workers,
        lease_seconds=config.settings.background.lease_seconds,
    )


def _uvicorn_config(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        open_to_pages(app, app.settings.cors_origins),
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=5,
    )


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    with suppress(ImportError):
        import uvloop

        return uvloop.Loop
    return None


def _keys(config: Config) -> KeyRing:
    keys = {digest_of(config.dev_key): DEV}
    return KeyRing(keys | {digest_of(key): tenant for tenant, key in config.settings.keys.items()})


class locked:  # noqa: N801, reads as a verb
    """The data folder belongs to one process at a time.

    Raises:
        SettingsError: if another one has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> None:
        self._file = self._path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise SettingsError(
                f"Another Rejoinder is using {self._path.parent}. Stop it, or choose another "
                "folder: make serve DATA=…"
            ) from error

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
