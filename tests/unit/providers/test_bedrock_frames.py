"""The event stream format, read byte by byte."""

import struct
from zlib import crc32

import pytest

from rejoinder.providers.bedrock.frames import MAX_MESSAGE_BYTES, Frame, FrameDecoder
from rejoinder.providers.bedrock.models import facts_of, long_name, path_of
from tests.upstreams.bedrock_frames import event, exception, message

HI = event("contentBlockDelta", {"delta": {"text": "é"}})


def framed(head: bytes, payload: bytes = b"{}") -> bytes:
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    whole = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return whole + struct.pack(">I", crc32(whole))


@pytest.mark.parametrize("size", [1, 2, 11, 12, 13, 1000])
def test_messages_may_be_cut_anywhere(size: int) -> None:
    data, decoder = HI + exception("throttlingException", "No") + HI, FrameDecoder()

    frames = [
        frame for at in range(0, len(data), size) for frame in decoder.feed(data[at : at + size])
    ]

    kinds = [(frame.kind, frame.is_exception) for frame in frames]
    delta = ("contentBlockDelta", False)
    assert kinds == [delta, ("throttlingException", True), delta]
    assert frames[0].payload == '{"delta":{"text":"é"}}'.encode()


def test_a_large_message_in_many_pieces_is_told_whole() -> None:
    said = "x" * 16 * 1024 * 1024
    data, decoder = event("contentBlockDelta", {"delta": {"text": said}}), FrameDecoder()

    pieces = (data[at : at + 1024] for at in range(0, len(data), 1024))
    (frame,) = (frame for piece in pieces for frame in decoder.feed(piece))

    assert len(frame.payload) == len('{"delta":{"text":""}}') + len(said)


@pytest.mark.parametrize("at", range(len(HI)))
def test_any_damaged_byte_is_noticed(at: int) -> None:
    decoder = FrameDecoder()

    frames = decoder.feed(HI + HI[:at] + bytes([HI[at] ^ 0x10]) + HI[at + 1 :])

    assert len(frames) == 1
    assert decoder.failure is not None


def test_a_length_without_end_is_refused_at_once() -> None:
    prelude, decoder = struct.pack(">II", MAX_MESSAGE_BYTES + 1, 0), FrameDecoder()

    decoder.feed(prelude + struct.pack(">I", crc32(prelude)))

    assert decoder.failure is not None


def test_headers_of_other_types_are_stepped_over() -> None:
    other = b"\x01t\x00" + b"\x01i\x04" + bytes(4) + b"\x01b\x06\x00\x02ab"
    kind = b"\x0b:event-type\x07\x00\x08metadata"

    assert FrameDecoder().feed(framed(other + kind)) == [Frame("metadata", False, b"{}")]


def test_unmodelled_errors_are_exceptions() -> None:
    told = message({":message-type": "error", ":error-code": "internal"}, {})

    assert FrameDecoder().feed(told)[0][:2] == ("internal", True)


@pytest.mark.parametrize("head", [b"\x05ab", b"\x01x\x63", b"\x01x\x07\x00"])
def test_headers_that_make_no_sense_are_damage(head: bytes) -> None:
    decoder = FrameDecoder()

    assert decoder.feed(framed(head)) == []
    assert decoder.failure is not None


@pytest.mark.parametrize(
    ("model", "thinking", "native"),
    [
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", None, False),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", "budget", False),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "budget", False),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", "budget", False),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", "budget", True),
        ("us.anthropic.claude-opus-4-6-v1", "adaptive", True),
        ("us.anthropic.claude-opus-4-7", "adaptive", False),
        ("eu.anthropic.claude-sonnet-5", "adaptive", True),
        ("anthropic.claude-opus-5", "adaptive", False),
        ("us-gov.amazon.nova-pro-v1:0", None, False),
        ("us.deepseek.r1-v1:0", None, False),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-2-lite-v1:0", "nova", False),
    ],
)
def test_facts_are_those_of_the_model_behind_the_profile(
    model: str, thinking: str | None, native: bool
) -> None:
    facts = facts_of(model)

    assert (facts.thinking, facts.has_json_schema) == (thinking, native)


def test_paths_escape_what_must_be_escaped() -> None:
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.x.y-v1:0"

    escaped = "arn:aws:bedrock:us-east-1:1:inference-profile%2Fus.x.y-v1:0"
    assert path_of(arn, profile="us", is_streamed=True) == f"/model/{escaped}/converse-stream"
    assert long_name("openai.gpt-oss-20b", "eu") == "openai.gpt-oss-20b-1:0"
