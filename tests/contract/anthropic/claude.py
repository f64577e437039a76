"""Rejoinder in this process, over a scripted Messages API on real HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
from openai import AsyncOpenAI
from openai.types.responses import Response

from rejoinder.errors import Unavailable
from rejoinder.sealing import Sealer
from rejoinder.settings import ProviderSettings, Settings
from rejoinder.web.app import App
from rejoinder.web.auth import KeyRing, digest_of
from rejoinder.wiring import build_gateway
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore
from rejoinder_local.stores import stores_of
from tests.upstreams.anthropic import AnthropicUpstream
from tests.upstreams.chat_completions import Recorded

type JSON = Any

KEY = "sk-mine"
UPSTREAM_KEY = "sk-ant-scripted"
SONNET = "claude-sonnet-4-5"  # thinks on a budget
OPUS = "claude-opus-4-7"  # thinks as it sees fit
BOUND = "claude-opus-5-5"  # always thinks, and minds what stood before
OLD = "claude-sonnet-4-20250514"  # has no answers of a given form

WEATHER: JSON = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather somewhere.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
TIME: JSON = {"type": "function", "name": "get_time", "parameters": {"type": "object"}}

_GONE = Unavailable("The test is over.")


@dataclass(frozen=True, slots=True)
class Claude:
    """The official client at Rejoinder's door, and the upstream behind it."""

    client: AsyncOpenAI
    http: httpx2.AsyncClient
    upstream: AnthropicUpstream

    async def create(
        self, prompt: JSON = "Hello.", model: str = SONNET, **fields: JSON
    ) -> Response:
        """A response in one piece."""
        response: Response = await self.client.responses.create(model=model, input=prompt, **fields)
        return response

    async def stream(self, prompt: JSON = "Hello.", model: str = SONNET, **fields: JSON) -> JSON:
        """The events of a streamed response; the official client would raise at an `error`."""
        body = {"model": model, "input": prompt, "stream": True} | fields
        answer = await self.http.post("/v1/responses", json=body)
        assert answer.status_code == 200, answer.text
        told = (line for line in answer.text.split("\n") if line.startswith("data: {"))
        return [json.loads(line.removeprefix("data: ")) for line in told]

    async def refused(self, prompt: JSON = "Hello.", model: str = SONNET, **fields: JSON) -> JSON:
        """Status and error of a request that fails."""
        body = {"model": model, "input": prompt} | fields
        answer = await self.http.post("/v1/responses", json=body)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["error"]

    @property
    def asked(self) -> JSON:
        """The body that the upstream saw last."""
        return self.last.body

    @property
    def last(self) -> Recorded:
        """The request that the upstream saw last."""
        return self.upstream.requests[-1]


@asynccontextmanager
async def answering(
    folder: Path, upstream: AnthropicUpstream, **more: JSON
) -> AsyncIterator[Claude]:
    """A new application over the upstream."""
    provider = ProviderSettings(
        dialect="anthropic",
        base_url=upstream.base_url,
        api_key=UPSTREAM_KEY,
        models=("claude-*",),
        timeout_seconds=1,
    )
    told: JSON = {"providers": {"anthropic": provider}, "retries": 0} | more
    settings = Settings(**told)
    store = SQLiteStore(folder / "responses.sqlite3")
    stores = stores_of(store, SQLiteQueue(store.database))
    async with httpx.AsyncHTTPTransport() as transport:
        gateway = build_gateway(
            settings,
            stores,
            transport,
            Sealer(b"k" * 32),
            {},
        )
        app = App(gateway, KeyRing({digest_of(KEY): "me"}), settings)
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app),
            base_url="http://door",
            headers={"authorization": f"Bearer {KEY}"},
        ) as http:
            client = AsyncOpenAI(
                base_url="http://door/v1", api_key=KEY, max_retries=0, http_client=http
            )
            yield Claude(client, http, upstream)
        await gateway.runs.drain(1, _GONE)
    store.close()


def types_of(events: JSON) -> list[str]:
    """The types of events, without the prefix that all have."""
    return [event["type"].removeprefix("response.") for event in events]


def result(call_id: str, output: JSON) -> JSON:
    """What a function gave back."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}
