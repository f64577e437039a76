"""The application behind an in-process door, with the demo and a store of its own."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from rejoinder.errors import Unavailable
from rejoinder.providers.demo.provider import Demo
from rejoinder.sealing import Sealer
from rejoinder.settings import ProviderSettings, Settings
from rejoinder.web.app import App
from rejoinder.web.auth import KeyRing, digest_of
from rejoinder.wiring import build_gateway
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore
from rejoinder_local.stores import stores_of

JSON = Any
KEY = "sk-mine"
OTHER_KEY = "sk-another-tenant's"
BEARER = {"Authorization": f"Bearer {KEY}"}
SECRET = "my grandmother's recipe"  # must never be seen in a log
MODELS = ("org/model-1.5:free", "demo-twin", "vision-*")

FUNCTION = {
    "type": "function",
    "name": "water_plants",
    "description": "Waters the plants of a room.",
    "parameters": {
        "type": "object",
        "properties": {"room": {"type": "string"}, "litres": {"type": "integer"}},
        "required": ["room"],
    },
}

_GONE = Unavailable("The test is over.")


@dataclass(frozen=True, slots=True)
class Door:
    """An application, a client at its door with a good key, and where it keeps its responses."""

    app: App
    http: httpx.AsyncClient
    path: Path

    @property
    def kept(self) -> int:
        """How many responses are in the store, deleted ones too."""
        with closing(sqlite3.connect(self.path)) as db:
            (number,) = db.execute("SELECT count(*) FROM responses").fetchone()
            return int(number)

    async def create(self, prompt: JSON = "Good morning.", **fields: JSON) -> JSON:
        """A response, which must succeed."""
        body = {"model": "demo", "input": prompt} | fields
        answer = await self.http.post("/v1/responses", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def opened(folder: Path, **settings: JSON) -> AsyncIterator[Door]:
    """A door to a new application; its settings may be given."""
    named: JSON = {"aliases": {"quick": "demo"}, "providers": {"many": many_models()}} | settings
    async with application(folder, Settings(**named)) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://door", headers=BEARER
        ) as http:
            yield Door(app, http, folder / "responses.sqlite3")


@asynccontextmanager
async def application(folder: Path, settings: Settings) -> AsyncIterator[App]:
    """A new application over the store in a folder; its demos do not dawdle."""
    store = SQLiteStore(folder / "responses.sqlite3")
    stores = stores_of(store, SQLiteQueue(store.database))
    gateway = build_gateway(
        settings,
        stores,
        httpx.MockTransport(_nobody),
        Sealer(bytes(32)),
        {},
    )
    for service in gateway.registry.services.values():
        service.provider = Demo(pace_seconds=0)
    keys = KeyRing({digest_of(KEY): "me", digest_of(OTHER_KEY): "another"})
    try:
        yield App(gateway, keys, settings)
        await gateway.runs.drain(5, _GONE)
    finally:
        store.close()


def many_models() -> ProviderSettings:
    """A provider whose models have all kinds of names."""
    return ProviderSettings(dialect="demo", models=MODELS)


def error_of(answer: httpx.Response) -> JSON:
    """The error in an answer, which must have its shape and headers (contract §1.1, §6.1)."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    body = answer.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"message", "type", "param", "code"}
    assert body["error"]["message"].strip()
    return body["error"]


def _nobody(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(503)
