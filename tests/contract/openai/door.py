"""How the tests of this folder ask: with OpenAI's client, and by hand."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
from msgspec import convert
from openai import AsyncOpenAI

from rejoinder.errors import Unavailable
from rejoinder.sealing import Sealer
from rejoinder.settings import Settings
from rejoinder.web.app import App
from rejoinder.web.auth import KeyRing, digest_of
from rejoinder.wiring import build_gateway
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore
from rejoinder_local.stores import stores_of
from tests.contract.openai.laws import checked

type JSON = Any

KEY = "sk-mine"
MODEL = "openai/gpt-5"
_GONE = Unavailable("The test is over.")


@dataclass(frozen=True, slots=True)
class Door:
    """The application, OpenAI's client and a bare one at its door, and its store."""

    app: App
    client: AsyncOpenAI
    http: httpx2.AsyncClient
    store: SQLiteStore

    async def events(self, prompt: JSON = "Hi", **fields: JSON) -> list[JSON]:
        """The events of a streamed response, which keep every law."""
        body = {"model": MODEL, "input": prompt, "stream": True} | fields
        answer = await self.http.post("/responses", json=body)
        assert answer.status_code == 200, answer.text
        return checked(parsed(answer.text))

    async def both(self, prompt: JSON = "Hi", **fields: JSON) -> list[JSON]:
        """The final response, streamed and whole."""
        told = await self.events(prompt, **fields)
        body = {"model": MODEL, "input": prompt} | fields
        answer = await self.http.post("/responses", json=body)
        assert answer.status_code == 200, answer.text
        return [told[-1]["response"], answer.json()]

    async def recorded(self, response_id: str) -> list[JSON]:
        """The stored response's events, told again."""
        answer = await self.http.get(f"/responses/{response_id}", params={"stream": "true"})
        return checked(parsed(answer.text))

    async def refused(self, prompt: JSON = "Hi", **fields: JSON) -> tuple[int, JSON]:
        """The status and the error of a response that there is none of."""
        body = {"model": MODEL, "input": prompt} | fields
        answer = await self.http.post("/responses", json=body)
        return answer.status_code, answer.json()["error"]


def parsed(text: str) -> list[JSON]:
    """The events of an event stream, which ends as it must."""
    *frames, done, nothing = text.split("\n\n")
    assert (done, nothing) == ("data: [DONE]", "")
    events = []
    for frame in frames:
        if frame.startswith(":"):
            continue
        name, _, data = frame.partition("\ndata: ")
        events.append(json.loads(data))
        assert name == f"event: {events[-1]['type']}"
    return events


@asynccontextmanager
async def opened(folder: Path, upstream_url: str, **settings: JSON) -> AsyncIterator[Door]:
    """A door to a new application; `openai/…` are the upstream's models."""
    provider = {"dialect": "openai", "base_url": upstream_url, "api_key": "sk-upstream"}
    named = convert({"providers": {"openai": provider}, "retries": 0} | settings, Settings)
    store = SQLiteStore(folder / "responses.sqlite3")
    stores = stores_of(store, SQLiteQueue(store.database))
    async with httpx.AsyncHTTPTransport() as transport:
        gateway = build_gateway(named, stores, transport, Sealer(bytes(32)), {})
        app = App(gateway, KeyRing({digest_of(KEY): "me"}), named)
        http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app),
            base_url="http://door/v1",
            headers={"Authorization": f"Bearer {KEY}"},
        )
        async with http:
            client = AsyncOpenAI(
                base_url="http://door/v1", api_key=KEY, http_client=http, max_retries=0
            )
            yield Door(app, client, http, store)
            await gateway.runs.drain(5, _GONE)
    store.close()
