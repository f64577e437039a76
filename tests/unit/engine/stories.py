"""Anything that an upstream may say, as hypothesis strategies."""

from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.deltas import (
    BlockDelta,
    BlockEnded,
    Delta,
    Finished,
    ReasoningDelta,
    ReasoningSigned,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.engine.encoding import frames_of
from rejoinder.engine.padding import padded, unpadded
from rejoinder.errors import GatewayError, InvalidRequest, RateLimited, Unavailable
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.response import InputTokensDetails, OutputTokensDetails, Response, Usage
from rejoinder.schema.tools import ToolChoice
from tests.unit.engine.telling import new_assembler

type JSON = Any
type Ending = Finished | GatewayError | None

BLOCKS = [0, 1, 2, "a", "b"]
TEXTS = [
    "",
    " ",
    "\n\n",
    "\r\n",
    "data: x\n\nevent: y\n\n",
    '","obfuscation":"abc"',
    "👩‍👩‍👧",
    "\u2028\x00",
]
ARGUMENTS = ["", "{", "}", "{}", '{"a":', "1}", '{"input":"', 'ls"}', '{"input":"ls"}', " \n", "]"]
NAMES = ["get_weather", "get_time", "shell", "notes__add", "notes__draft", "invented", ""]
CALL_IDS = ["", "call_a", "call_a", "call_b", "x" * 64, "x" * 65]
CHOICES: list[ToolChoice] = [
    "auto",
    "none",
    "required",
    {"type": "function", "name": "shell"},
    {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "get_time"}, {"type": "custom", "name": "draft"}],
    },
]

blocks = st.sampled_from(BLOCKS)
texts = st.text(max_size=20) | st.sampled_from(TEXTS)
logprobs = st.none() | st.lists(
    st.builds(
        lambda token, logprob: {
            "token": token,
            "logprob": logprob,
            "bytes": list(token.encode()),
            "top_logprobs": [],
        },
        texts,
        st.floats(-10, 0),
    ),
    max_size=2,
)
calls = st.builds(
    ToolCallDelta,
    blocks,
    st.sampled_from(ARGUMENTS) | texts,
    st.sampled_from(CALL_IDS) | st.text(max_size=70),
    st.sampled_from(NAMES) | st.text(max_size=10),
)
more_arguments = st.builds(ToolCallDelta, blocks, st.sampled_from(ARGUMENTS) | texts)
block_deltas: st.SearchStrategy[BlockDelta] = (
    st.builds(TextDelta, blocks, texts, logprobs)
    | st.builds(RefusalDelta, blocks, texts)
    | st.builds(ReasoningDelta, blocks, texts)
    | st.builds(ReasoningSigned, blocks, texts)
    | calls
    | more_arguments
    | st.builds(BlockEnded, blocks)
)
deltas: st.SearchStrategy[Delta] = block_deltas | st.just(Started())
counts = st.integers(0, 10**9)
usages = st.builds(
    Usage,
    counts,
    st.builds(InputTokensDetails, counts, counts),
    counts,
    st.builds(OutputTokensDetails, counts),
    counts,
)
finishes = st.builds(
    Finished,
    st.sampled_from(["stop", "max_output_tokens", "content_filter"]),
    usages,
    st.none() | st.sampled_from(["default", "flex"]),
)
errors: st.SearchStrategy[GatewayError] = st.builds(
    lambda kind, message, code, param: kind(message, code=code, param=param),
    st.sampled_from([GatewayError, InvalidRequest, RateLimited, Unavailable]),
    texts,
    st.none() | st.sampled_from(["server_error", "invalid_image", "odd"]),
    st.none() | st.just("input"),
)


def examples(number: int) -> settings:
    """So many of them, however long each takes on a busy machine."""
    return settings(max_examples=number, deadline=None)


@dataclass(frozen=True)
class Story:
    """What is said, in batches as it came, to which kind of client, and how it ends."""

    batches: list[list[Delta]]
    ending: Finished | GatewayError
    after: list[Delta]  # what a confused upstream says after the end
    choice: ToolChoice
    is_raw: bool
    is_padded: bool
    shows_sealed: bool

    @property
    def said(self) -> list[Delta]:
        """All of it, before the ending."""
        return [delta for batch in self.batches for delta in batch]

    def assembler(self) -> ResponseAssembler:
        return new_assembler(
            choice=self.choice,
            padding=padded if self.is_padded else unpadded,
            raw=self.is_raw,
            seal=lambda secret: f"sealed({secret})",
            shows_sealed=self.shows_sealed,
        )


@dataclass(frozen=True)
class Told:
    """What came of a story: the events of each batch, and the response after each of them."""

    batches: list[list[StreamEvent]]
    responses: list[Response]
    assembler: ResponseAssembler

    @property
    def frames(self) -> list[bytes]:
        return [frame for batch in self.batches for frame in frames_of(batch)]


def tell(story: Story) -> Told:
    """Run the story to its end."""
    assembler = story.assembler()
    batches: list[list[StreamEvent]] = []
    responses: list[Response] = []
    for said in [[Started()], *story.batches, story.ending, story.after]:
        told = (
            assembler.fail(said)
            if isinstance(said, GatewayError)
            else assembler.feed([said] if isinstance(said, Finished) else said)
        )
        batches.append(told)
        responses.append(assembler.response)
    return Told(batches, responses, assembler)


stories = st.builds(
    Story,
    st.lists(st.lists(deltas, max_size=6), max_size=8),
    finishes | errors,
    st.lists(deltas | finishes, max_size=2),
    st.sampled_from(CHOICES),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
