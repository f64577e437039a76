"""The whole product in this process, over a scripted Bedrock, for a test to talk to."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from msgspec import convert

from rejoinder.schema.items import JSON
from rejoinder.sealing import Sealer
from rejoinder.settings import Settings
from rejoinder.web.app import App
from rejoinder.web.auth import KeyRing, digest_of
from rejoinder.wiring import build_gateway
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore
from rejoinder_local.stores import stores_of
from rejoinder_local.transport import LocalTransport
from tests.upstreams.bedrock import BedrockUpstream

CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
ADAPTIVE = "us.anthropic.claude-opus-4-6-v1"
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"  # what the seeds' short name stands for
NOVA = "us.amazon.nova-2-lite-v1:0"
OSS = "openai.gpt-oss-120b-1:0"
LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"
MISTRAL = "mistral.mistral-large-2407-v1:0"

WEATHER: JSON = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TIME: JSON = {"type": "function", "name": "get_time", "parameters": {"type": "object"}}


@dataclass(frozen=True, slots=True)
class Told:
    """A streamed response: its events, in order."""

    events: Sequence[JSON]

    @property
    def types(self) -> list[str]:
        return [event["type"].removeprefix("response.") for event in self.events]

    @property
    def response(self) -> JSON:
        return self.events[-1]["response"]

    def deltas(self, kind: str) -> list[str]:
        return [
            event["delta"] for event in self.events if event["type"] == f"response.{kind}.delta"
        ]


class Door:
    """A client that knows how to ask, streamed or not."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def post(self, model: str, given: JSON = "Hello", **more: JSON) -> httpx.Response:
        body = {"model": f"bedrock/{model}", "input": given, **more}
        return await self._http.post("/v1/responses", json=body)

    async def create(self, model: str, given: JSON = "Hello", **more: JSON) -> JSON:
        answer = await self.post(model, given, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, model: str, given: JSON = "Hello", **more: JSON) -> tuple[int, JSON]:
        answer = await self.post(model, given, **more)
        return answer.status_code, answer.json()["error"]

    async def stream(self, model: str, given: JSON = "Hello", **more: JSON) -> Told:
        answer = await self.post(model, given, stream=True, **more)
        assert answer.status_code == 200, answer.text
        frames = [frame for frame in answer.text.split("\n\n") if "data: {" in frame]
        return Told([json.loads(frame.partition("data: ")[2]) for frame in frames])


@asynccontextmanager
async def opened(
    upstream: BedrockUpstream,
    data: Path,
    *,
    env: Mapping[str, str] | None = None,
    settings: Mapping[str, JSON] | None = None,
    **provider: JSON,
) -> AsyncIterator[Door]:
    """The product over this upstream; `provider` are settings of its own."""
    bedrock = {"dialect": "bedrock", "base_url": upstream.base_url, **provider}
    told = {"retries": 0, "providers": {"bedrock": bedrock}, **(settings or {})}
    read = convert(told, Settings)
    store, transport = SQLiteStore(data / "responses.sqlite3"), LocalTransport()
    stores = stores_of(store, SQLiteQueue(store.database))
    credentials = upstream.account.env if env is None else env
    try:
        gateway = build_gateway(
            read,
            stores,
            transport,
            Sealer(bytes(32)),
            credentials,
        )
        app = App(gateway, KeyRing({digest_of("sk-me"): "me"}), read)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://rejoinder",
            headers={"authorization": "Bearer sk-me"},
        ) as http:
            yield Door(http)
    finally:
        await transport.aclose()
        store.close()


def said(response: JSON) -> str:
    """All text of a response."""
    return str(response["output_text"])


def calls_of(response: JSON) -> list[JSON]:
    """Its function calls."""
    return [item for item in response["output"] if item["type"] == "function_call"]


def results_of(response: JSON, output: str = "sunny") -> list[JSON]:
    """A result for each of its calls."""
    return [
        {"type": "function_call_output", "call_id": call["call_id"], "output": output}
        for call in calls_of(response)
    ]
