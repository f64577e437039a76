"""Files behind URLs, as Bedrock is given them."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import InvalidRequest
from rejoinder.providers.base import ModelFacts, Turn
from rejoinder.providers.bedrock.provider import Bedrock
from rejoinder.providers.bedrock.signing import ApiKey
from rejoinder.providers.fetching import Fetcher
from rejoinder.providers.upstream import Upstream
from rejoinder.schema.reader import read_request

type JSON = Any

REPLY: JSON = {"output": {"message": {"content": [{"text": "Seen."}]}}, "stopReason": "end_turn"}
FILES = {
    "/a": (b"\x89PNG\r\n\x1a\nmore", "text/html"),
    "/b.webp": (b"RIFF0000WEBP", "image/webp"),
    "/c.pdf": (b"%PDF", "application/octet-stream"),
    "/d": (b"a,b", "text/csv; charset=utf-8"),
    "/e": (b"RIFF0000WAVE", "image/webp"),
    "/f.zip": (b"PK", "application/zip"),
    "/g": (b"GIF89a", "image/gif"),
}


class Network(httpx.AsyncBaseTransport):
    """Bedrock, and a server of files."""

    def __init__(self) -> None:
        self.asked: list[JSON] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.asked.append(json.loads(request.content))
            return httpx.Response(200, json=REPLY)
        data, media_type = FILES[request.url.path]
        return httpx.Response(200, content=data, headers={"content-type": media_type})


async def public(_host: str, _port: int) -> Sequence[str]:
    await asyncio.sleep(0)
    return ["1.1.1.1"]


async def seen(*parts: JSON) -> list[JSON]:
    network = Network()
    upstream = Upstream(network, "https://bedrock.example", headers={}, timeout_seconds=9)
    provider = Bedrock(upstream, ApiKey(), Fetcher(network, resolve=public))
    body = {"model": "m", "input": [{"role": "user", "content": list(parts)}]}
    request = read_request(json.dumps(body).encode())
    turn = Turn(
        model="amazon.nova-pro-v1:0",
        request=request,
        items=[item for item in request.input if item["type"] != "item_reference"],
        tools=ToolNames([]),
        known_tools=ToolNames([]),
        facts=ModelFacts(),
        is_streamed=False,
    )
    async for _ in provider.stream(turn):
        pass
    return list(network.asked[0]["messages"][0]["content"])


def image(path: str) -> JSON:
    return {"type": "input_image", "image_url": f"https://files.example{path}"}


def file(path: str) -> JSON:
    return {"type": "input_file", "file_url": f"https://files.example{path}"}


async def test_images_are_known_by_their_first_bytes() -> None:
    blocks = await seen(image("/a"), image("/b.webp"), file("/g"))

    assert [block["image"]["format"] for block in blocks] == ["png", "webp", "gif"]


async def test_documents_are_known_by_name_or_media_type() -> None:
    *documents, _ = await seen(file("/c.pdf"), file("/d"))

    assert [each["document"]["format"] for each in documents] == ["pdf", "csv"]
    assert [each["document"]["name"] for each in documents] == ["c", "d"]


@pytest.mark.parametrize("part", [image("/e"), file("/f.zip")], ids=["image", "file"])
async def test_what_bedrock_does_not_read_is_refused(part: JSON) -> None:
    with pytest.raises(InvalidRequest):
        await seen(part)
