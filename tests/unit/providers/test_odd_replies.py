"""Whatever an upstream sends, its reader gives deltas that can be told, or fails in our own words.

Each reply is a sound one in which a few values, anywhere, were replaced or left out.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import Delta, Started
from rejoinder.engine.encoding import frames_of
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import GatewayError, Unavailable
from rejoinder.providers.anthropic.stream import MessageReader, Reading
from rejoinder.providers.bedrock.frames import Frame, FrameDecoder
from rejoinder.providers.bedrock.stream import ConverseReader
from rejoinder.providers.bedrock.tools import Offer
from rejoinder.providers.chat_completions.stream import ChunkReader
from rejoinder.providers.openai.stream import EventReader
from rejoinder.schema.response import Response
from tests.dialects.bedrock import as_converse
from tests.dialects.responses import as_answer
from tests.upstreams import anthropic_events, chat_chunks
from tests.upstreams.bedrock_replies import Reply as Told
from tests.upstreams.chat_replies import Usage, call, calls, text, thinking
from tests.upstreams.responses_events import Narrator, ResponseAsked
from tests.upstreams.responses_script import Answer
from tests.upstreams.responses_secrets import Locksmith

type JSON = Any
type Path = tuple[str | int, ...]
type Read = Callable[[list[JSON]], list[Delta]]

STORY = (
    thinking("Hm", "m.") + text("Hel", "lo") + calls(call("f", '{"a":', "1}"), call("g"))
).costing(Usage(prompt=9, completion=4, cached=2, reasoning=1))
RESPONSE = Response(id="resp_1", created_at=1, status="in_progress", model="m")
INCLUDED = ["reasoning.encrypted_content", "message.output_text.logprobs"]
BODY = {"model": "gpt-5", "include": INCLUDED}

WORDS = ("type", "text", "id", "name", "error", "message", "content", "stop", "incomplete")
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.just(1 << 70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([*WORDS, "", "{}", "👋", "\ud83d", "\udc4b", "error"])
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3)
    ),
    max_leaves=5,
)


def encoded(told: JSON) -> bytes:
    return json.dumps(told).encode()


def chat_events() -> list[JSON]:
    asked = chat_chunks.Asked("m", stream=True, include_usage=True, top_logprobs=1)
    return [chunk.json for chunk in chat_chunks.chunks(chat_chunks.with_ids(STORY), asked)]


def converse_events() -> list[JSON]:
    reply = as_converse(STORY)
    assert isinstance(reply, Told)
    frames = FrameDecoder().feed(b"".join(reply.messages(reply.usage)))
    return [[frame.kind, frame.is_exception, json.loads(frame.payload)] for frame in frames]


def narrator() -> Narrator:
    answer = as_answer(STORY)
    assert isinstance(answer, Answer)
    return Narrator(answer, ResponseAsked("gpt-5", stream=True, body=BODY, locksmith=Locksmith()))


def read_chat(told: list[JSON]) -> list[Delta]:
    reader = ChunkReader()
    return [Started(), *reader.read(list(map(encoded, told))), *reader.end()]


def read_completion(told: list[JSON]) -> list[Delta]:
    reader = ChunkReader()
    return [Started(), *reader.read_whole(encoded(told[0])), *reader.end()]


def read_messages(told: list[JSON]) -> list[Delta]:
    reader = MessageReader(Reading())
    return [*reader.read(list(map(encoded, told))), *reader.end()]


def read_message(told: list[JSON]) -> list[Delta]:
    reader = MessageReader(Reading())
    return [*reader.read_whole(encoded(told[0])), *reader.end()]


def read_responses(told: list[JSON]) -> list[Delta]:
    reader = EventReader("https://origin")
    deltas = reader.read(list(map(encoded, told)))
    frames_of(ResponseAssembler(RESPONSE, ToolNames([]), seal=str).feed(deltas))
    if reader.failure is not None or not reader.is_done:
        raise reader.failure or Unavailable("The end is missing.")
    return deltas


def read_response(told: list[JSON]) -> list[Delta]:
    reader = EventReader("https://origin")
    deltas = reader.read_whole(encoded(told[0]))
    if reader.failure is not None or not reader.is_done:
        raise reader.failure or Unavailable("The end is missing.")
    return deltas


def read_converse(told: list[JSON]) -> list[Delta]:
    reader = ConverseReader(Offer(family="anthropic", tools=[]))
    frames = [Frame(str(each[0]), bool(each[1]), encoded(each[2])) for each in map(_three, told)]
    return [*reader.read(frames), *reader.end()]


def _three(told: JSON) -> JSON:
    return told if isinstance(told, list) and len(told) == 3 else ["metadata", False, told]


def read_converse_whole(told: list[JSON]) -> list[Delta]:
    reader = ConverseReader(Offer(family="anthropic", tools=[]))
    return [*reader.read_whole(encoded(told[0])), *reader.end()]


ASKED = anthropic_events.Asked("claude-sonnet-4-5")
REPLIES: Mapping[str, tuple[Read, list[JSON]]] = {
    "chat stream": (read_chat, chat_events()),
    "chat whole": (read_completion, [chat_chunks.completion(STORY, chat_chunks.Asked("m"))]),
    "messages stream": (read_messages, [each for _, each in anthropic_events.events(STORY, ASKED)]),
    "messages whole": (read_message, [anthropic_events.message(STORY, ASKED)]),
    "responses stream": (read_responses, list(narrator().events())),
    "responses whole": (read_response, [narrator().response()]),
    "converse stream": (read_converse, converse_events()),
    "converse whole": (read_converse_whole, [as_converse(STORY).body({"inputTokens": 1})]),  # type: ignore[call-arg]
}


def paths_of(told: JSON, path: Path = ()) -> Iterator[Path]:
    """Where there is anything at all."""
    if path:
        yield path
    if isinstance(told, dict | list):
        for key, each in told.items() if isinstance(told, dict) else enumerate(told):
            yield from paths_of(each, (*path, key))


def changed(told: JSON, path: Path, value: JSON) -> None:
    """Put something else there, or nothing."""
    *way, last = path
    holder = told
    for key in way:
        holder = holder[key]
    if value == "(left out)":
        del holder[last]
    else:
        holder[last] = value


@pytest.mark.parametrize("name", REPLIES)
@settings(deadline=None, max_examples=500)
@given(data=st.data())
def test_a_reply_with_anything_in_it_is_read_or_refused(name: str, data: st.DataObject) -> None:
    read, sound = REPLIES[name]
    told = deepcopy(sound)
    for _ in range(data.draw(st.integers(0, 3))):
        path = data.draw(st.sampled_from(list(paths_of(told)) or [(0,)]))
        changed(told, path, data.draw(ANYTHING | st.just("(left out)")))
        told = told or [None]

    try:
        deltas = read(told)
    except GatewayError:
        return

    frames_of(ResponseAssembler(RESPONSE, ToolNames([]), seal=str).feed(deltas))


@pytest.mark.parametrize("read", [read for read, _ in REPLIES.values()], ids=REPLIES)
@settings(deadline=None)
@given(told=ANYTHING)
def test_a_reply_that_is_something_else_is_refused(read: Read, told: JSON) -> None:
    with pytest.raises(GatewayError):
        read([told])


def counts_in(told: JSON) -> Iterator[Path]:
    """Where token counts stand, and all that holds them."""
    return (path for path in paths_of(told) if "usage" in path)


@pytest.mark.parametrize("odd", ["5", 5.5, -5, 1 << 70, [], {"n": 1}, True], ids=str)
@pytest.mark.parametrize("name", REPLIES)
def test_counts_that_make_no_sense_cost_no_answer(name: str, odd: JSON) -> None:
    read, sound = REPLIES[name]
    whole = kinds_told(read(deepcopy(sound)))

    for path in counts_in(sound):
        told = deepcopy(sound)
        changed(told, path, odd)
        assembler = ResponseAssembler(RESPONSE, ToolNames([]), seal=str)
        frames_of(assembler.feed(read(told)))

        assert assembler.response.status == "completed"
        assert [item["type"] for item in assembler.response.output] == whole
        usage = assembler.response.usage
        assert usage is not None
        assert 0 <= usage.input_tokens <= usage.total_tokens <= 13


def kinds_told(deltas: list[Delta]) -> list[str]:
    """The kinds of the items that they make."""
    assembler = ResponseAssembler(RESPONSE, ToolNames([]), seal=str)
    frames_of(assembler.feed(deltas))
    return [item["type"] for item in assembler.response.output]


HALVES = [  # as they stand in JSON, and as they are read
    (r"a\ud83d", "a\ufffd"),
    (r"\ude00b", "\ufffdb"),
    (r"\ud83d\ud83d\ude00", "\ufffd😀"),
    (r"\ud83d\ude00", "😀"),
    (r"\\ud83d \ud83d", "\\ud83d \ufffd"),
]


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize(("half", "text"), HALVES)
def test_half_a_character_does_not_end_the_reply(
    name: str, half: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, sound = REPLIES[name]
    plain = encoded

    def halved(told: JSON) -> bytes:
        return plain(told).replace(b'"Hel', b'"Hel' + half.encode())

    monkeypatch.setitem(globals(), "encoded", halved)

    assembler = ResponseAssembler(RESPONSE, ToolNames([]), seal=str)
    frames = frames_of(assembler.feed(read(deepcopy(sound))))

    assert assembler.response.output_text == f"Hel{text}lo"
    assert f"Hel{text}".encode() in b"".join(frames).replace(rb"\\", b"\\")


def test_bytes_that_are_no_text_are_refused() -> None:
    block = b'{"type":"tool_use","id":"a","name":"b","input":{"a":"\xff"}}'
    message = b'{"content":[%b],"stop_reason":"end_turn"}' % block
    event = b'{"type":"content_block_start","content_block":%b}' % block

    with pytest.raises(GatewayError):
        MessageReader(Reading()).read_whole(message)
    reader = MessageReader(Reading())
    assert reader.read([event]) == []
    with pytest.raises(GatewayError):
        reader.end()
