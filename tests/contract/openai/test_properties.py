"""For any script of items, however it is told and wherever it is cut, the laws of §4.3 hold."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.json import decode, encode

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.encoding import frames_of
from rejoinder.engine.recovery import resumed
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import Unavailable
from rejoinder.providers.openai.stream import EventReader
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.response import Response
from tests.contract.openai.laws import checked
from tests.upstreams.responses_events import Narrator, ResponseAsked
from tests.upstreams.responses_script import Answer, Called, Said, Searched, Thought
from tests.upstreams.responses_secrets import Locksmith

type JSON = Any

CITATION = {
    "type": "url_citation",
    "start_index": 0,
    "end_index": 1,
    "url": "https://example.com",
    "title": "An example",
}
BODY = {
    "model": "gpt-5",
    "stream": True,
    "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
}
GONE = Unavailable("Gone.", code="server_error")

pieces = st.lists(st.text(max_size=4), max_size=3).map(tuple)
items = st.one_of(
    st.builds(
        Said,
        pieces,
        phase=st.sampled_from([None, "commentary", "final_answer"]),
        annotations=st.sampled_from([(), (CITATION,), (CITATION, CITATION)]),
    ),
    st.builds(Said, pieces, declines=st.just(True)),
    st.builds(Thought, st.lists(pieces, max_size=3).map(tuple)),
    st.builds(Called, st.just("f"), pieces, is_custom=st.booleans()),
    st.builds(Searched, st.just("weather")),
)
unhurried = settings(deadline=None)
answers = st.builds(
    Answer,
    items=st.lists(items, max_size=4).map(tuple),
    reason=st.sampled_from([None, "max_output_tokens", "content_filter"]),
)


def told_by(answer: Answer) -> list[JSON]:
    asked = ResponseAsked("gpt-5", body=BODY, locksmith=Locksmith())
    return list(Narrator(answer, asked).events())


def new_assembler() -> ResponseAssembler:
    response = Response(id="resp_1", created_at=1, status="in_progress", model="m")
    return ResponseAssembler(response, ToolNames([]), seal=str, shows_sealed=True)


def relayed(assembler: ResponseAssembler, upstream: list[JSON]) -> Iterator[StreamEvent]:
    reader = EventReader("https://origin")
    for event in upstream:
        yield from assembler.feed(reader.read([encode(event)]))
    assert reader.failure is None


def parsed(frames: list[bytes]) -> list[JSON]:
    return [decode(frame.partition(b"\ndata: ")[2]) for frame in frames]


@unhurried
@given(answers)
def test_whatever_is_said_is_relayed_in_order(answer: Answer) -> None:
    assembler = new_assembler()

    events = checked(parsed(frames_of(list(relayed(assembler, told_by(answer))))))

    assert decode(encode(assembler.response)) == events[-1]["response"]


@unhurried
@given(answers)
def test_what_comes_whole_is_told_like_what_comes_in_pieces(answer: Answer) -> None:
    upstream = told_by(answer)
    reader = EventReader("https://origin")

    whole = new_assembler().feed(reader.read_whole(encode(upstream[-1]["response"])))
    streamed = list(relayed(new_assembler(), upstream))

    told = [checked(parsed(frames_of(list(events)))) for events in (whole, streamed)]
    first, second = ([_shape(item) for item in each[-1]["response"]["output"]] for each in told)
    assert first == second


def _shape(item: JSON) -> JSON:
    shape = {key: value for key, value in item.items() if key not in ("id", "encrypted_content")}
    if shape["type"] == "function_call":  # a whole call has arguments, if only `{}`
        shape["arguments"] = shape["arguments"] or "{}"
    return shape


@unhurried
@given(answers, st.data())
def test_an_upstream_that_breaks_off_anywhere_leaves_a_whole_response(
    answer: Answer, data: st.DataObject
) -> None:
    upstream = told_by(answer)
    cut = data.draw(st.integers(0, len(upstream) - 1))
    assembler = new_assembler()

    told = [*relayed(assembler, upstream[:cut]), *assembler.fail(GONE)]

    checked(parsed(frames_of(told)))


@unhurried
@given(answers, st.data())
def test_a_process_that_dies_anywhere_leaves_a_response_that_can_be_ended(
    answer: Answer, data: st.DataObject
) -> None:
    assembler = new_assembler()
    frames = frames_of(list(relayed(assembler, told_by(answer))))
    cut = data.draw(st.integers(2, len(frames) - 1))
    response = Response(id="resp_1", created_at=1, status="in_progress", model="m")

    ended = frames_of(resumed(response, frames[:cut]).fail(GONE))

    checked(parsed([*frames[:cut], *ended]))


@unhurried
@given(answers, st.sampled_from(["part.", "text.", ".delta", ".done", "annotation"]))
def test_what_an_upstream_leaves_out_is_told_in_its_place(answer: Answer, left: str) -> None:
    upstream = told_by(answer)
    kept = [event for event in upstream if "response" in event or left not in event["type"]]

    events = checked(parsed(frames_of(list(relayed(new_assembler(), kept)))))

    told, meant = (each["response"]["output"] for each in (events[-1], upstream[-1]))
    assert [_shape(item) for item in told] == [_shape(item) for item in meant]
