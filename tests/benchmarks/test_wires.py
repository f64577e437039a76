"""What the upstream of the benchmarks says in each dialect is what the adapters read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from msgspec.json import encode

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import Delta, Started
from rejoinder.engine.tool_names import ToolNames
from rejoinder.providers.anthropic.stream import MessageReader, Reading
from rejoinder.providers.bedrock.frames import FrameDecoder
from rejoinder.providers.bedrock.stream import ConverseReader
from rejoinder.providers.bedrock.tools import Offer
from rejoinder.providers.chat_completions.stream import ChunkReader
from rejoinder.providers.openai.stream import EventReader
from rejoinder.providers.server_sent import EventDecoder
from rejoinder.schema.response import Response
from tests.benchmarks.wires import ANSWER, Wire, wire_at

type JSON = Any
type Read = Callable[[bytes], Sequence[Delta]]

TOKENS = 50
REQUEST = {"model": "burst-50", "stream_options": {"include_usage": True}}


def chat(told: bytes) -> Sequence[Delta]:
    reader = ChunkReader()
    is_stream = told.startswith(b"data:")
    return [*reader.read(EventDecoder().feed(told) if is_stream else [told]), *reader.end()]


def messages(told: bytes) -> Sequence[Delta]:
    reader = MessageReader(Reading())
    is_stream = told.startswith(b"event:")
    deltas = reader.read(EventDecoder().feed(told)) if is_stream else reader.read_whole(told)
    return [*deltas, *reader.end()]


def responses(told: bytes) -> Sequence[Delta]:
    reader = EventReader("http://origin")
    is_stream = told.startswith(b"event:")
    return reader.read(EventDecoder().feed(told)) if is_stream else reader.read_whole(told)


def converse(told: bytes) -> Sequence[Delta]:
    reader = ConverseReader(Offer(family="bench", tools=[]))
    is_whole = told.startswith(b"{")
    deltas = reader.read_whole(told) if is_whole else reader.read(FrameDecoder().feed(told))
    return [*deltas, *reader.end()]


PATHS: Mapping[str, Read] = {
    "/v1/chat/completions": chat,
    "/v1/messages": messages,
    "/v1/responses": responses,
    "/model/burst-50/converse-stream": converse,
}


def response_of(read: Read, told: bytes) -> Response:
    """What a client would have of it."""
    begun = Response(id="resp_1", created_at=1, status="in_progress", model="m")
    assembler = ResponseAssembler(begun, ToolNames([]))
    assembler.feed([Started(), *read(told)])
    return assembler.response


def wire(path: str) -> Wire:
    spoken = wire_at(path, REQUEST)
    assert spoken.model == "burst-50"
    return spoken


@pytest.mark.parametrize(("path", "read"), PATHS.items(), ids=PATHS)
def test_every_token_of_a_stream_is_read(path: str, read: Read) -> None:
    spoken = wire(path)
    told = [spoken.opening(), *map(spoken.token, range(TOKENS)), spoken.closing()]

    response = response_of(read, b"".join(told))

    words = response.output_text.split()
    assert [int(word[1:].partition(":")[0]) for word in words] == [*range(TOKENS)]
    assert response.status == "completed"
    assert response.usage is not None
    assert response.usage.total_tokens == 80


@pytest.mark.parametrize(("path", "read"), PATHS.items(), ids=PATHS)
def test_a_reply_in_one_piece_is_read(path: str, read: Read) -> None:
    response = response_of(read, encode(wire(path).whole()))

    assert (response.status, response.output_text) == ("completed", ANSWER)
